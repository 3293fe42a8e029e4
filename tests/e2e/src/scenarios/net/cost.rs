// SPDX-License-Identifier: GPL-2.0

//! What a packet costs in hypercalls, signals, interrupts, exits and ring bytes, for the C driver and
//! for ours side by side.

use std::time::Duration;

use anyhow::Result;
use vmbus_host::net::CardConfig;

use super::{FETCH, PUSH, card, configure, setup};
use crate::machine::Lab;
use crate::side_by_side::{Costs, not_dearer};

/// Name, command, and the number of operations.
const LOADS: [(&str, &str, u32); 4] = [
    ("UDP echo of 100 bytes", "udp 10.0.0.1 7 400 100", 400),
    ("UDP send of 100 bytes", "udp 10.0.0.1 9 400 100 send", 400),
    ("TCP fetch of 4 MB, a kB", "fetch 4000000", 4000),
    ("TCP push of 4 MB, a kB", "push 4000000", 4000),
];

/// How much above the C driver's count ours may be: interrupts depend on timing.
const TOLERANCE: f64 = 1.10;

/// The same loads with both; ours must not cost more.
pub fn cost(lab: &Lab) -> Result<()> {
    let loads = LOADS.map(|(load, ..)| load);
    not_dearer(lab, "net-cost.txt", &loads, TOLERANCE, measure)
}

fn measure(lab: &Lab) -> Result<Vec<Costs>> {
    let card = card(CardConfig::default());
    let mut machine = lab.boot(setup(1, std::slice::from_ref(&card)))?;
    let eth = machine.load_net(&card)?;
    configure(&mut machine, &eth, 0)?;
    let mut costs = Vec::new();
    for (_, command, operations) in LOADS {
        let (bus, exits, before) = (
            machine.server.stats().total,
            machine.vm.counters(),
            card.stats(),
        );
        machine.sh_for(
            &format!("{FETCH}; {PUSH}; {command}"),
            Duration::from_secs(300),
        )?;
        let (bus, exits, after) = (
            machine.server.stats().total.since(&bus),
            machine.vm.counters().since(&exits),
            card.stats(),
        );
        let packets = after.queues[0].tx_packets - before.queues[0].tx_packets;
        let per = |count: u64| count as f64 / f64::from(operations);
        costs.push(vec![
            ("packets out", per(packets)),
            (
                "messages out",
                per(after.queues[0].tx_messages - before.queues[0].tx_messages),
            ),
            ("hypercalls", per(exits.signal_events + exits.post_messages)),
            ("signals in", per(bus.signals_in)),
            ("signals out", per(bus.signals_out)),
            ("interrupts", per(exits.interrupts)),
            // How often TCP acknowledges is not the driver's doing.
            (
                "ring bytes a packet",
                bus.payload_in as f64 / bus.packets_in as f64,
            ),
            (
                "copied bytes a packet",
                bus.buffer_read as f64 / packets as f64,
            ),
        ]);
    }
    machine.end()?;
    Ok(costs)
}
