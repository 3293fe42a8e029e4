// SPDX-License-Identifier: GPL-2.0

//! Logical units that come, go and grow while the guest runs.

use anyhow::{Result, ensure};
use vmbus_host::scsi::Disk;

use crate::machine::{Lab, Machine, Setup};

/// Hot add, hot remove and resize.
pub fn luns(lab: &Lab) -> Result<()> {
    let mut machine = lab.boot(Setup::default())?;
    machine.controller.add_disk(0, 0, Disk::memory(16 << 20)?)?;
    machine
        .controller
        .add_disk(1, 0, Disk::memory(8 << 20)?.with_write_protection())?;
    machine.load()?;
    let first = name(&mut machine, 0, 0)?;
    let read_only = name(&mut machine, 1, 0)?;
    machine.sh(&format!(
        "test $(cat /sys/block/{read_only}/ro) = 1 && test $(cat /sys/block/{first}/ro) = 0"
    ))?;

    for lun in [1, 2, 63] {
        machine
            .controller
            .add_disk(0, lun, Disk::memory(u64::from(lun + 4) << 20)?)?;
        let disk = name(&mut machine, 0, lun)?;
        let sectors = machine.sh(&format!("cat /sys/block/{disk}/size"))?;
        ensure!(
            sectors == (u64::from(lun + 4) << 11).to_string(),
            "unit {lun} has {sectors} sectors"
        );
        machine.sh(&format!(
            "dd if=/bin/busybox of=/dev/{disk} bs=64k count=16 oflag=direct && \
             dd if=/dev/{disk} bs=64k count=16 iflag=direct | cmp -n 1048576 - /bin/busybox"
        ))?;
    }

    let gone = name(&mut machine, 0, 2)?;
    machine.controller.remove_disk(0, 2)?;
    machine.until(
        &format!("[ ! -e /sys/block/{gone} ]"),
        "the removed unit goes away",
    )?;

    machine.controller.resize(0, 0, 24 << 20)?;
    machine.sh(&format!(
        "dd if=/dev/{first} of=/dev/null bs=4k count=1 iflag=direct"
    ))?;
    machine.until(
        &format!("[ $(cat /sys/block/{first}/size) = 49152 ]"),
        "the new size is seen",
    )?;
    machine.sh(&format!(
        "dd if=/dev/{first} of=/dev/null bs=4k skip=6143 count=1 iflag=direct"
    ))?;
    machine.end()
}

/// Waits for a unit and returns its name: letters are given in the order in which disks are found.
fn name(machine: &mut Machine, target: u8, lun: u8) -> Result<String> {
    let block = format!("/sys/bus/scsi/devices/*:0:{target}:{lun}/block");
    machine.until(
        &format!("[ -b /dev/$(ls {block} 2>/dev/null || echo none) ]"),
        &format!("unit {lun} of target {target} appears"),
    )?;
    machine.sh(&format!("ls {block}"))
}
