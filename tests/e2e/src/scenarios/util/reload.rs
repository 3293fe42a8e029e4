// SPDX-License-Identifier: GPL-2.0

//! The driver loaded with every version of every service, and then just often.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, ensure};
use vmbus_host::ic::kvp::Pool;
use vmbus_host::ic::link::Versions;
use vmbus_host::ic::wire::Version;
use vmbus_host::ic::{Agreed, Error, Link};

use super::{SOON, Util, ready, same};
use crate::machine::Lab;
use crate::memory::InUse;

const ROUNDS: usize = 20;
/// What may be in use more after all rounds: a leak of one service's rings a round would be 650 kB.
const MAY_GROW_KB: i64 = 512;

/// How a service goes by in the log, and the versions that drivers know, oldest first.
type Known = (&'static str, &'static [(u16, u16)]);

const SHUTDOWN: Known = ("Shutdown", &[(1, 0), (3, 0), (3, 1), (3, 2)]);
const HEARTBEAT: Known = ("Heartbeat", &[(1, 0), (3, 0)]);
const TIME_SYNC: Known = ("TimeSync", &[(1, 0), (3, 0), (4, 0)]);
const KVP: Known = ("KVP", &[(1, 0), (3, 0), (4, 0)]);
const VSS: Known = ("VSS", &[(5, 0)]);

/// Each version alone, with either framework; all at once, with some that nobody knows; none in common; then
/// twenty times as usual.
pub fn reload(lab: &Lab) -> Result<()> {
    let mut util = Util::boot(lab)?;
    util.sh("mkdir -p /var/lib")?;
    for framework in [Version::new(1, 0), Version::new(3, 0)] {
        for round in 0..4 {
            util.sh("dmesg -c >/dev/null")?;
            one_version(&mut util, framework, round)
                .with_context(|| format!("framework {framework}, round {round}"))?;
        }
    }
    newest(&mut util)?;
    nothing_in_common(&mut util)?;
    often(&mut util)?;
    util.end()
}

fn version(numbers: (u16, u16)) -> Version {
    Version::new(numbers.0, numbers.1)
}

/// The services with what they are called and know. KVP is the last: it wants a daemon.
fn services(util: &Util) -> [(Arc<Link>, Known); 5] {
    let services = &util.services;
    [
        (services.shutdown.link().clone(), SHUTDOWN),
        (services.heartbeat.link().clone(), HEARTBEAT),
        (services.timesync.link().clone(), TIME_SYNC),
        (services.vss.link().clone(), VSS),
        (services.kvp.link().clone(), KVP),
    ]
}

fn one_version(util: &mut Util, framework: Version, round: usize) -> Result<()> {
    let all = services(util);
    for (link, (_, known)) in &all {
        link.set_versions(Versions {
            framework: vec![framework],
            message: vec![version(known[round % known.len()])],
        });
    }
    util.modprobe()?;
    util.start_daemon("kvp")?;
    for (link, (name, known)) in &all {
        // VSS never spoke the old framework.
        if *name == VSS.0 && framework == Version::new(1, 0) {
            same(name, link.wait_ready(SOON), Err(Error::Refused))?;
            continue;
        }
        let message = version(known[round % known.len()]);
        same(name, ready(link)?, Agreed { framework, message })?;
        util.until(
            &format!("dmesg | grep -q '{name} IC version {message}$'"),
            "the version is logged",
        )?;
    }
    works(util)?;
    util.kill_daemon("kvp")?;
    util.remove()
}

/// What does not need the newest versions.
fn works(util: &mut Util) -> Result<()> {
    let services = util.services.clone();
    services.heartbeat.beat(SOON)?;
    ensure!(
        services.shutdown.request_flags(99, SOON).is_err(),
        "an unknown request is accepted"
    );
    same("entries", services.kvp.list(Pool::Auto, SOON)?.len(), 10)?;
    let day = Duration::from_secs(24 * 3600);
    util.sh("date -s @1000000000")?;
    services.timesync.sync(SystemTime::now() + day, SOON)?;
    util.until(
        "[ $(date +%s) -gt 1700000000 ]",
        "the clock is set in this version",
    )
}

/// The guest takes the newest that it knows, in whatever order they come.
fn newest(util: &mut Util) -> Result<()> {
    let all = services(util);
    let unknown = [(0, 0), (2, 9), (9, 9), (0xffff, 0xffff)].map(version);
    for (link, (_, known)) in &all {
        let mut message: Vec<Version> = known.iter().copied().map(version).collect();
        message.rotate_left(1);
        message.extend(unknown);
        message.reverse();
        let framework = [unknown[1], version((3, 0)), version((1, 0)), unknown[2]];
        link.set_versions(Versions {
            framework: framework.to_vec(),
            message,
        });
    }
    util.modprobe()?;
    util.start_daemon("kvp")?;
    for (link, (name, known)) in &all {
        let wanted = Agreed {
            framework: version((3, 0)),
            message: version(known[known.len() - 1]),
        };
        same(name, ready(link)?, wanted)?;
    }
    works(util)?;
    util.kill_daemon("kvp")?;
    util.remove()
}

/// The guest says so, and the driver can be loaded again with another host.
fn nothing_in_common(util: &mut Util) -> Result<()> {
    let all = services(util);
    for (link, _) in &all {
        link.set_versions(Versions::with_messages(&[Version::new(9, 9)]));
    }
    util.modprobe()?;
    util.start_daemon("kvp")?;
    for (link, (name, _)) in &all {
        same(name, link.wait_ready(SOON), Err(Error::Refused))?;
    }
    util.kill_daemon("kvp")?;
    util.remove()?;
    for (link, (_, known)) in &all {
        let message: Vec<Version> = known.iter().copied().map(version).collect();
        link.set_versions(Versions::with_messages(&message));
    }
    Ok(())
}

fn often(util: &mut Util) -> Result<()> {
    // The first rounds fill caches.
    for _ in 0..5 {
        once(util)?;
    }
    let in_use = InUse::look(util)?;
    for _ in 5..ROUNDS {
        once(util)?;
    }
    in_use.ensure_grown_less(MAY_GROW_KB * ROUNDS as i64 / 2, util)?;
    for (link, _) in services(util) {
        same("channels opened", link.opens(), 10 + ROUNDS as u64)?;
    }
    Ok(())
}

fn once(util: &mut Util) -> Result<()> {
    util.load()?;
    util.services.heartbeat.beat(SOON)?;
    util.until(
        "[ -c /dev/vmbus/hv_vss ] && [ -c /dev/vmbus/hv_kvp ] && grep -qx hyperv /sys/class/ptp/*/clock_name",
        "the devices appear",
    )?;
    util.remove()?;
    util.sh("[ ! -e /dev/vmbus/hv_kvp ] && [ ! -e /dev/vmbus/hv_vss ] && ! grep -qx hyperv /sys/class/ptp/*/clock_name 2>/dev/null")?;
    Ok(())
}
