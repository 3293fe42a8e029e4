// SPDX-License-Identifier: GPL-2.0

//! Guests with network cards.

mod basic;
mod compare;
mod cost;
mod hotplug;
mod iperf;
mod link;
mod malformed;
mod offload;
mod queues;
mod reload;
mod segmentation;
mod selftests;
mod settings;
mod transmit;
mod versions;
mod vf;
mod xdp;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use vmbus_host::net::{Card, CardConfig, Peer};

use super::Jobs;
use crate::machine::{Driver, Machine, Setup};

/// How long the card may have to wait for something in the guest.
const SOON: Duration = Duration::from_secs(60);

/// The scenarios.
pub(super) fn jobs(jobs: &mut Jobs) {
    jobs.both("net/queues", 4, queues::queues);
    jobs.both("net/reload", 1, |lab| reload::reload(lab, 3));
    jobs.both("net/reload-100", 1, |lab| reload::reload(lab, 100));
    jobs.both("net/link", 1, link::link);
    jobs.both("net/basic", 1, basic::basic);
    jobs.both("net/offload", 1, offload::offload);
    jobs.both("net/settings", 1, settings::settings);
    jobs.both("net/transmit", 1, transmit::transmit);
    jobs.both("net/hotplug", 2, hotplug::hotplug);
    jobs.both("net/versions", 1, versions::versions);
    jobs.both("net/selftests", 2, selftests::selftests);
    jobs.both("net/xdp", 2, xdp::xdp);
    jobs.both("net/vf", 1, vf::pair);
    jobs.both("net/vf-cycles", 2, vf::cycles);
    jobs.both("net/iperf", 1, iperf::iperf);
    jobs.add("net/compare", Driver::Rust, 2, compare::compare);
    jobs.add("net/malformed", Driver::Rust, 1, malformed::malformed);
    jobs.add("net/cost", Driver::Rust, 1, cost::cost);
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

/// Gives an interface its address in a network of the peer's.
fn configure(machine: &mut Machine, interface: &str, network: u8) -> Result<()> {
    machine.sh(&format!(
        "/bin/ip link set {interface} up && /bin/ip addr add 10.0.{network}.15/24 dev {interface} && \
         ping -c 1 -W 10 10.0.{network}.1"
    ))?;
    Ok(())
}

/// Defines a function for the guest's shell: `fetch BYTES [NETWORK]` gets bytes from the peer and
/// compares their checksum with the peer's.
pub(super) const FETCH: &str = "fetch() { from=http://10.0.${2:-0}.1; a=$(wget -q -T 60 -O - $from/bytes/$1 | crc32); \
                     b=$(wget -q -T 60 -O - $from/crc/$1); [ \"$a\" = \"$b\" ] || \
                     { echo \"$1 bytes: $a instead of $b\"; return 1; }; }";

/// The same for the other way: `push BYTES [ADDRESS]`.
const PUSH: &str = "push() { head -c $1 /dev/urandom >/tmp/push; want=\"$1 $(crc32 </tmp/push)\"; \
                    got=$(say ${2:-10.0.0.1} 9 </tmp/push); [ \"$got\" = \"$want\" ] || \
                    { echo \"the peer got $got instead of $want\"; return 1; }; }";

/// Inserts the modules that the stack needs for some scenarios, and that no driver is.
const INSERT_MODULES: &str =
    "while read m; do insmod /test-modules/$m || exit 1; done </test-modules/order";

/// Runs `command` in the guest while bytes are fetched all the time, which must not fail.
fn under_load(machine: &mut Machine, command: &str) -> Result<String> {
    machine.sh_for(
        &format!(
            "{FETCH}; rm -f /stop; (until [ -e /stop ]; do fetch 200000 || exit 1; done) >/tmp/load 2>&1 & load=$!; \
             ( {command} ); status=$?; touch /stop; wait $load || {{ cat /tmp/load; exit 99; }}; exit $status"
        ),
        Duration::from_secs(400),
    )
}
