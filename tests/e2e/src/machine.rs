// SPDX-License-Identifier: GPL-2.0

//! A guest under test: the virtual machine, the bus with a SCSI controller, and a shell inside.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use vmbus_host::net::Card;
use vmbus_host::scsi::Controller;
use vmbus_host::vmbus::device::Device;
use vmbus_host::vmbus::server::Server;
use vmbus_host::vmm::{Agent, ExitReason, Vm};

use crate::hang;
use crate::kernel::Kernel;
use crate::kernel_log;
use crate::lab::BOOT_LIMIT;
pub use crate::lab::{Driver, Lab, Setup};
use crate::shell::{Output, Shell};

/// How long a guest may take to be done with a device that was taken away.
const RELEASE_LIMIT: Duration = Duration::from_secs(40);

/// Reads from the only disk. A disk that comes back may have another name, while the old one is still
/// being freed.
pub const READ_DISK: &str = "dd if=$(echo /dev/sd?) of=/dev/null bs=4k count=8 iflag=direct";

/// How long a command may take where nothing else is said.
const COMMAND_LIMIT: Duration = Duration::from_secs(120);

/// See the module.
pub struct Machine {
    /// The virtual machine.
    pub vm: Vm,
    /// The bus.
    pub server: Arc<Server>,
    /// Its first device.
    pub controller: Arc<Controller>,
    /// Whose drivers are under test.
    pub driver: Driver,
    pub(crate) kernel: Kernel,
    /// Where to write what the host's threads do while the guest does not answer.
    pub(crate) threads_log: PathBuf,
    pub(crate) devices: Vec<Arc<dyn Device>>,
    pub(crate) shell: Shell<Agent>,
}

impl Machine {
    /// Runs a command and returns how it ended.
    pub fn run(&mut self, command: &str) -> Result<Output> {
        self.run_for(command, COMMAND_LIMIT)
    }

    /// The same with another limit.
    pub fn run_for(&mut self, command: &str, limit: Duration) -> Result<Output> {
        self.start(command)?;
        self.finish(command, limit)
    }

    /// Starts a command, so that something can be done to the guest while it runs.
    pub fn start(&mut self, command: &str) -> Result<()> {
        self.shell.start(command)
    }

    /// Has the kernel crash, on the second processor, without what `hang` would have it tell: it may
    /// not get to the end of that.
    pub fn crash(&mut self) -> Result<()> {
        self.start(
            "echo >/proc/sys/kernel/panic_sys_info; taskset 2 sh -c 'echo c >/proc/sysrq-trigger'",
        )
    }

    /// Waits for the command that was started.
    pub fn finish(&mut self, command: &str, limit: Duration) -> Result<Output> {
        let output = self.shell.finish(limit * self.kernel.burden());
        output.with_context(|| {
            format!(
                "running '{command}'; {}",
                hang::record(&self.vm, &self.threads_log)
            )
        })
    }

    /// Runs a command that must succeed and returns what it printed.
    pub fn sh(&mut self, command: &str) -> Result<String> {
        self.sh_for(command, COMMAND_LIMIT)
    }

    /// The same with another limit.
    pub fn sh_for(&mut self, command: &str, limit: Duration) -> Result<String> {
        let output = self.run_for(command, limit)?;
        ensure!(
            output.status == 0,
            "'{command}' ended with {}: {}",
            output.status,
            output.text
        );
        Ok(output.text)
    }

    /// Lets the guest's reference time jump ahead, in steps after each of which the guest does something, so
    /// that no part of its kernel finds that nothing was done for long.
    pub fn advance_reference_time(&mut self, by: Duration) -> Result<()> {
        let step = Duration::from_secs(10);
        let mut left = by;
        while !left.is_zero() {
            self.vm.advance_reference_time(left.min(step))?;
            self.sh("true")?;
            left = left.saturating_sub(step);
        }
        Ok(())
    }

    /// One of the counters that `ethtool -S` shows.
    pub fn counter(&mut self, interface: &str, name: &str) -> Result<u64> {
        let text = self.sh(&show_counter(interface, name))?;
        text.parse().with_context(|| format!("{name}: '{text}'"))
    }

    /// Waits until one of those counters is at least so high; `what` says what was waited for.
    pub fn until_counted(
        &mut self,
        interface: &str,
        name: &str,
        wanted: u64,
        what: &str,
    ) -> Result<()> {
        let show = show_counter(interface, name);
        self.until(&format!("[ $({show}) -ge {wanted} ]"), what)
    }

    /// Waits until another kernel has started in the place of the one that was there.
    pub fn reconnect(&mut self) -> Result<()> {
        let port = self.vm.agent().context("the machine has no agent port")?;
        let shell = Shell::connect(port, BOOT_LIMIT);
        self.shell = shell.with_context(|| hang::record(&self.vm, &self.threads_log))?;
        Ok(())
    }

    /// Loads the storage driver, and with ours the bus.
    pub fn load(&mut self) -> Result<()> {
        self.sh(&format!("modprobe {}", self.driver.storvsc()))?;
        Ok(())
    }

    /// Takes the controller away and waits until the guest has released all its relids.
    pub fn take_away(&mut self) -> Result<()> {
        self.server.remove_device(self.controller.config().instance);
        self.released()
    }

    /// Waits until the guest has released all relids of the controller.
    pub fn released(&self) -> Result<()> {
        let instance = self.controller.config().instance;
        let released = self.server.wait_for(
            |bus| {
                bus.channels
                    .iter()
                    .all(|channel| channel.instance != instance)
            },
            RELEASE_LIMIT * self.kernel.burden(),
        );
        ensure!(
            released,
            "the guest does not release the relids: {:?}; the console ends with:\n{}",
            self.server.status(),
            tail(&self.vm)
        );
        Ok(())
    }

