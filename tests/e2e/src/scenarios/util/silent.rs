// SPDX-License-Identifier: GPL-2.0

//! Daemons that never answer: after a while the driver does.
//!
//! Nobody waits for that here. The host lets the guest's reference time jump, and with it the clock
//! by which the guest's time-outs run.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use vmbus_host::ic::kvp::Pool;
use vmbus_host::ic::vss::Operation;
use vmbus_host::ic::wire::status;
use vmbus_host::ic::{Error, Link, Ticket};

use super::{SOON, Util, drained, same};
use crate::machine::{Lab, Setup, wait_until};

/// The drivers' patience, and how far the clock may be from its end.
const PATIENCE: Duration = Duration::from_secs(30);
const FREEZE_PATIENCE: Duration = Duration::from_secs(15 * 60);
const MARGIN: Duration = Duration::from_secs(20);

/// Beats after which work that is due would have been done.
const BEATS: usize = 20;

/// Half a minute for everything but a freeze, a quarter of an hour for that.
pub fn silent(lab: &Lab) -> Result<()> {
    let mut util = Util::boot_with(
        lab,
        Setup {
            cmdline: "clocksource=hyperv_clocksource_msr nowatchdog rcupdate.rcu_cpu_stall_suppress=1",
            ..Setup::default()
        },
    )?;
    let clock = "cat /sys/devices/system/clocksource/clocksource0/current_clocksource";
    same(
        "the guest's clock",
        util.sh(clock)?.as_str(),
        "hyperv_clocksource_msr",
    )?;
    util.sh("mkdir -p /var/lib")?;
    util.load()?;
    util.start_kvp()?;
    util.start_vss()?;
    util.sh("killall -STOP hv_kvp_daemon hv_vss_daemon")?;
    let (kvp, vss) = (util.services.kvp.clone(), util.services.vss.clone());
    let asked = kvp.begin_enumerate(Pool::Auto, 0, SOON)?;
    gives_up(&mut util, kvp.link(), asked, PATIENCE).context("KVP")?;
    let frozen = vss.begin(Operation::Freeze as u8, SOON)?;
    gives_up(&mut util, vss.link(), frozen, FREEZE_PATIENCE).context("VSS")?;
    util.sh("dmesg | grep -q 'VSS: timeout waiting for daemon to reply'")?;
    // What they have not read is in the way of the next request.
    same(
        "KVP, again",
        kvp.begin_enumerate(Pool::Auto, 0, SOON)
            .and_then(|ticket| kvp.link().finish(ticket, SOON))
            .map(|answer| answer.status),
        Ok(status::FAIL),
    )?;
    same(
        "VSS, again",
        vss.ask(Operation::Thaw as u8, SOON)
            .map(|answer| answer.status),
        Ok(status::FAIL),
    )?;

    // That is withdrawn, or their late answers are refused and they begin anew.
    util.sh("killall -CONT hv_kvp_daemon hv_vss_daemon")?;
    wait_until("KVP works again", SOON, || {
        kvp.list(Pool::Auto, SOON)
            .is_ok_and(|entries| entries.len() == 10)
    })?;
    wait_until("VSS works again", SOON, || vss.hot_backup(SOON).is_ok())?;
    util.end()
}

/// The answer to `ticket` comes after `patience` of the guest's time, and not much before.
fn gives_up(util: &mut Util, link: &Link, ticket: Ticket, patience: Duration) -> Result<()> {
    drained(link, "a request")?;
    // The message is before the daemon when the driver's work has run, and then the time runs.
    util.sh("usleep 300000")?;
    passes(util, patience.saturating_sub(MARGIN))?;
    let early = link.finish(ticket, Duration::ZERO);
    ensure!(
        early == Err(Error::Timeout),
        "{} s before the end of the driver's patience: {early:?}",
        MARGIN.as_secs()
    );
    passes(util, MARGIN + MARGIN)?;
    same(
        "the answer",
        link.finish(ticket, SOON).map(|answer| answer.status),
        Ok(status::FAIL),
    )
}

/// Lets time pass for the guest.
fn passes(util: &Util, time: Duration) -> Result<()> {
    util.vm.advance_reference_time(time)?;
    for _ in 0..BEATS {
        util.services.heartbeat.beat(SOON)?;
    }
    Ok(())
}
