// SPDX-License-Identifier: GPL-2.0

//! A guest that is switched off, and goes on where it was when it is switched on again.

use anyhow::{Context as _, Result, ensure};
use vmbus_host::vmm::ExitReason;

use super::{Disks, Guest, LONG, SWAP};
use crate::machine::Lab;

/// Its file systems stay mounted, its interface keeps its address, its daemons live on, all on
/// another machine with the same disks.
pub fn hibernate(lab: &Lab) -> Result<()> {
    let disks = Disks::new(lab)?;
    let mut guest = Guest::boot(lab, &disks)?;
    guest.begin()?;
    guest
        .machine
        .sh("echo before >/mnt/note; exec 5>/dev/null; echo here >/tmp/memory")?;
    guest
        .machine
        .start("echo disk >/sys/power/state && echo restored")?;
    let ended = guest.machine.vm.wait_timeout(LONG);
    ensure!(ended.is_some(), "the guest does not end");
    guest.machine.ends(&ExitReason::PowerOff)?;

    let second = Lab {
        name: format!("{}-2", lab.name),
        ..lab.clone()
    };
    let mut guest = Guest::boot(&second, &disks)?;
    guest.load_disks()?;
    guest.machine.start(&format!(
        "cat {SWAP}/dev >/sys/power/resume; echo not restored"
    ))?;
    // The answer is to the command of the first machine.
    let output = guest.machine.finish("restoring the guest", LONG)?;
    ensure!(
        output.text == "restored",
        "the guest was not restored: {}",
        output.text
    );
    guest
        .machine
        .sh("grep -qx here /tmp/memory && grep -qx before /mnt/note")
        .context("what was there before")?;
    guest.works()?;

    // Whoever only reboots leaves the bus to the host.
    let server = guest.machine.server.clone();
    let unloads = server.status().unloads;
    guest.machine.start("reboot -f")?;
    guest.machine.ends(&ExitReason::Reset)?;
    ensure!(
        server.status().unloads == unloads,
        "the guest unloaded the bus"
    );
    Ok(())
}
