// SPDX-License-Identifier: GPL-2.0

//! Logical units that come, go and grow while the guest runs.

use anyhow::{Result, ensure};
use vmbus_host::scsi::Disk;

use crate::machine::{Lab, Setup};

/// Hot add, hot remove and resize.
pub fn luns(lab: &Lab) -> Result<()> {
    let mut machine = lab.boot(Setup::default())?;
    machine.controller.add_disk(0, 0, Disk::memory(16 << 20)?)?;
    machine.controller.add_disk(1, 0, Disk::memory(8 << 20)?.with_write_protection())?;
    machine.load_until("sda")?;
    machine.until("[ $(cat /sys/block/sd?/ro | grep -c 1) = 1 ]", "a read-only disk appears")?;

    for lun in [1, 2, 63] {
        machine.controller.add_disk(0, lun, Disk::memory(u64::from(lun + 4) << 20)?)?;
        let sectors = u64::from(lun + 4) << 11;
        machine.until(&format!("grep -qx {sectors} /sys/block/sd?/size"), &format!("hot-added unit {lun} appears"))?;
        machine.sh(&format!(
            "d=$(grep -lx {sectors} /sys/block/sd?/size | cut -d/ -f4); \
             dd if=/bin/busybox of=/dev/$d bs=64k count=16 oflag=direct && \
             dd if=/dev/$d bs=64k count=16 iflag=direct | cmp -n 1048576 - /bin/busybox"
        ))?;
    }

    machine.controller.remove_disk(0, 2)?;
    machine.until("! grep -qx 12288 /sys/block/sd?/size", "the removed unit goes away")?;

    machine.controller.resize(0, 0, 24 << 20)?;
    let read = machine.run("dd if=/dev/sda of=/dev/null bs=4k count=1 iflag=direct")?;
    ensure!(read.status == 0, "a read that meets the new size fails: {}", read.text);
    machine.until("[ $(cat /sys/block/sda/size) = 49152 ]", "the new size is seen")?;
    machine.sh("dd if=/dev/sda of=/dev/null bs=4k skip=6143 count=1 iflag=direct")?;
    machine.end()
}
