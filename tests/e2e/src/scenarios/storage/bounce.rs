// SPDX-License-Identifier: GPL-2.0

//! Data that goes through bounce buffers, as all data of a confidential guest does.

use std::time::Duration;

use anyhow::{Context as _, Result};
use vmbus_host::scsi::{Disk, Fault, Injection};

use super::{READ_10, SOON};
use crate::machine::{Lab, Machine, Setup, wait_until};

const SLOTS_IN_USE: &str = "/sys/kernel/debug/swiotlb/io_tlb_used";

/// How much a request may be that is no multiple of a page, so that buffers begin anywhere in one.
const SIZES: [(u32, u32); 4] = [(4096, 400), (4608, 400), (37_376, 100), (196_608, 60)];

/// Reads of 96 slots each. Of the 1024 that there are, 128 belong together: eight reads always find
/// room, eleven never do.
const READERS: usize = 14;

/// The buffers are so few that they run out: a request then waits for those before it. Each block is
/// verified, and no buffer is kept.
pub fn bounce(lab: &Lab) -> Result<()> {
    let mut machine = lab.boot(Setup {
        cpus: 2,
        extras: &["fio"],
        cmdline: "swiotlb=1024,force",
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
    run_out(&mut machine)?;
    machine.until(
        &format!("[ $(cat {SLOTS_IN_USE}) = 0 ]"),
        "no slot is in use any more",
    )?;
    machine.end()
}

/// Reads that the host holds have the buffers; the others wait for them, and are not failed.
fn run_out(machine: &mut Machine) -> Result<()> {
    let unit = machine.controller.unit(0, 0).context("the disk")?;
    unit.inject(Injection::new(Fault::Hold).only(READ_10).times(READERS));
    machine.sh(&format!(
        "for i in $(seq {READERS}); do \
         (dd if=/dev/sda of=/dev/null bs=192k skip=$((2 * i)) count=1 iflag=direct 2>/dev/null; echo $? >>/tmp/readers) >/dev/null 2>&1 & \
         done"
    ))?;
    machine.until(
        &format!("[ $(cat {SLOTS_IN_USE}) -ge 768 ]"),
        "held reads have the slots",
    )?;
    let controller = machine.controller.clone();
    let mut released = 0;
    wait_until("the host gets all reads", SOON, || {
        released += controller.release();
        released == READERS
    })?;
    machine.until(
        &format!("[ $(grep -cx 0 /tmp/readers) = {READERS} ]"),
        "all reads succeed",
    )
}
