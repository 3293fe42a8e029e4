// SPDX-License-Identifier: GPL-2.0

//! A guest under test: the virtual machine, the bus with a SCSI controller, and a shell inside.

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use vmbus_host::net::Card;
use vmbus_host::scsi::{Controller, ControllerConfig};
use vmbus_host::vmbus::device::Device;
use vmbus_host::vmbus::server::{Server, ServerConfig};
use vmbus_host::vmm::{Agent, ConsoleMode, ExitReason, Vm, VmConfig};

use crate::kernel_log;
use crate::shell::{Output, Shell};

/// How long a guest may take to boot, under emulation on a busy machine.
const BOOT_LIMIT: Duration = Duration::from_secs(240);

/// How long a guest may take to be done with a device that was taken away.
const RELEASE_LIMIT: Duration = Duration::from_secs(40);

/// How long a command may take where nothing else is said.
const COMMAND_LIMIT: Duration = Duration::from_secs(120);

/// Whose drivers a guest runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Driver {
    /// The stock kernel's.
    C,
    /// Ours.
    Rust,
}

impl Driver {
    /// Both, the reference first: where it fails, the host is wrong.
    pub const ALL: [Self; 2] = [Self::C, Self::Rust];

    /// The storage driver's module.
    pub fn storvsc(self) -> &'static str {
        match self {
            Self::C => "hv_storvsc",
            Self::Rust => "hv_storvsc_rust",
        }
    }

    /// The network driver's module.
    pub fn netvsc(self) -> &'static str {
        match self {
            Self::C => "hv_netvsc",
            Self::Rust => "hv_netvsc_rust",
        }
    }

    /// The module of the utility services.
    #[expect(dead_code, reason = "for the scenarios with utility services")]
    pub fn utils(self) -> &'static str {
        match self {
            Self::C => "hv_utils",
            Self::Rust => "hv_utils_rust",
        }
    }

    /// What the kernel's command line needs.
    fn cmdline(self) -> &'static str {
        match self {
            Self::C => "",
            // Keeps the built-in bus from starting.
            Self::Rust => " initcall_blacklist=hv_acpi_init",
        }
    }
}

impl fmt::Display for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::C => "c",
            Self::Rust => "rust",
        })
    }
}

/// What a guest is to be like.
pub struct Setup {
    /// Its virtual processors.
    pub cpus: u32,
    /// The bus.
    pub server: ServerConfig,
    /// The controller.
    pub controller: ControllerConfig,
    /// Other devices, offered from the beginning.
    pub devices: Vec<Arc<dyn Device>>,
    /// RAM disks beside `guest.cpio`: each makes the guest start more slowly.
    pub extras: &'static [&'static str],
    /// More for the kernel's command line.
    pub cmdline: &'static str,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            cpus: 1,
            server: ServerConfig::default(),
            controller: ControllerConfig {
                max_sub_channels: 0,
                ..ControllerConfig::default()
            },
            devices: Vec::new(),
            extras: &[],
            cmdline: "",
        }
    }
}

/// Where images are and logs go, and which scenario this is.
#[derive(Clone)]
pub struct Lab {
    /// The folder with the kernel, the RAM disks and the disk image.
    pub images: PathBuf,
    /// The folder for logs.
    pub logs: PathBuf,
    /// The scenario's name, which begins the names of its logs.
    pub name: String,
    /// Whose drivers are under test.
    pub driver: Driver,
}

