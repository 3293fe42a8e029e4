// SPDX-License-Identifier: GPL-2.0

//! What both drivers show of the same card must be the same.

use anyhow::Result;
use vmbus_host::net::CardConfig;

use super::{card, configure, setup};
use crate::machine::Lab;
use crate::side_by_side::same_lines;

/// Options of ethtool that only show something.
const OPTIONS: [&str; 9] = ["-i", "-k", "-l", "-g", "-x", "-c", "-T", "-d", ""];

/// See the module.
pub fn compare(lab: &Lab) -> Result<()> {
    same_lines(lab, dump)
}

fn dump(lab: &Lab) -> Result<String> {
    let card = card(CardConfig {
        queues: 2,
        ..CardConfig::default()
    });
    let mut machine = lab.boot(setup(2, std::slice::from_ref(&card)))?;
    let eth = machine.load_net(&card)?;
    configure(&mut machine, &eth, 0)?;
    machine.until(
        &format!("[ $(ls -d /sys/class/net/{eth}/queues/rx-* | wc -l) = 2 ]"),
        "there are two queues",
    )?;
    let mut text = String::new();
    for option in OPTIONS {
        // Each line with its option, since some are in several answers.
        let shown = machine.run(&format!(
            "ethtool {option} {eth} 2>&1 | sed 's/^/ethtool {option}: /'"
        ))?;
        text += &(shown.text + "\n");
    }
    for flow in ["tcp4", "udp4", "tcp6", "udp6"] {
        let shown = machine.run(&format!(
            "ethtool -n {eth} rx-flow-hash {flow} 2>&1 | sed 's/^/{flow}: /'"
        ))?;
        text += &(shown.text + "\n");
    }
    let rest = [
        // The names of counters; the values differ from run to run.
        format!("ethtool -S {eth} | sed 's/: .*/:/'"),
        format!("/bin/ip -d link show {eth} | sed 's/^[0-9]*//'"),
        format!(
            "cd /sys/class/net/{eth}; ls -d queues/*; grep . mtu type flags tx_queue_len features dev_id dev_port ifalias duplex carrier"
        ),
        format!("readlink /sys/class/net/{eth}/device/driver | sed 's/.*\\///'"),
    ];
    for command in rest {
        text += &(machine.run(&command)?.text + "\n");
    }
    std::fs::write(
        lab.logs.join(format!("net-compare-{}.txt", lab.driver)),
        &text,
    )?;
    machine.end()?;
    Ok(text)
}
