// SPDX-License-Identifier: GPL-2.0

//! How fast operations are, by the guest's own clock.

use anyhow::{Context as _, Result};
use vmbus_e2e::iperf::Host;
use vmbus_e2e::machine::Lab;
use vmbus_host::net::{Card, CardConfig};

use crate::figures::Figures;
use crate::fio::{self, JOBS};
use crate::guest::Guest;
use crate::loads::LOADS;
use crate::streams::STREAMS;

const RATE: &str = "operations a second";

/// Measures what contains `only` in its name, in one guest.
pub fn time(lab: &Lab, only: &str, figures: &mut Figures) -> Result<()> {
    let host = Host::new()?;
    let cable = Card::new(CardConfig::numbered(2), host.tap.clone());
    let mut guest = Guest::boot(lab, std::slice::from_ref(&cable))?;
    let mut place = 0;
    let mut add = |load: &str, values: &[(&str, f64)]| {
        for (what, value) in values {
            figures.add(lab.driver, place, load, what, *value);
        }
        place += 1;
    };
    let loads = LOADS.iter().enumerate();
    for (number, load) in loads.filter(|(_, load)| load.name.contains(only)) {
        let text = guest.run(number, load)?;
        let nanoseconds: f64 = text.trim().parse().with_context(|| text.clone())?;
        let operations = f64::from(load.calls) * f64::from(load.operations);
        add(load.name, &[(RATE, operations * 1e9 / nanoseconds)]);
    }
    for job in JOBS.iter().filter(|job| job.name.contains(only)) {
        let speed = fio::run(&mut guest.machine, job)?;
        let values = [(RATE, speed.rate), ("median microseconds", speed.median)];
        add(job.name, &values);
    }
    let eth = guest.machine.interface(&cable)?;
    host.configure(&mut guest.machine, &eth)?;
    for stream in STREAMS.iter().filter(|it| it.name.contains(only)) {
        let speed = stream.run(&host, &mut guest.machine)?;
        add(stream.name, &[(stream.what(), speed)]);
    }
    let [disk, net] = [guest.disk_ready, guest.net_ready].map(|time| time.as_secs_f64());
    let values = [
        ("seconds until the disk", disk),
        ("seconds until the interface", net),
    ];
    add("loading the driver", &values);
    guest.machine.end()
}