impl Lab {
    /// Boots a guest; no driver is loaded in it yet.
    pub fn boot(&self, setup: Setup) -> Result<Machine> {
        let log = |kind: &str| {
            self.logs.join(format!(
                "{}-{}.{kind}.log",
                self.name.replace('/', "-"),
                self.driver
            ))
        };
        let mut config = VmConfig::new(self.images.join("vmlinuz"));
        config.initrd = Some(self.initrd(setup.extras)?);
        config.cpus = setup.cpus;
        config.memory = 512 << 20;
        config.console = ConsoleMode::Tee(log("console"));
        // Warnings and what is worse appear on the console, where the result is judged by them.
        config.cmdline = format!(
            "console=ttyS0 loglevel=5 panic=-1 oops=panic mitigations=off pci=off hv.mode=agent{} {}",
            self.driver.cmdline(),
            setup.cmdline
        );
        let mut vm = Vm::new(&config)?;
        let server = Server::new(vm.hypervisor(), vm.memory(), setup.server);
        server.trace().tee(Box::new(File::create(log("vmbus"))?));
        let controller = Controller::new(setup.controller);
        server.add_device(controller.clone());
        for device in &setup.devices {
            server.add_device(device.clone());
        }
        vm.start(server.clone())?;
        let shell = vm
            .agent()
            .context("the machine has no agent port")
            .and_then(|port| Shell::connect(port, BOOT_LIMIT));
        let shell =
            shell.with_context(|| format!("booting; the console ends with:\n{}", tail(&vm)))?;
        Ok(Machine {
            vm,
            server,
            controller,
            devices: setup.devices,
            shell,
            driver: self.driver,
        })
    }

    /// The RAM disk. The kernel unpacks archives that follow each other as one.
    fn initrd(&self, extras: &[&str]) -> Result<PathBuf> {
        let guest = self.images.join("guest.cpio");
        if extras.is_empty() {
            return Ok(guest);
        }
        static MAKING: Mutex<()> = Mutex::new(());
        let _making = MAKING.lock();
        let name = format!("guest-{}-{}.cpio", extras.join("-"), std::process::id());
        let all = Path::new("/tmp").join(name);
        if !all.exists() {
            let mut bytes = std::fs::read(guest)?;
            for extra in extras {
                bytes.extend(std::fs::read(
                    self.images.join(extra).with_extension("cpio"),
                )?);
            }
            std::fs::write(&all, bytes)?;
        }
        Ok(all)
    }

    /// The same scenario with other drivers, for comparisons.
    pub fn with_driver(&self, driver: Driver) -> Self {
        Self {
            driver,
            ..self.clone()
        }
    }

    /// A private copy of the disk image.
    pub fn disk_copy(&self) -> Result<PathBuf> {
        let copy = Path::new("/tmp").join(format!(
            "disk-{}-{}.img",
            self.name.replace('/', "-"),
            self.driver
        ));
        std::fs::copy(self.images.join("disk.img"), &copy)?;
        Ok(copy)
    }

    /// The checksum of `data.bin` on the disk image.
    pub fn disk_sum(&self) -> Result<String> {
        Ok(std::fs::read_to_string(self.images.join("disk.sum"))?
            .trim()
            .to_owned())
    }
}

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
    devices: Vec<Arc<dyn Device>>,
    shell: Shell<Agent>,
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

    /// Waits for the command that was started.
    pub fn finish(&mut self, command: &str, limit: Duration) -> Result<Output> {
        let output = self.shell.finish(limit);
        output.with_context(|| {
            format!(
                "running '{command}'; the console ends with:\n{}",
                tail(&self.vm)
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
            RELEASE_LIMIT,
        );
        ensure!(
            released,
            "the guest does not release the relids: {:?}",
            self.server.status()
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
            "n=0; until {condition}; do n=$((n+1)); [ $n -gt 600 ] && exit 1; usleep 50000; done"
        );
        let output = self.run(&command)?;
        if output.status != 0 {
            let log = self
                .run("dmesg | tail -n 40")
                .map(|output| output.text)
                .unwrap_or_default();
            bail!(
                "{what}: not after 30 s; {}; the kernel's log ends with:\n{log}",
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
    pub fn end(self) -> Result<()> {
        self.vm.stop();
        let reason = self.vm.wait();
        ensure!(
            reason == ExitReason::Stopped,
            "the guest ended by itself: {reason}"
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

/// Waits for something in the host that only a counter shows.
pub fn wait_until(what: &str, limit: Duration, condition: impl Fn() -> bool) -> Result<()> {
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
fn tail(vm: &Vm) -> String {
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
