// SPDX-License-Identifier: GPL-2.0

//! The services' devices: unbound and bound by hand, offered anew, offered twice, without a driver,
//! and the clock that cannot be registered.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, ensure};
use vmbus_host::ic::kvp::Pool;
use vmbus_host::ic::{Error, Kvp, Link, Vss, fcopy};
use vmbus_host::vmbus::device::Device;

use super::{SOON, Util, ready, same};
use crate::machine::{Driver, Lab, wait_until};

/// Where our devices are in sysfs.
const DEVICES: &str = "/sys/bus/vmbus/devices";
const DRIVER: &str = "/sys/bus/vmbus/drivers/hv_utils";

/// Of the second devices.
const TWINS: [[u8; 16]; 2] = [[0x11; 16], [0x22; 16]];

/// All of it in one guest.
pub fn devices(lab: &Lab) -> Result<()> {
    let mut util = Util::boot(lab)?;
    let copy = fcopy::link();
    util.server.add_device(copy.clone());
    util.sh("mkdir -p /var/lib")?;
    without_clock(&mut util)?;
    util.load()?;
    let path = path(&copy);
    util.sh(&format!(
        "grep -q 34d14be3 {path}/class_id && [ ! -e {path}/driver ]"
    ))?;
    same("file copies", copy.opens(), 0)?;
    util.start_kvp()?;
    util.start_vss()?;
    for _ in 0..3 {
        by_hand(&mut util)?;
        offered_anew(&mut util)?;
    }
    // The C driver has one state for all devices of a kind, and does not survive the second.
    if lab.driver == Driver::Rust {
        twice(&mut util)?;
    }
    util.end()
}

/// A device's folder in sysfs.
fn path(link: &Link) -> String {
    format!("{DEVICES}/{}", name(link))
}

/// A device's name in sysfs: its instance, whose first three parts are numbers.
fn name(link: &Link) -> String {
    let hex = |bytes: &[u8]| -> String { bytes.iter().map(|byte| format!("{byte:02x}")).collect() };
    let mut instance = link.instance();
    for part in [0..4, 4..6, 6..8] {
        instance[part].reverse();
    }
    let parts = [0..4, 4..6, 6..8, 8..10, 10..16];
    parts.map(|part| hex(&instance[part])).join("-")
}

/// Where the kernel registers no PTP clock, the clock is set all the same.
fn without_clock(util: &mut Util) -> Result<()> {
    util.sh("insmod /test-modules/fail_function.ko symbol=ptp_clock_register error=-12")?;
    util.load()?;
    util.sh("dmesg | grep -q 'hv_utils: cannot register PTP clock: -12' && ! grep -qx hyperv /sys/class/ptp/*/clock_name 2>/dev/null")?;
    util.sh("date -s @1000000000")?;
    let day = Duration::from_secs(24 * 3600);
    util.services.timesync.sync(SystemTime::now() + day, SOON)?;
    util.until("[ $(date +%s) -gt 1700000000 ]", "the clock is set")?;
    util.remove()?;
    util.sh("rmmod fail_function")?;
    Ok(())
}

/// The daemons' services.
fn services(util: &Util) -> [(&'static str, Arc<Link>); 2] {
    let services = &util.services;
    [
        ("kvp", services.kvp.link().clone()),
        ("vss", services.vss.link().clone()),
    ]
}

/// Waits until the daemons, which have noticed that their devices went, are there again, or starts them.
fn back(util: &mut Util) -> Result<()> {
    ready(util.services.vss.link())?;
    for (service, _) in services(util) {
        util.until(
            &format!("! pidof hv_{service}_daemon >/dev/null || ls -l /proc/$(pidof hv_{service}_daemon)/fd | grep -q 'vmbus/hv_{service}$'"),
            "the daemon has the device open, or has ended",
        )?;
        if util.run(&format!("pidof hv_{service}_daemon"))?.status != 0 {
            util.start_daemon(service)?;
        }
    }
    ready(util.services.kvp.link())?;
    same(
        "entries",
        util.services.kvp.list(Pool::Auto, SOON)?.len(),
        10,
    )?;
    let vss = util.services.vss.clone();
    wait_until("VSS works", SOON, || vss.hot_backup(SOON).is_ok())
}

/// Unbound and bound in sysfs, with the daemons there.
fn by_hand(util: &mut Util) -> Result<()> {
    for (service, link) in services(util) {
        let (opens, name) = (link.opens(), name(&link));
        util.sh(&format!(
            "echo {name} >{DRIVER}/unbind && [ ! -e /dev/vmbus/hv_{service} ]"
        ))
        .context(service)?;
        same(service, link.agreed(), None)?;
        util.sh(&format!("echo {name} >{DRIVER}/bind"))?;
        util.until(
            &format!("[ -c /dev/vmbus/hv_{service} ]"),
            "the device appears",
        )?;
        same(service, link.opens(), opens + 1)?;
    }
    back(util)
}

/// Hyper-V takes a service back when the guest closes it, and offers it anew.
fn offered_anew(util: &mut Util) -> Result<()> {
    for (service, link) in services(util) {
        let opens = link.opens();
        util.sh(&format!("echo {} >{DRIVER}/unbind", name(&link)))?;
        let instance = link.instance();
        util.server.remove_device(instance);
        let released = util.server.wait_for(
            |bus| {
                bus.channels
                    .iter()
                    .all(|channel| channel.instance != instance)
            },
            SOON,
        );
        ensure!(released, "{service}: the guest keeps the relid");
        util.server.add_device(link.clone());
        wait_until("the service is opened again", SOON, || {
            link.opens() == opens + 1
        })?;
    }
    back(util)
}

/// A second device of a kind is left alone, and the first one goes on. When that is gone, the second can have
/// its place.
fn twice(util: &mut Util) -> Result<()> {
    let (kvp, vss) = (Kvp::with_instance(TWINS[0]), Vss::with_instance(TWINS[1]));
    let seconds: [Arc<Link>; 2] = [kvp.link().clone(), vss.link().clone()];
    for second in &seconds {
        util.server.add_device(second.clone() as Arc<dyn Device>);
        let path = path(second);
        util.until(&format!("[ -e {path}/class_id ]"), "the second appears")?;
        util.until(
            &format!(
                "dmesg | grep -q '{}: .*failed with error -17'",
                name(second)
            ),
            "the second is refused",
        )?;
        util.sh(&format!("[ ! -e {path}/driver ]"))?;
        same(
            "the second",
            second.wait_ready(Duration::ZERO),
            Err(Error::Timeout),
        )?;
    }
    util.sh("! dmesg | grep -q 'cannot create duplicate filename'")?;
    back(util)?;
    for ((service, first), second) in services(util).into_iter().zip(&seconds) {
        util.sh(&format!("echo {} >{DRIVER}/unbind", name(&first)))?;
        util.sh(&format!("echo {} >{DRIVER}/bind", name(second)))?;
        util.until(
            &format!("[ -c /dev/vmbus/hv_{service} ]"),
            "the second has the place",
        )?;
    }
    ready(vss.link())?;
    Ok(())
}
