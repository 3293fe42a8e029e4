// SPDX-License-Identifier: GPL-2.0

//! What guests are put through. Each file is one concern; each function takes a lab with the
//! drivers that are under test, and is run with the C drivers and with ours.

mod agent;
mod bridge;
mod channels;
mod compare;
mod cost;
mod files;
mod fio;
mod fuzz;
mod hosts;
mod kernels;
mod luns;
mod malformed;
mod manage;
mod negotiate;
mod net;
mod offers;
mod packaging;
#[cfg(test)]
mod parity;
mod power;
mod reload;
mod rescind;
mod storage;
mod util;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use vmbus_host::vmbus::wire::Version;

use crate::machine::{Driver, Lab};
use crate::runner::Job;

/// Run only when asked for by their whole name: they take minutes each, or do not pass with both
/// drivers yet (`Documentation/testing.rst` says which).
pub const ON_REQUEST: [&str; 13] = [
    "fuzz/campaign",
    "net/queues",
    "net/reload-100",
    "net/selftests",
    "offers/flood",
    "offers/hectic",
    "offers/silence",
    "packaging/initramfs",
    "power/freeze",
    "power/hibernate",
    "power/kexec",
    "power/lost",
    "util/truncated",
];

/// Those that need the C drivers beside ours, to compare.
pub const COMPARISONS: [&str; 6] = [
    "cost",
    "sysfs",
    "limits",
    "net/compare",
    "net/cost",
    "util/sysfs",
];

/// Those that run once more on the debug kernel, one for each driver, and their names then: words that
/// choose the one do not choose the other, for which a kernel has to be compiled.
const ON_DEBUG: [(&str, &str); 4] = [
    ("files", "debug/disk"),
    ("rescind/in-flight", "debug/bus"),
    ("net/basic", "debug/card"),
    ("util/daemons", "debug/services"),
];

