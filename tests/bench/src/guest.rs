// SPDX-License-Identifier: GPL-2.0

//! A guest with one virtual processor, a disk and a card.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use vmbus_e2e::machine::{Lab, Machine, Setup};
use vmbus_host::net::{Card, CardConfig, Peer};
use vmbus_host::scsi::Disk;
use vmbus_host::vmbus::device::Device;

use crate::loads::Load;

/// How long a load may take.
const LIMIT: Duration = Duration::from_secs(300);

/// The size of the disk.
const DISK: usize = 64 << 20;

/// A guest that is ready.
pub struct Guest {
    /// The machine.
    pub machine: Machine,
    /// How long the disk took to appear, from the loading of the driver.
    pub disk_ready: Duration,
    /// How long the interface took, likewise.
    pub net_ready: Duration,
    /// The card.
    pub card: Arc<Card>,
    interface: String,
    disk: PathBuf,
}

impl Guest {
    /// Boots it, with `others` beside the first card, and loads the drivers.
    pub fn boot(lab: &Lab, others: &[Arc<Card>]) -> Result<Self> {
        let card: Arc<Card> = Card::new(CardConfig::default(), Peer::new(Default::default()));
        let mut devices: Vec<Arc<dyn Device>> = vec![card.clone()];
        devices.extend(
            others
                .iter()
                .map(|other| Arc::clone(other) as Arc<dyn Device>),
        );
        let mut machine = lab.boot(Setup {
            devices,
            extras: &["bench", "net"],
            // Nothing is to be sent but what is measured. Buffers are of huge pages.
            cmdline: "ipv6.disable=1 hugepages=2",
            ..Setup::default()
        })?;
        let disk = PathBuf::from(format!("/tmp/bench-{}.img", lab.driver));
        fs::write(&disk, vec![0; DISK])?;
        machine.controller.add_disk(0, 0, Disk::open(&disk)?)?;
        let start = Instant::now();
        machine.load_until("sda")?;
        let disk_ready = start.elapsed();
        let start = Instant::now();
        let interface = machine.load_net(&card)?;
        let net_ready = start.elapsed();
        // How much TCP hands to the driver at once, and how often, is not to depend on how long answers
        // take.
        machine.sh(&format!(
            "ip link set {interface} up && ip addr add 10.0.0.15/24 dev {interface} && ping -c 1 -W 10 10.0.0.1 && \
             /bin/ip route change 10.0.0.0/24 dev {interface} rto_min 10s initcwnd 64 && (cd /proc/sys/net/ipv4 && \
             echo 16 >tcp_min_tso_segs && echo 0 >tcp_slow_start_after_idle && echo 0 >tcp_early_retrans)"
        ))?;
        Ok(Self {
            machine,
            disk_ready,
            net_ready,
            card,
            interface,
            disk,
        })
    }

    /// Does a load, and returns what the guest's program said. `number` is what the plugin is to call
    /// the result.
    pub fn run(&mut self, number: usize, load: &Load) -> Result<String> {
        let lro = if load.may_join() { "on" } else { "off" };
        self.machine
            .sh(&format!("ethtool -K {} lro {lro}", self.interface))?;
        let command = format!("bench-load {number} {} {}", load.calls, load.command);
        if load.drops() {
            return self.run_dropping(&command, load.all_operations().into());
        }
        self.machine.sh_for(&command, LIMIT)
    }

    /// Runs a command with a program that drops so many frames meanwhile.
    fn run_dropping(&mut self, command: &str, frames: u64) -> Result<String> {
        const DROPPED: &str = "rx_queue_0_xdp_drop";

        let (machine, eth) = (&mut self.machine, &self.interface);
        let set = format!("/bin/ip link set {eth} xdpdrv");
        machine.sh(&format!("{set} obj /verdicts.o sec xdp_drop_short"))?;
        let before = machine.counter(eth, DROPPED)?;
        let text = machine.sh_for(command, LIMIT)?;
        let dropped = machine.counter(eth, DROPPED)? - before;
        ensure!(
            dropped == frames,
            "{dropped} of {frames} frames were dropped"
        );
        machine.sh(&format!("{set} off"))?;
        Ok(text)
    }

    /// The functions of the guest's kernel, by way of the disk: the serial port is too slow.
    pub fn symbols(&mut self) -> Result<String> {
        self.machine.sh(
            "cat /proc/kallsyms >/tmp/symbols && dd if=/tmp/symbols of=/dev/sda bs=1M conv=fsync && rm /tmp/symbols",
        )?;
        let bytes = fs::read(&self.disk)?;
        let end = bytes.iter().position(|&byte| byte == 0);
        Ok(String::from_utf8_lossy(&bytes[..end.unwrap_or(bytes.len())]).into_owned())
    }
}
