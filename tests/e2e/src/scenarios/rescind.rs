// SPDX-License-Identifier: GPL-2.0

//! Devices that the host takes away.

use std::time::Duration;

use anyhow::{Result, ensure};
use vmbus_host::scsi::Disk;

use crate::machine::{Driver, Lab, Machine, READ_DISK, Setup, wait_until};

const SOON: Duration = Duration::from_secs(30);
const CYCLES: usize = 100;

/// The controller goes away under load: requests end with an error, none hangs, and the device works
/// again when it is offered again. The C driver does not pass: requests that it starts after the rescind
/// are never completed.
pub fn in_flight(lab: &Lab) -> Result<()> {
    let mut machine = lab.boot(Setup {
        cpus: 2,
        ..Setup::default()
    })?;
    machine.controller.add_disk(0, 0, Disk::memory(16 << 20)?)?;
    machine.load_until("sda")?;
    for round in 0..3 {
        let before: u64 = machine.controller.requests().iter().sum();
        let load = "for i in 1 2 3 4; do (d=$(echo /dev/sd?); while dd if=$d of=/dev/null bs=4k count=2000 iflag=direct; do :; done) & done; wait";
        machine.start(load)?;
        wait_until(&format!("round {round}: the load starts"), SOON, || {
            machine.controller.requests().iter().sum::<u64>() > before + 50
        })?;
        machine.take_away()?;
        machine.finish(load, SOON)?;
        machine.until("! ls -d /sys/block/sd?", "the disk goes away")?;
        give_back(&mut machine)?;
        machine.until(READ_DISK, "the disk comes back")?;
    }
    machine.end()
}

/// The controller comes and goes, a hundred times.
///
/// Ours must stand being taken away at any moment: while it opens, while disks are looked for, when
/// all is quiet. The C driver loses requests that it starts after the rescind, so it is given
/// what it can stand: a disk without a cache to be flushed, and time to find it.
pub fn cycles(lab: &Lab) -> Result<()> {
    let mut machine = lab.boot(Setup {
        cpus: 2,
        ..Setup::default()
    })?;
    let disk = Disk::memory(16 << 20)?;
    let disk = if lab.driver == Driver::C {
        disk.without_write_cache()
    } else {
        disk
    };
    machine.controller.add_disk(0, 0, disk)?;
    machine.load()?;
    for round in 0..CYCLES {
        if lab.driver == Driver::C || round % 3 == 0 {
            machine.until(READ_DISK, "the disk is there")?;
        }
        machine.take_away()?;
        give_back(&mut machine)?;
    }
    machine.until(READ_DISK, "the disk comes back")?;
    machine.end()
}

fn give_back(machine: &mut Machine) -> Result<()> {
    let instance = machine.controller.config().instance;
    machine.server.add_device(machine.controller.clone());
    let open = machine.server.wait_for(|bus| bus.is_open(instance), SOON);
    ensure!(
        open,
        "the guest does not open the device: {:?}",
        machine.server.status()
    );
    Ok(())
}
