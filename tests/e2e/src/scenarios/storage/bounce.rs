// SPDX-License-Identifier: GPL-2.0

//! Data that goes through bounce buffers, as all data of a confidential guest does.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use vmbus_host::scsi::Disk;

use crate::machine::{Lab, Machine, Setup};

const SWIOTLB: &str = "/sys/kernel/debug/swiotlb";

/// How much a request may be that is no multiple of a page, so that buffers begin anywhere in one.
const SIZES: [(u32, u32); 4] = [(4096, 400), (4608, 400), (37_376, 100), (196_608, 60)];

/// The buffers are so few that they run out: a request then waits for those before it. Each block is
/// verified, and no buffer is kept.
pub fn bounce(lab: &Lab) -> Result<()> {
    let mut machine = lab.boot(Setup {
        cpus: 2,
        extras: &["fio"],
        cmdline: "swiotlb=1024,force,track_hiwater",
        ..Setup::default()
    })?;
    machine.controller.add_disk(0, 0, Disk::memory(96 << 20)?)?;
    machine.load_until("sda")?;
    for (size, operations) in SIZES {
        machine
            .sh_for(
                &format!(
                    "LD_LIBRARY_PATH=/usr/lib/x86_64-linux-gnu/ceph fio --name=bounce --filename=/dev/sda --direct=1 \
                     --ioengine=libaio --iodepth=32 --rw=randrw --bs={size} --numjobs=2 --offset_increment=40m --size=32m \
                     --number_ios={operations} --verify=crc32c --verify_fatal=1 --randseed=5 --group_reporting --minimal"
                ),
                Duration::from_secs(300),
            )
            .with_context(|| format!("blocks of {size} bytes"))?;
    }
    let (slots, most, now) = (
        count(&mut machine, "io_tlb_nslabs")?,
        count(&mut machine, "io_tlb_used_hiwater")?,
        count(&mut machine, "io_tlb_used")?,
    );
    ensure!(slots == 1024, "there are {slots} slots of bounce buffers");
    ensure!(
        most > slots / 2,
        "no more than {most} of {slots} slots were ever in use"
    );
    ensure!(now == 0, "{now} slots are still in use");
    machine.end()
}

fn count(machine: &mut Machine, file: &str) -> Result<u32> {
    Ok(machine.sh(&format!("cat {SWIOTLB}/{file}"))?.parse()?)
}
