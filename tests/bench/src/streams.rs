// SPDX-License-Identifier: GPL-2.0

//! iperf3 on a second card, whose cable ends in a network interface of the host's.

use anyhow::{Context as _, Result};
use serde_json::Value;
use vmbus_e2e::iperf::Host;
use vmbus_e2e::machine::Machine;

/// What of a run is reported.
#[derive(Clone, Copy)]
enum Unit {
    /// What the receiver got, in megabits a second.
    Megabits,
    /// Datagrams that arrived, a second.
    Datagrams,
}

/// A run.
pub struct Stream {
    /// What it is called.
    pub name: &'static str,
    options: &'static str,
    unit: Unit,
}

const fn stream(name: &'static str, options: &'static str, unit: Unit) -> Stream {
    Stream {
        name,
        options,
        unit,
    }
}

/// The runs, of two seconds each. Datagrams without end for a guest that is slower than the host would be
/// a matter of who drops them.
pub const STREAMS: [Stream; 5] = [
    stream("iperf3: TCP send", "-t 2", Unit::Megabits),
    stream("iperf3: TCP send, 8 flows", "-t 2 -P 8", Unit::Megabits),
    stream("iperf3: TCP receive", "-t 2 -R", Unit::Megabits),
    stream(
        "iperf3: TCP receive, 8 flows",
        "-t 2 -R -P 8",
        Unit::Megabits,
    ),
    stream(
        "iperf3: UDP send 64 bytes",
        "-t 2 -u -b 0 -l 64",
        Unit::Datagrams,
    ),
];

impl Stream {
    /// What the number is.
    pub fn what(&self) -> &'static str {
        match self.unit {
            Unit::Megabits => "megabits a second",
            Unit::Datagrams => "datagrams a second",
        }
    }

    /// Does it.
    pub fn run(&self, host: &Host, machine: &mut Machine) -> Result<f64> {
        let text = host.run(machine, &[], &format!("-J {}", self.options))?;
        rate(self.unit, &text).with_context(|| format!("iperf3 said {text}"))
    }
}

fn rate(unit: Unit, text: &str) -> Option<f64> {
    let end = &serde_json::from_str::<Value>(text).ok()?["end"];
    let got = &end["sum_received"];
    match unit {
        Unit::Megabits => Some(got["bits_per_second"].as_f64()? / 1e6),
        Unit::Datagrams => {
            let arrived = got["packets"].as_f64()? - got["lost_packets"].as_f64()?;
            Some(arrived / got["seconds"].as_f64()?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_iperf_says() {
        let text = "{\"end\": {\"sum_received\": {\"bits_per_second\": 3e6, \"packets\": 30, \"lost_packets\": 10, \"seconds\": 2}}}";
        assert_eq!(rate(Unit::Megabits, text), Some(3.0));
        assert_eq!(rate(Unit::Datagrams, text), Some(10.0));
        assert_eq!(rate(Unit::Megabits, "iperf3: error"), None);
        assert_eq!(rate(Unit::Megabits, "{}"), None);
    }
}
