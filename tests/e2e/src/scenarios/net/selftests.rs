// SPDX-License-Identifier: GPL-2.0

//! Programs of the kernel's own tests of network cards, as they are in its source, between two cards of
//! a guest: one in a network namespace of its own. The script that runs them takes its arguments
//! from the kernel's scripts.

use std::fs::File;
use std::io::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use vmbus_host::net::cable::cable;
use vmbus_host::net::{Card, CardConfig};

use super::setup;
use crate::machine::{Lab, Machine, Setup};

/// Of `net/lib/gro.c`, for IPv4 and IPv6: what is joined to one packet, and what must not be.
const GRO: [&str; 17] = [
    "data_same",
    "data_lrg_sml",
    "data_sml_lrg",
    "data_lrg_1byte",
    "data_burst",
    "ack",
    "flags_psh",
    "flags_syn",
    "flags_rst",
    "flags_urg",
    "flags_cwr",
    "tcp_csum",
    "tcp_seq",
    "tcp_ts",
    "tcp_opt",
    "ip_ecn",
    "ip_tos",
];

/// Of `net/lib/csum.c`: a name, the direction, and options.
const CSUM: [(&str, &str, &str); 6] = [
    ("rx_tcp", "rx", "-t"),
    ("rx_tcp_invalid", "rx", "-t -E"),
    ("rx_udp", "rx", ""),
    ("rx_udp_invalid", "rx", "-E"),
    ("tx_udp_csum_offload", "tx", "-U -r 1"),
    ("tx_udp_zero_checksum", "tx", "-U -Z"),
];

/// See the module.
pub fn selftests(lab: &Lab) -> Result<()> {
    let [here, there] = cable();
    let local = Card::new(CardConfig::default(), here);
    // From this one come wrong checksums, on purpose.
    let config = CardConfig {
        any_checksum: true,
        ..CardConfig::numbered(2)
    };
    let remote = Card::new(config, there);
    let mut machine = lab.boot(Setup {
        extras: &["net", "selftests"],
        ..setup(2, &[local.clone(), remote.clone()])
    })?;
    let eth = machine.load_net(&local)?;
    let peer = machine.interface(&remote)?;
    machine.sh(&format!(". /selftests/run; prepare {eth} {peer}"))?;

    let file = format!("net-selftests-{}.txt", lab.driver);
    let mut results = File::create(lab.logs.join(file))?;
    let mut failed = Vec::new();
    for test in tests() {
        let start = Instant::now();
        let output = machine.run_for(
            &format!(". /selftests/run; local={eth} remote={peer}; {test}"),
            LIMIT,
        )?;
        let (verdict, seconds) = (verdict(output.status), start.elapsed().as_secs());
        writeln!(results, "{test}: {verdict} in {seconds} s")?;
        if output.status != 0 {
            failed.push(format!("{test}: {}", output.text));
        }
    }
    alive(&mut machine)?;
    ensure!(failed.is_empty(), "failed: {failed:#?}");
    machine.end()
}

/// How long one test may take.
const LIMIT: Duration = Duration::from_secs(300);

fn verdict(status: i32) -> &'static str {
    if status == 0 { "passed" } else { "failed" }
}

fn tests() -> Vec<String> {
    let mut tests = Vec::new();
    for family in [4, 6] {
        tests.extend(GRO.map(|test| format!("gro {family} {test}")));
        tests.extend(
            CSUM.map(|(name, way, options)| format!("csum {family} {name} {way} {options}")),
        );
        for mode in ["tcp", "udp"] {
            tests.push(format!("zerocopy {family} {mode}"));
            tests.push(format!("zerocopy {family} {mode} -z"));
        }
        tests.push(format!("udpgso {family}"));
    }
    tests
}

fn alive(machine: &mut Machine) -> Result<()> {
    machine.sh("ping -c 1 -W 10 10.0.0.1")?;
    Ok(())
}
