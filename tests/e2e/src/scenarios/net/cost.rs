// SPDX-License-Identifier: GPL-2.0

//! What a packet costs in hypercalls, signals, interrupts, exits, ring bytes and copied bytes, for the C
//! driver and for ours side by side.
//!
//! Nothing here depends on how fast anybody is: the guest has one processor, the other end answers
//! while that waits for the host, and what comes without being asked for comes when the guest is idle.

use std::sync::{Arc, Mutex, Weak};

use anyhow::{Result, ensure};
use vmbus_host::net::backend::{Backend, Capture, Frame};
use vmbus_host::net::frame::{self, Ip, be16};
use vmbus_host::net::{Card, CardConfig};

use super::{SOON, setup};
use crate::machine::{Lab, Machine};
use crate::side_by_side::{Costs, not_dearer};

/// How much above the C driver's count ours may be: a packet of the stack's own may come between.
const TOLERANCE: f64 = 1.02;

/// The port of the mirror's that answers.
const ECHO: u16 = 7;
/// How often frames come to an idle guest, and how many.
const ROUNDS: u32 = 10;
const BATCH: u32 = 32;
/// A group that every interface is in, so that the guest's stack takes the frames and answers none.
const EVERYBODY: [u8; 6] = [1, 0, 0x5e, 0, 0, 1];

/// What the guest does, and how many packets that is.
const SENDS: [(&str, &str, u32); 5] = [
    ("send 100 bytes", "udp 10.0.0.1 9 200 100 send", 200),
    ("send and receive 100 bytes", "udp 10.0.0.1 7 200 100", 200),
    ("send 32 of 100 bytes", "large $eth udp 4 100 3200 20", 640),
    (
        "send 32 of 1400 bytes",
        "large $eth udp 4 1400 44800 20",
        640,
    ),
    (
        "send 32 segments in one",
        "large $eth tcp 4 1400 44800 20",
        20,
    ),
];
/// What the guest gets.
const RECEIVES: [&str; 2] = ["receive 32 of 100 bytes", "receive 32 segments in one"];

/// The same loads with both; ours must not cost more.
pub fn cost(lab: &Lab) -> Result<()> {
    let sends = SENDS.iter().map(|(load, ..)| *load);
    let loads: Vec<&str> = sends.chain(RECEIVES).collect();
    not_dearer(lab, "net-cost.txt", &loads, TOLERANCE, measure)
}

fn measure(lab: &Lab) -> Result<Vec<Costs>> {
    let wire = Capture::new(Arc::new(Mirror::default()));
    let config = CardConfig {
        max_ranges: 4,
        ..CardConfig::default()
    };
    let card = Card::new(config, wire.clone());
    let mut machine = lab.boot(setup(1, std::slice::from_ref(&card)))?;
    let eth = machine.load_net(&card)?;
    machine.sh(&format!(
        "echo 1 >/proc/sys/net/ipv6/conf/{eth}/disable_ipv6 && /bin/ip link set {eth} up && \
         /bin/ip addr add 10.0.0.15/24 dev {eth} && \
         /bin/ip neigh add 10.0.0.1 lladdr 02:00:00:00:00:fe nud permanent dev {eth}"
    ))?;
    let mut costs = Vec::new();
    for (_, command, packets) in SENDS {
        wire.take();
        costs.push(counted(&mut machine, &card, packets, |machine| {
            machine.sh(&format!("eth={eth}; {command}"))?;
            Ok(())
        })?);
    }
    // The last ones were segments, which the card joins again.
    let mut segments = wire.take();
    segments.truncate(BATCH as usize);
    let datagram = |index| {
        let addresses = [[10, 0, 0, 1], [224, 0, 0, 1]];
        frame::udp(
            [[2, 0, 0, 0, 0, 0xfe], EVERYBODY],
            addresses,
            [5000, 5001],
            &[index as u8; 100],
        )
    };
    for mut frames in [(0..BATCH).map(datagram).collect(), segments] {
        ensure!(frames.len() == BATCH as usize, "{} frames", frames.len());
        frames
            .iter_mut()
            .for_each(|frame| frame[..6].copy_from_slice(&EVERYBODY));
        costs.push(counted(&mut machine, &card, ROUNDS * BATCH, |machine| {
            for _ in 0..ROUNDS {
                card.deliver(frames.clone());
                let taken = card.wait_for(|card| card.sections_in_use().is_empty(), SOON);
                ensure!(taken, "the guest does not take the frames");
                // By then it has nothing else to do.
                machine.sh("true")?;
            }
            Ok(())
        })?);
    }
    machine.end()?;
    Ok(costs)
}

/// What each of `packets` costs while `load` runs.
fn counted(
    machine: &mut Machine,
    card: &Card,
    packets: u32,
    load: impl FnOnce(&mut Machine) -> Result<()>,
) -> Result<Costs> {
    let before = (
        machine.server.stats().total,
        machine.vm.counters(),
        card.stats(),
    );
    load(machine)?;
    let bus = machine.server.stats().total.since(&before.0);
    let exits = machine.vm.counters().since(&before.1);
    let messages = card.stats().queues[0].tx_messages - before.2.queues[0].tx_messages;
    let per = |count: u64| count as f64 / f64::from(packets);
    Ok(vec![
        ("messages out", per(messages)),
        ("hypercalls", per(exits.signal_events + exits.post_messages)),
        (
            "exits",
            per(exits.exits_signal + exits.exits_hypercall + exits.exits_synic),
        ),
        ("signals in", per(bus.signals_in)),
        ("signals out", per(bus.signals_out)),
        ("interrupts", per(exits.interrupts)),
        ("ring bytes", per(bus.payload_in)),
        ("copied bytes", per(bus.buffer_read)),
    ])
}

/// The other end of the cable: what comes for the echo goes back before the guest goes on.
#[derive(Default)]
struct Mirror(Mutex<Weak<Card>>);

impl Backend for Mirror {
    fn attach(&self, card: Weak<Card>) {
        *self.0.lock().unwrap() = card;
    }

    fn transmit(&self, frames: Vec<Frame>) {
        let answers: Vec<Frame> = frames.into_iter().filter_map(answer).collect();
        let card = self.0.lock().unwrap().upgrade();
        if let Some(card) = card.filter(|_| !answers.is_empty()) {
            card.deliver(answers);
        }
    }
}

/// The echo of a datagram, which has the same checksums.
fn answer(mut frame: Frame) -> Option<Frame> {
    let ip = Ip::find(&frame).filter(|ip| ip.protocol == frame::UDP && !ip.v6)?;
    if be16(&frame, ip.transport + 2) != Some(ECHO) {
        return None;
    }
    let addresses = frame::ETHERNET + 12;
    for (at, len) in [(0, 6), (addresses, 4), (ip.transport, 2)] {
        frame[at..at + 2 * len].rotate_left(len);
    }
    Some(frame)
}
