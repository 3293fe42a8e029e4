// SPDX-License-Identifier: GPL-2.0

//! Modules loaded and unloaded a hundred times, with a disk each time.

use std::time::Duration;

use anyhow::{Result, ensure};
use vmbus_host::scsi::Disk;

use crate::machine::{Driver, Lab, Setup};
use crate::memory::InUse;

const ROUNDS: u64 = 100;
/// What may be in use more after all rounds: the kernel's caches breathe, a leak of one ring a
/// round would be 25 MB.
const MAY_GROW_KB: i64 = 8 << 10;

/// The C bus is part of the kernel: there only the driver comes and goes.
pub fn reload(lab: &Lab) -> Result<()> {
    let mut machine = lab.boot(Setup::default())?;
    machine.controller.add_disk(0, 0, Disk::memory(16 << 20)?)?;
    let (load, unload) = match lab.driver {
        Driver::C => ("modprobe hv_storvsc", "retry rmmod hv_storvsc"),
        Driver::Rust => (
            "modprobe hv_storvsc_rust",
            "retry rmmod hv_storvsc_rust && retry rmmod hv_vmbus_rust",
        ),
    };
    // A module is busy while disks are looked for.
    let retry = "retry() { n=0; until \"$@\" 2>/dev/null; do n=$((n+1)); [ $n -gt 400 ] && return 1; usleep 25000; done; }";
    let round =
        format!("{load} && retry dd if=/dev/sda of=/dev/null bs=4k count=1 && {unload} || exit 1");
    // The first rounds fill caches.
    machine.sh(&format!("{retry}; for i in 1 2 3; do {round}; done"))?;
    let in_use = InUse::look(&mut machine)?;
    let contacts = machine.server.status().contacts;
    machine.sh_for(
        &format!("{retry}; for i in $(seq {ROUNDS}); do {round}; done"),
        Duration::from_secs(900),
    )?;
    in_use.ensure_grown_less(MAY_GROW_KB, &mut machine)?;
    if lab.driver == Driver::Rust {
        let status = machine.server.status();
        ensure!(
            status.contacts - contacts >= ROUNDS,
            "the bus connected {} times only",
            status.contacts - contacts
        );
        ensure!(
            status.gpadls == 0 && status.version.is_none(),
            "the bus is gone, and yet {status:?}"
        );
    }
    machine.end()
}
