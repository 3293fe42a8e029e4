// SPDX-License-Identifier: GPL-2.0

//! What an operation costs in hypercalls, signals, interrupts, exits and copied bytes, for the C drivers
//! and for ours side by side.

use std::time::Duration;

use anyhow::{Result, ensure};
use vmbus_host::scsi::Disk;

use crate::machine::{Lab, Setup};
use crate::side_by_side::{Costs, not_dearer};

/// Name, fio's options, and the number of operations.
const LOADS: [(&str, &str, u32); 5] = [
    (
        "4k random read, depth 1",
        "--rw=randread --bs=4k --iodepth=1",
        300,
    ),
    (
        "4k random write, depth 1",
        "--rw=randwrite --bs=4k --iodepth=1",
        300,
    ),
    (
        "4k random read, depth 16",
        "--rw=randread --bs=4k --iodepth=16 --iodepth_batch_submit=8",
        600,
    ),
    (
        "4k random write, depth 16",
        "--rw=randwrite --bs=4k --iodepth=16 --iodepth_batch_submit=8",
        600,
    ),
    (
        "256k sequential read",
        "--rw=read --bs=256k --iodepth=4",
        100,
    ),
];

/// How much above the C drivers' count ours may be: interrupts depend on timing.
const TOLERANCE: f64 = 1.05;

/// The same loads with both; ours must not cost more. A host that does not run for a moment finds more
/// than one request, which is cheaper for whoever it happens to: what seems dearer is measured again.
pub fn cost(lab: &Lab) -> Result<()> {
    let loads = LOADS.map(|(load, ..)| load);
    let compare = || not_dearer(lab, "cost.txt", &loads, TOLERANCE, measure);
    compare().or_else(|_| compare())
}

fn measure(lab: &Lab) -> Result<Vec<Costs>> {
    let mut machine = lab.boot(Setup {
        extras: &["fio"],
        ..Setup::default()
    })?;
    machine.controller.add_disk(0, 0, Disk::memory(64 << 20)?)?;
    machine.load_until("sda")?;
    // Whether the block layer joins requests that follow each other is a matter of timing, not of
    // the driver.
    machine.sh("echo 2 >/sys/block/sda/queue/nomerges")?;
    let mut costs = Vec::new();
    for (_, options, requests) in LOADS {
        let (bus, exits) = (machine.server.stats().total, machine.vm.counters());
        machine.sh_for(
            &format!(
                "LD_LIBRARY_PATH=/usr/lib/x86_64-linux-gnu/ceph fio --name=cost --filename=/dev/sda --direct=1 \
                 --ioengine=libaio --size=32m --number_ios={requests} --randseed=3 --minimal {options} >/dev/null"
            ),
            Duration::from_secs(300),
        )?;
        let (bus, exits) = (
            machine.server.stats().total.since(&bus),
            machine.vm.counters().since(&exits),
        );
        ensure!(
            bus.packets_in >= u64::from(requests),
            "{} packets for {requests} operations",
            bus.packets_in
        );
        let per = |count: u64| count as f64 / f64::from(requests);
        costs.push(vec![
            ("packets", per(bus.packets_in)),
            ("hypercalls", per(exits.signal_events + exits.post_messages)),
            ("signals in", per(bus.signals_in)),
            ("signals out", per(bus.signals_out)),
            ("interrupts", per(exits.interrupts)),
            (
                "exits",
                per(exits.exits_hypercall
                    + exits.exits_signal
                    + exits.exits_io
                    + exits.exits_synic
                    + exits.exits_other),
            ),
            ("ring bytes in", per(bus.payload_in)),
            ("ring bytes out", per(bus.payload_out)),
        ]);
    }
    machine.end()?;
    Ok(costs)
}
