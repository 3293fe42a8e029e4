// SPDX-License-Identifier: GPL-2.0

//! A guest with one virtual processor, a disk and a card.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use vmbus_e2e::machine::{Lab, Machine, Setup};
use vmbus_host::net::{Card, CardConfig, Peer};
use vmbus_host::scsi::Disk;

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
    disk: PathBuf,
}

impl Guest {
    /// Boots it and loads the drivers.
    pub fn boot(lab: &Lab) -> Result<Self> {
        let card: Arc<Card> = Card::new(CardConfig::default(), Peer::new(Default::default()));
        let mut machine = lab.boot(Setup {
            devices: vec![card.clone()],
            extras: &["bench"],
            // Nothing is to be sent but what is measured.
            cmdline: "ipv6.disable=1",
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
        machine.sh(&format!(
            "ip link set {interface} up && ip addr add 10.0.0.15/24 dev {interface} && ping -c 1 -W 10 10.0.0.1"
        ))?;
        Ok(Self {
            machine,
            disk_ready,
            net_ready,
            disk,
        })
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
