// SPDX-License-Identifier: GPL-2.0

//! Guests with network cards.

mod basic;

use std::sync::Arc;

use anyhow::Result;
use vmbus_host::net::{Card, CardConfig, Peer};

use super::Jobs;
use crate::machine::{Machine, Setup};

/// The scenarios.
pub(super) fn jobs(jobs: &mut Jobs) {
    jobs.both("net/basic", 1, basic::basic);
}

/// A card with the built-in peer.
fn card(config: CardConfig) -> Arc<Card> {
    Card::new(config, Peer::new(Default::default()))
}

/// A guest with these cards and the tools for them.
fn setup(cpus: u32, cards: &[Arc<Card>]) -> Setup {
    Setup {
        cpus,
        devices: cards.iter().map(|card| card.clone() as _).collect(),
        extras: &["net"],
        ..Setup::default()
    }
}

/// Gives an interface its address in the peer's network.
fn configure(machine: &mut Machine, interface: &str) -> Result<()> {
    machine.sh(&format!(
        "ip link set {interface} up && ip addr add 10.0.0.15/24 dev {interface} && ping -c 1 -W 5 10.0.0.1"
    ))?;
    Ok(())
}

/// Fetches `bytes` bytes from the peer and compares their checksum with the peer's.
const FETCH: &str = "fetch() { a=$(wget -q -T 60 -O - http://10.0.0.1/bytes/$1 | crc32) && b=$(wget -q -O - http://10.0.0.1/crc/$1) && \
                     { [ \"$a\" = \"$b\" ] || { echo \"$1 bytes: $a instead of $b\"; false; }; }; }";
