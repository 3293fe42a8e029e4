// SPDX-License-Identifier: GPL-2.0

//! Daemons that come late, die, are stopped; and services that are taken away from them.

use anyhow::{Result, ensure};
use vmbus_host::ic::kvp::Pool;
use vmbus_host::ic::vss::Operation;
use vmbus_host::ic::wire::status;
use vmbus_host::ic::{Error, Link, Ticket};

use super::{SOON, Util, drained, ready, same};
use crate::machine::Lab;

/// Deaths at every stage cost at most the transaction that is under way.
pub fn daemons(lab: &Lab) -> Result<()> {
    let mut util = Util::boot_served(lab)?;
    for service in ["kvp", "vss"] {
        let second = util.run(&format!("exec 3<>/dev/vmbus/hv_{service}"))?;
        ensure!(
            second.status != 0 && second.text.contains("busy"),
            "a second opener of hv_{service}: {}",
            second.text
        );
    }
    for round in 0..3 {
        die_with_request(&mut util)?;
        if round == 0 {
            start_late(&mut util)?;
        } else {
            util.start_daemon("kvp")?;
        }
        util.start_vss()?;
        works(&util)?;
    }
    taken_away(&mut util)?;
    util.end()
}

/// Both services do what they are for.
fn works(util: &Util) -> Result<()> {
    let entries = util.services.kvp.list(Pool::Auto, SOON)?;
    same("entries", entries.len(), 10)?;
    util.services.vss.hot_backup(SOON)?;
    Ok(())
}

/// Daemons die with a request before them that they have not read: it fails at once, not only after
/// the driver's patience.
fn die_with_request(util: &mut Util) -> Result<()> {
    let (kvp, vss) = (util.services.kvp.clone(), util.services.vss.clone());
    util.sh("killall -STOP hv_kvp_daemon hv_vss_daemon")?;
    let asked = kvp.begin_enumerate(Pool::Auto, 0, SOON)?;
    let frozen = vss.begin(Operation::Freeze as u8, SOON)?;
    drained(kvp.link(), "KVP")?;
    drained(vss.link(), "VSS")?;
    // The message is before the daemon when the driver's work has run.
    util.sh("usleep 300000")?;
    util.kill_daemon("kvp")?;
    util.kill_daemon("vss")?;
    fails(kvp.link(), asked, "KVP")?;
    fails(vss.link(), frozen, "VSS")
}

fn fails(link: &Link, ticket: Ticket, what: &str) -> Result<()> {
    same(what, link.finish(ticket, SOON)?.status, status::FAIL)
}

/// A request to KVP waits for the daemon.
fn start_late(util: &mut Util) -> Result<()> {
    let kvp = util.services.kvp.clone();
    let ticket = kvp.begin_enumerate(Pool::Auto, 1, SOON)?;
    util.sh("usleep 100000")?;
    util.start_daemon("kvp")?;
    let answer = kvp.link().finish(ticket, SOON)?;
    same(
        "a request from before the daemon",
        answer.status,
        status::OK,
    )
}

/// The host disables services with their daemons there, and with a request under way, and enables them again.
fn taken_away(util: &mut Util) -> Result<()> {
    for round in 0..2 {
        let (kvp, vss) = (util.services.kvp.clone(), util.services.vss.clone());
        let pending = if round == 1 {
            util.sh("killall -STOP hv_kvp_daemon hv_vss_daemon")?;
            let tickets = (
                kvp.begin_enumerate(Pool::Auto, 0, SOON)?,
                vss.begin(Operation::Thaw as u8, SOON)?,
            );
            drained(kvp.link(), "KVP")?;
            drained(vss.link(), "VSS")?;
            Some(tickets)
        } else {
            None
        };
        for link in [kvp.link(), vss.link()] {
            util.server.remove_device(link.instance());
        }
        if let Some((kvp_ticket, vss_ticket)) = pending {
            same(
                "KVP's request",
                kvp.link().finish(kvp_ticket, SOON),
                Err(Error::Closed),
            )?;
            same(
                "VSS's request",
                vss.link().finish(vss_ticket, SOON),
                Err(Error::Closed),
            )?;
            util.sh("killall -CONT hv_kvp_daemon hv_vss_daemon")?;
        }
        util.until(
            "! pidof hv_kvp_daemon hv_vss_daemon >/dev/null && [ ! -e /dev/vmbus/hv_kvp ] && [ ! -e /dev/vmbus/hv_vss ]",
            "daemons and their devices go away",
        )?;
        for link in [kvp.link(), vss.link()] {
            let instance = link.instance();
            let released = util.server.wait_for(
                |bus| {
                    bus.channels
                        .iter()
                        .all(|channel| channel.instance != instance)
                },
                SOON,
            );
            ensure!(
                released,
                "the guest keeps a relid: {:?}",
                util.server.status()
            );
            util.server.add_device(link.clone());
        }
        ready(vss.link())?;
        util.start_kvp()?;
        util.start_vss()?;
        works(util)?;
    }
    Ok(())
}
