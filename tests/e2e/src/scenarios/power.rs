// SPDX-License-Identifier: GPL-2.0

//! Guests that hibernate, crash, and start another kernel.

mod freeze;
mod hibernate;
mod kexec;
mod lost;
mod panic;

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use vmbus_host::ic::kvp::Pool;
use vmbus_host::ic::{Link, Services};
use vmbus_host::net::{Card, CardConfig, Peer};
use vmbus_host::scsi::{ControllerConfig, Disk};

use super::Jobs;
use super::net::FETCH;
use crate::machine::{Driver, Lab, Machine, Setup, wait_until};

/// How long the host waits for a service.
const SOON: Duration = Duration::from_secs(60);

/// How long saving and restoring a guest's memory may take, under emulation.
const LONG: Duration = Duration::from_secs(400);

/// The size of the disk that memory is saved to.
const SWAP_BYTES: u64 = 600 << 20;

/// The scenarios.
pub(super) fn jobs(jobs: &mut Jobs) {
    jobs.both("power/freeze", 2, freeze::freeze);
    jobs.both("power/hibernate", 2, hibernate::hibernate);
    jobs.add("power/lost", Driver::Rust, 2, lost::lost);
    jobs.both("power/kexec", 2, kexec::kexec);
    jobs.both("power/panic", 2, panic::panic);
}

/// The disks of a guest: the one with the files, and the one that memory is saved to. They are
/// there when the guest is not.
struct Disks {
    files: PathBuf,
    swap: PathBuf,
}

impl Disks {
    fn new(lab: &Lab) -> Result<Self> {
        let files = lab.disk_copy()?;
        let swap = files.with_extension("swap");
        File::create(&swap)?.set_len(SWAP_BYTES)?;
        Ok(Self { files, swap })
    }
}

impl Drop for Disks {
    fn drop(&mut self) {
        for path in [&self.files, &self.swap] {
            // What is left takes room until the machine goes.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// A guest with disks, a card and all services, and with several channels where it can.
struct Guest {
    machine: Machine,
    card: Arc<Card>,
    services: Services,
}

impl Guest {
    fn boot(lab: &Lab, disks: &Disks) -> Result<Self> {
        let config = CardConfig {
            queues: 2,
            ..CardConfig::default()
        };
        let card = Card::new(config, Peer::new(Default::default()));
        let services = Services::new();
        let mut devices = services.devices();
        devices.push(card.clone());
        let machine = lab.boot(Setup {
            cpus: 2,
            controller: ControllerConfig {
                max_sub_channels: 3,
                ..ControllerConfig::default()
            },
            devices,
            extras: &["net", "daemons"],
            hibernation: true,
            ..Setup::default()
        })?;
        let controller = &machine.controller;
        controller.add_disk(0, 0, Disk::open(&disks.files)?)?;
        controller.add_disk(0, 1, Disk::open(&disks.swap)?)?;
        Ok(Self {
            machine,
            card,
            services,
        })
    }

    /// Loads the storage driver, and says how the shell finds a disk's name in sysfs.
    fn load_disks(&mut self) -> Result<()> {
        self.machine.load()?;
        self.machine.until(
            &format!("[ -e {FILES} ] && [ -e {SWAP} ]"),
            "the disks appear",
        )
    }

    /// Loads all drivers and begins to work with everything.
    fn begin(&mut self) -> Result<()> {
        self.load_disks()?;
        let machine = &mut self.machine;
        machine.sh(&format!(
            "mount -t ext4 /dev/$(basename {FILES})1 /mnt && cd /mnt && md5sum -c MD5SUMS"
        ))?;
        let eth = machine.load_net(&self.card)?;
        machine.sh(&format!(
            "/bin/ip link set {eth} up && /bin/ip addr add 10.0.0.15/24 dev {eth} && ping -c 1 -W 10 10.0.0.1"
        ))?;
        let utils = machine.driver.utils();
        machine.sh(&format!("mkdir -p /var/lib && modprobe {utils}"))?;
        for service in ["kvp", "vss"] {
            let device = format!("[ -c /dev/vmbus/hv_{service} ]");
            machine.until(&device, "the daemon's device appears")?;
            machine.sh(&format!(
                "PATH=/usr/bin:/bin hv_{service}_daemon </dev/null >/dev/null 2>&1"
            ))?;
        }
        machine.sh(&format!(
            "swap=/dev/$(basename {SWAP}); mkswap $swap && swapon $swap"
        ))?;
        self.works()
    }

    /// Disk, network and services do what they are for.
    fn works(&mut self) -> Result<()> {
        self.machine.sh(
            "echo 3 >/proc/sys/vm/drop_caches; cd /mnt && md5sum -c MD5SUMS >/dev/null && \
             head -c 300000 /dev/urandom >/mnt/new && sync && rm /mnt/new",
        )?;
        self.machine.sh(&format!(
            "{FETCH}; ping -c 3 -W 10 10.0.0.1 && fetch 300000"
        ))?;
        let services = &self.services;
        services.heartbeat.beat(SOON)?;
        // Daemons that were interrupted begin anew.
        wait_until("KVP works", SOON, || {
            let entries = services.kvp.list(Pool::Auto, SOON);
            entries.is_ok_and(|entries| entries.len() == 10)
        })?;
        wait_until("VSS works", SOON, || services.vss.hot_backup(SOON).is_ok())
    }

    /// How often each service was opened.
    fn opens(&self) -> Vec<u64> {
        self.services
            .links()
            .map(|link: &Arc<Link>| link.opens())
            .to_vec()
    }
}

/// Where the shell finds the name of the disk with the files.
const FILES: &str = "/sys/bus/scsi/devices/[0-9]*:0:0:0/block/sd?";

/// The same for the one that memory is saved to.
const SWAP: &str = "/sys/bus/scsi/devices/[0-9]*:0:0:1/block/sd?";
