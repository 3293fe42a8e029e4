// SPDX-License-Identifier: GPL-2.0

//! A real ext4 file system: checked, read, written, and checked again.

use anyhow::{Result, ensure};
use vmbus_host::scsi::Disk;

use crate::machine::{Lab, Setup};

/// What is read must have the checksums that the host computed; what is written must be there after
/// the page cache was dropped, and in a consistent file system.
pub fn files(lab: &Lab) -> Result<()> {
    let image = lab.disk_copy()?;
    let mut machine = lab.boot(Setup::default())?;
    let unit = machine.controller.add_disk(0, 0, Disk::open(&image)?)?;
    machine.load_until("sda1")?;
    machine.sh("e2fsck -fn /dev/sda1")?;
    machine.sh("mount -t ext4 /dev/sda1 /mnt")?;
    machine.sh("cd /mnt && test $(stat -c %s data.bin) = 8388608 && md5sum -c MD5SUMS")?;
    machine.sh("cp /mnt/data.bin /mnt/copy.bin && rm /mnt/docs/GPL-2 && umount /mnt")?;
    machine.sh("e2fsck -fn /dev/sda1")?;
    machine.sh("echo 3 >/proc/sys/vm/drop_caches; mount -o ro /dev/sda1 /mnt")?;
    let sum = machine.sh("md5sum </mnt/copy.bin")?;
    let expected = lab.disk_sum()?;
    ensure!(
        sum.starts_with(&expected),
        "the copy's checksum is {sum}, the host's {expected}"
    );
    machine.sh("test ! -e /mnt/docs/GPL-2 && umount /mnt")?;

    machine.sh("dd if=/mnt/../init of=/dev/sda bs=4k seek=16380 count=1 conv=sync oflag=direct")?;
    let stats = unit.disk().stats();
    ensure!(
        stats.writes > 0 && stats.flushes > 0,
        "the disk was not written and flushed: {stats:?}"
    );
    let result = machine.end();
    std::fs::remove_file(image)?;
    result
}
