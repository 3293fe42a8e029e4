// SPDX-License-Identifier: GPL-2.0

//! A snapshot of a file system that is being written to.

use std::fs;

use anyhow::{Result, ensure};
use vmbus_host::ic::Error;
use vmbus_host::ic::vss::{NO_AUTO_RECOVERY, Operation};
use vmbus_host::ic::wire::status;
use vmbus_host::scsi::Disk;

use super::{SOON, Util, same};
use crate::machine::{Driver, Lab, Setup, wait_until};

/// Beats between freezing and thawing: time for writes that should not come.
const BEATS: usize = 40;

/// Writes to files and verifies them, until it is enough.
const LOAD: &str = "(until [ -e /tmp/enough ]; do LD_LIBRARY_PATH=/usr/lib/x86_64-linux-gnu/ceph \
    fio --name=load --directory=/mnt --size=1m --rw=randwrite --bs=4k --ioengine=libaio --iodepth=4 --fsync=4 \
    --number_ios=100 --verify=crc32c --verify_fatal=1 --randseed=7 --minimal || touch /tmp/failed; done \
    >/tmp/load 2>&1; touch /tmp/ended) &";

/// Between freeze and thaw nothing is written, and a copy of the disk made then is in order.
pub fn vss(lab: &Lab) -> Result<()> {
    let (image, snapshot) = (
        lab.disk_copy()?,
        lab.disk_copy()?.with_extension("snapshot"),
    );
    let mut util = Util::boot_with(
        lab,
        Setup {
            extras: &["daemons", "fio"],
            ..Setup::default()
        },
    )?;
    let disk = util.controller.add_disk(0, 0, Disk::open(&image)?)?;
    util.load_until("sda1")?;
    util.sh("mount -t ext4 /dev/sda1 /mnt")?;
    util.load()?;
    let vss = util.services.vss.clone();
    for operation in [Operation::Freeze, Operation::Thaw, Operation::HotBackup] {
        let answer = vss.ask(operation as u8, SOON)?;
        same("without a daemon", answer.status, status::FAIL)?;
    }
    same("memory", vss.dm_info(SOON)?, 0)?;
    util.start_vss()?;
    // The C driver takes the operation from where Debian's daemon has put its result already, and so leaves
    // the flags as they came.
    let flags = vss.hot_backup(SOON)?;
    ensure!(
        flags == NO_AUTO_RECOVERY || (lab.driver == Driver::C && flags == u32::MAX),
        "the flags for a hot backup are {flags:#x}"
    );
    same("memory", vss.dm_info(SOON)?, 0)?;
    for other in [
        Operation::Create,
        Operation::Delete,
        Operation::BackupComplete,
    ] {
        same(
            "another operation",
            vss.ask(other as u8, SOON)?.status,
            status::OK,
        )?;
    }

    let writes = || disk.disk().stats().writes;
    util.sh(LOAD)?;
    for round in 0..3 {
        let before = writes();
        wait_until("the load writes", SOON, || writes() > before + 20)?;
        vss.freeze(SOON)?;
        let (frozen, bytes) = (writes(), fs::read(&image)?);
        for _ in 0..BEATS {
            util.services.heartbeat.beat(SOON)?;
        }
        if round == 0 {
            fs::copy(&image, &snapshot)?;
            // The person who looks is not disturbed either.
            util.sh("ls -l /mnt >/dev/null && md5sum /mnt/data.bin >/dev/null")?;
        }
        ensure!(
            writes() == frozen,
            "{} writes while frozen",
            writes() - frozen
        );
        ensure!(fs::read(&image)? == bytes, "the frozen disk has changed");
        vss.thaw(SOON)?;
    }
    let thawed = writes();
    wait_until("the load goes on", SOON, || writes() > thawed + 20)?;
    util.sh("touch /tmp/enough")?;
    util.sh("until [ -e /tmp/ended ]; do usleep 100000; done")?;
    util.sh("[ ! -e /tmp/failed ]")?;

    // A copy that is not in order has a journal to be replayed, which e2fsck -n reports.
    util.controller.add_disk(1, 0, Disk::open(&snapshot)?)?;
    util.until("[ -b /dev/sdb1 ]", "the snapshot appears")?;
    util.sh("e2fsck -fn /dev/sdb1")?;
    util.sh("mkdir /snap && mount -o ro,noload /dev/sdb1 /snap && cd /snap && md5sum -c MD5SUMS >/dev/null")?;

    dies_frozen(&mut util)?;
    util.sh("umount /snap; umount /mnt")?;
    let result = util.end();
    fs::remove_file(image)?;
    fs::remove_file(snapshot)?;
    result
}

/// A daemon that dies with the file systems frozen: a new one lets the host thaw them.
fn dies_frozen(util: &mut Util) -> Result<()> {
    let vss = util.services.vss.clone();
    vss.freeze(SOON)?;
    util.kill_daemon("vss")?;
    same(
        "without a daemon",
        vss.thaw(SOON),
        Err(Error::Status(status::FAIL)),
    )?;
    util.start_vss()?;
    vss.thaw(SOON)?;
    util.sh("echo thawed >/mnt/thawed && sync")?;
    Ok(())
}
