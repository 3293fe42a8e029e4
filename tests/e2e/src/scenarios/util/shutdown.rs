// SPDX-License-Identifier: GPL-2.0

//! A guest that is asked to end.

use anyhow::{Result, ensure};
use vmbus_host::ic::shutdown::body;
use vmbus_host::ic::wire::status;
use vmbus_host::ic::{Action, Error};
use vmbus_host::vmm::ExitReason;

use super::{SOON, Util, same};
use crate::machine::{Lab, Setup};

/// What cannot be done is refused; then the guest switches itself off, after its programs were told.
/// The next guest can hibernate, and starts again.
pub fn shutdown(lab: &Lab) -> Result<()> {
    let mut util = Util::boot(lab)?;
    util.load()?;
    let shutdown = util.services.shutdown.clone();
    for flags in [4, 5, 6, 7, 8, 0x100, u32::MAX] {
        let refused = shutdown.request_flags(flags, SOON);
        same(
            &format!("flags {flags:#x}"),
            refused,
            Err(Error::Status(status::FAIL)),
        )?;
    }
    let link = shutdown.link();
    let unknown = link.inject(&link.draft(77, &body(0)))?;
    same(
        "an unknown message",
        link.finish(unknown, SOON)?.status,
        status::FAIL,
    )?;
    shutdown.request(Action::PowerOff, SOON)?;
    says_so(&util, "poweroff")?;
    util.machine.ends(&ExitReason::PowerOff)?;

    let mut util = Util::boot_with(
        &Lab {
            name: format!("{}-2", lab.name),
            ..lab.clone()
        },
        Setup {
            hibernation: true,
            ..Setup::default()
        },
    )?;
    util.load()?;
    let shutdown = util.services.shutdown.clone();
    util.sh("printf '#!/bin/sh\\nenv >>/tmp/events\\n' >/tmp/keep; chmod +x /tmp/keep; (uevent /tmp/keep >/dev/null 2>&1 &)")?;
    util.until(
        "awk -v pid=$(pidof uevent) '$2 == 15 && $3 == pid { found = 1 } END { exit !found }' /proc/net/netlink",
        "a program listens to events",
    )?;
    shutdown.request(Action::Hibernate, SOON)?;
    util.until(
        "grep -qx EVENT=hibernate /tmp/events",
        "programs are told to hibernate",
    )?;
    util.sh("grep -q 'ACTION=change' /tmp/events && grep -q '^DEVPATH=.*b6650ff7-33bc-4840-8048-e0676786f393' /tmp/events")?;
    shutdown.force(Action::Reboot, SOON)?;
    says_so(&util, "reboot")?;
    util.machine.ends(&ExitReason::Reset)
}

/// The kernel called the program for it, rather than just ending.
fn says_so(util: &Util, what: &str) -> Result<()> {
    let said = util.vm.console().wait_for(&format!("orderly {what}"), SOON);
    ensure!(said, "the guest ended without its programs being told");
    Ok(())
}
