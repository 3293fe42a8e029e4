// SPDX-License-Identifier: GPL-2.0

//! How long operations take, by the guest's own clock.

use std::time::Duration;

use anyhow::{Context as _, Result};
use vmbus_e2e::machine::Lab;

use crate::figures::Figures;
use crate::guest::Guest;
use crate::loads::{LOADS, STREAMS};

/// fio's jobs: name, options, the number of operations.
const JOBS: [(&str, &str, u32); 4] = [
    (
        "fio: read 4 KiB, depth 4",
        "--rw=randread --bs=4k --iodepth=4",
        600,
    ),
    (
        "fio: read 4 KiB, depth 32",
        "--rw=randread --bs=4k --iodepth=32",
        1200,
    ),
    (
        "fio: write 4 KiB, depth 32",
        "--rw=randwrite --bs=4k --iodepth=32",
        1200,
    ),
    (
        "fio: read 128 KiB in sequence",
        "--rw=read --bs=128k --iodepth=4",
        200,
    ),
];

const LIMIT: Duration = Duration::from_secs(300);

/// Measures one guest.
pub fn time(lab: &Lab, figures: &mut Figures) -> Result<()> {
    const RATE: &str = "operations a second";

    let mut guest = Guest::boot(lab)?;
    let driver = lab.driver;
    let streams_end = LOADS.len() + STREAMS.len();
    for (place, load) in LOADS.iter().chain(&STREAMS).enumerate() {
        let text = guest.run(place, load)?;
        let nanoseconds: f64 = text.trim().parse().with_context(|| text.clone())?;
        let operations = f64::from(load.calls) * f64::from(load.operations);
        figures.add(
            driver,
            place,
            load.name,
            RATE,
            operations * 1e9 / nanoseconds,
        );
    }
    for (place, (name, options, operations)) in JOBS.iter().enumerate() {
        let text = guest.machine.sh_for(
            &format!(
                "LD_LIBRARY_PATH=/usr/lib/x86_64-linux-gnu/ceph fio --name=bench --filename=/dev/sda --direct=1 \
                 --ioengine=libaio --size=32m --number_ios={operations} --randseed=3 --minimal {options}"
            ),
            LIMIT,
        )?;
        // The rates of reads and of writes, one of which is 0.
        let fields: Vec<&str> = text.trim().split(';').collect();
        let rate = |index: usize| {
            fields
                .get(index)
                .and_then(|field| field.parse::<f64>().ok())
        };
        let rate = rate(7).unwrap_or(0.0) + rate(48).unwrap_or(0.0);
        figures.add(driver, streams_end + place, name, RATE, rate);
    }
    let place = streams_end + JOBS.len();
    let (disk, net) = (guest.disk_ready, guest.net_ready);
    figures.add(
        driver,
        place,
        "loading the driver",
        "seconds until the disk",
        disk.as_secs_f64(),
    );
    figures.add(
        driver,
        place,
        "loading the driver",
        "seconds until the interface",
        net.as_secs_f64(),
    );
    guest.machine.end()
}