    /// Unloads those of our drivers that are loaded. A module is busy while the SCSI layer looks for
    /// disks.
    pub fn unload(&mut self) -> Result<()> {
        for module in [
            "hv_utils_rust",
            "hv_netvsc_rust",
            "hv_storvsc_rust",
            "hv_vmbus_rust",
        ] {
            self.until(
                &format!("! [ -d /sys/module/{module} ] || rmmod {module} 2>/dev/null"),
                &format!("{module} unloads"),
            )?;
        }
        Ok(())
    }

    /// Loads the network driver, and with ours the bus, and waits for the interface of a card.
    pub fn load_net(&mut self, card: &Card) -> Result<String> {
        self.sh(&format!("modprobe {}", self.driver.netvsc()))?;
        self.interface(card)
    }

    /// The name of a card's interface, once it is there.
    pub fn interface(&mut self, card: &Card) -> Result<String> {
        let mac = card
            .config()
            .mac
            .map(|byte| format!("{byte:02x}"))
            .join(":");
        let find = format!("grep -l {mac} /sys/class/net/*/address 2>/dev/null");
        self.until(&find, "the interface appears")?;
        self.sh(&format!("{find} | cut -d/ -f5"))
    }

    /// Waits in the guest until a shell condition holds; `what` says what was waited for.
    pub fn until(&mut self, condition: &str, what: &str) -> Result<()> {
        let command = format!(
            "n=0; until {condition}; do n=$((n+1)); [ $n -gt {} ] && exit 1; usleep 50000; done",
            600 * self.kernel.burden()
        );
        let output = self.run(&command)?;
        if output.status != 0 {
            let log = self
                .run("dmesg | tail -n 40")
                .map(|output| output.text)
                .unwrap_or_default();
            bail!(
                "{what}: not in time; {}; the kernel's log ends with:\n{log}",
                self.violations()
            );
        }
        Ok(())
    }

    /// Loads the driver and waits for a disk.
    pub fn load_until(&mut self, disk: &str) -> Result<()> {
        self.load()?;
        self.until(
            &format!("[ -b /dev/{disk} ]"),
            &format!("/dev/{disk} appears"),
        )
    }

    /// Ends the guest, whatever it does, and judges what it and the host have seen.
    pub fn end(mut self) -> Result<()> {
        if self.kernel.finds_leaks() {
            self.find_leaks()?;
        }
        self.vm.stop();
        let reason = self.vm.wait();
        ensure!(
            reason == ExitReason::Stopped,
            "the guest ended by itself: {reason}"
        );
        self.judge()
    }

    /// Has the kernel look for memory that nothing points to. What is younger than five seconds it
    /// does not report, and what it sees once it may be mistaken about.
    fn find_leaks(&mut self) -> Result<()> {
        let leaks = self.sh(
            "cd /sys/kernel/debug && echo scan >kmemleak && sleep 6 && echo scan >kmemleak && cat kmemleak",
        )?;
        let (many, first) = (leaks.matches("unreferenced object").count(), leaks.lines());
        ensure!(
            leaks.is_empty(),
            "{many} memory leaks, the first:\n{}",
            first.take(24).collect::<Vec<_>>().join("\n")
        );
        Ok(())
    }

    /// Waits for the guest to end by itself, in the way that it was asked to, and judges as
    /// [`Machine::end`] does.
    pub fn ends(self, wanted: &ExitReason) -> Result<()> {
        let reason = self.vm.wait_timeout(COMMAND_LIMIT * self.kernel.burden());
        ensure!(
            reason.as_ref() == Some(wanted),
            "the guest did not end as asked: {reason:?}; the console ends with:\n{}",
            tail(&self.vm)
        );
        self.judge()
    }

    fn judge(&self) -> Result<()> {
        let console = self.vm.console().text();
        if let Some(line) = kernel_log::fault(&console) {
            bail!("the kernel's log has a report: {line}");
        }
        let violations = self.server.violations().len() + self.controller.violations().count();
        ensure!(violations == 0, "{}", self.violations());
        for device in &self.devices {
            let violations = device.violations();
            ensure!(
                violations.is_empty(),
                "a device's protocol was broken: {violations:?}"
            );
        }
        Ok(())
    }

    /// What the host has against the guest.
    fn violations(&self) -> String {
        let (bus, disk) = (
            self.server.violations(),
            self.controller.violations().first(),
        );
        if bus.is_empty() && disk.is_empty() {
            return "the guest broke no protocol".to_owned();
        }
        format!(
            "the guest broke VMBus's protocol {} times: {bus:?}, the storage protocol: {disk:?}",
            bus.len()
        )
    }
}

/// The shell's command that shows one of an interface's counters.
pub fn show_counter(interface: &str, name: &str) -> String {
    format!("ethtool -S {interface} | sed -n 's/^ *{name}: //p'")
}

/// Waits for something in the host that only a counter shows.
pub fn wait_until(what: &str, limit: Duration, mut condition: impl FnMut() -> bool) -> Result<()> {
    let deadline = Instant::now() + limit;
    while !condition() {
        ensure!(
            Instant::now() < deadline,
            "{what}: not after {} s",
            limit.as_secs()
        );
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(())
}

/// The last lines of the console, and how the guest ended if it did.
pub(crate) fn tail(vm: &Vm) -> String {
    let text = vm.console().text();
    let mut lines: Vec<&str> = text.lines().collect();
    lines.drain(..lines.len().saturating_sub(25));
    let end = vm
        .wait_timeout(Duration::ZERO)
        .map(|reason| reason.to_string())
        .unwrap_or_default();
    lines.push(&end);
    lines.join("\n")
}