/// All of them; the longest first, so that none of those is left to run alone at the end.
pub fn jobs(qemu_root: &Option<PathBuf>) -> Vec<Job> {
    let mut jobs = Jobs::default();
    jobs.both("reload", 1, reload::reload);
    jobs.both("rescind/cycles", 2, rescind::cycles);
    for (cpus, channels) in [(4, 4), (4, 1), (2, 4), (1, 1)] {
        jobs.both(
            format!("fio/{cpus}-cpus-{channels}-channels"),
            cpus,
            move |lab| fio::verify(lab, cpus, channels),
        );
    }
    jobs.add("fuzz/campaign", Driver::Rust, 2, fuzz::campaign);
    jobs.add("fuzz/short", Driver::Rust, 2, fuzz::short);
    jobs.add("cost", Driver::Rust, 1, cost::cost);
    jobs.add("rescind/in-flight", Driver::Rust, 2, rescind::in_flight);
    jobs.both("files", 1, files::files);
    jobs.both("luns", 1, luns::luns);
    jobs.add(
        "malformed/completions",
        Driver::Rust,
        2,
        malformed::completions,
    );
    jobs.add("malformed/units", Driver::Rust, 1, malformed::units);
    jobs.add("channels/monitored", Driver::Rust, 1, channels::monitored);
    jobs.add("channels/moving", Driver::Rust, 2, channels::moving);
    jobs.add(
        "channels/subchannels",
        Driver::Rust,
        2,
        channels::subchannels,
    );
    jobs.add("offers/nonsense", Driver::Rust, 2, offers::nonsense);
    jobs.add("offers/flood", Driver::Rust, 2, offers::flood);
    jobs.add(
        "offers/rescind-early",
        Driver::Rust,
        2,
        offers::rescind_early,
    );
    jobs.add("offers/silence", Driver::Rust, 2, offers::silence);
    jobs.add("offers/hectic", Driver::Rust, 2, offers::hectic);
    jobs.add("sysfs", Driver::Rust, 2, compare::sysfs);
    jobs.add("limits", Driver::Rust, 2, compare::limits);
    jobs.both("manage/channels", 2, manage::channels);
    jobs.both("manage/drivers", 1, manage::drivers);
    jobs.both("storage/bounce", 2, storage::bounce::bounce);
    jobs.both("storage/recovery", 1, storage::recovery::recovery);
    jobs.both("storage/parameters", 2, storage::parameters::parameters);
    jobs.both("storage/ide", 2, storage::ide::ide);
    jobs.both("storage/dvd", 1, storage::dvd::dvd);
    jobs.both("hosts/old", 2, hosts::old);
    jobs.both("hosts/elsewhere", 1, hosts::elsewhere);
    jobs.both("hosts/unwilling", 1, hosts::unwilling);
    jobs.both("hosts/isolated", 2, hosts::isolated);
    jobs.add("hosts/alias", Driver::Rust, 1, hosts::alias);
    for version in Version::ALL {
        jobs.both(format!("negotiate/{version}"), 1, move |lab| {
            negotiate::negotiate(lab, version)
        });
    }
    jobs.add(
        "negotiate/max-version",
        Driver::Rust,
        1,
        negotiate::max_version,
    );
    net::jobs(&mut jobs);
    kernels::jobs(&mut jobs);
    jobs.both("util/reload", 1, util::reload);
    jobs.both("util/malformed", 2, util::malformed);
    jobs.both("util/daemons", 2, util::daemons);
    jobs.both("util/devices", 1, util::devices);
    jobs.both("util/vss", 1, util::vss);
    jobs.both("util/clock", 1, util::clock);
    jobs.both("util/stale", 1, util::stale);
    jobs.both("util/shutdown", 1, util::shutdown);
    jobs.both("util/kvp", 1, util::kvp);
    jobs.both("util/transport", 1, util::transport);
    jobs.both("util/silent", 1, util::silent);
    jobs.both("util/truncated", 2, util::truncated);
    jobs.add("util/sysfs", Driver::Rust, 1, util::sysfs);
    jobs.both("packaging/initramfs", 1, packaging::initramfs);
    jobs.add("agent", Driver::C, 2, agent::agent);
    power::jobs(&mut jobs);
    if let Some(root) = qemu_root.clone() {
        jobs.add("bridge", Driver::Rust, 1, move |lab| {
            bridge::bridge(lab, &root)
        });
    }
    jobs.on_debug();
    jobs.0
}

/// A list of jobs that grows.
#[derive(Default)]
struct Jobs(Vec<Job>);

impl Jobs {
    fn add(
        &mut self,
        name: impl Into<String>,
        driver: Driver,
        cpus: u32,
        run: impl Fn(&Lab) -> Result<()> + Send + Sync + 'static,
    ) {
        self.0.push(Job {
            name: name.into(),
            driver,
            cpus,
            kernel: None,
            run: Arc::new(run),
        });
    }

    /// A scenario about one kernel.
    fn on(
        &mut self,
        kernel: &'static str,
        name: &str,
        driver: Driver,
        cpus: u32,
        run: fn(&Lab) -> Result<()>,
    ) {
        self.add(name, driver, cpus, run);
        if let Some(job) = self.0.last_mut() {
            job.kernel = Some(kernel);
        }
    }

    /// They take long, and so come first.
    fn on_debug(&mut self) {
        let again = |job: &Job| {
            let of =
                |(scenario, _): &&(&str, &str)| job.driver == Driver::Rust && job.name == *scenario;
            ON_DEBUG.iter().find(of).map(|(_, name)| Job {
                name: (*name).to_owned(),
                kernel: Some("debug"),
                ..job.clone()
            })
        };
        let debug: Vec<Job> = self.0.iter().filter_map(again).collect();
        self.0.splice(..0, debug);
    }

    fn both(
        &mut self,
        name: impl Into<String>,
        cpus: u32,
        run: impl Fn(&Lab) -> Result<()> + Send + Sync + Clone + 'static,
    ) {
        let name = name.into();
        for driver in Driver::ALL {
            self.add(name.clone(), driver, cpus, run.clone());
        }
    }
}
