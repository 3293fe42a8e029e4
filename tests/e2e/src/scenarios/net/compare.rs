// SPDX-License-Identifier: GPL-2.0

//! What both drivers show of the same card must be the same.

use anyhow::{Result, ensure};
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

/// A session from its beginning, and frames.
fn traffic(eth: &str, mtu: u32) -> String {
    format!("/bin/ip link set {eth} mtu {mtu} && ping -q -c 1 -W 10 10.0.0.1 >/dev/null")
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
    let module = lab.driver.netvsc();
    let rest = [
        format!("netdev {eth}"),
        // Trace events: the fields, and which of them there are of which kind for some traffic.
        r"mount -t tracefs trace /sys/kernel/tracing; cd /sys/kernel/tracing/events/netvsc &&
          for e in */format; do sed -n '/field:/p' $e | sed s:^:$e:; done"
            .replace('\n', " "),
        format!(
            "cd /sys/kernel/tracing && echo 1 >events/netvsc/enable && {}; echo 0 >events/netvsc/enable; {}",
            traffic(&eth, 1400),
            r"sed -n 's/.* \([nr][a-z]*_[a-z_]*\): dev=[^ ]* .*type=\([A-Z_]*\).*/trace \1 \2/p' trace | sort -u"
        ),
        // What is received, in words, without the numbers.
        format!(
            "echo 'module {module} +p' >/proc/dynamic_debug/control; \
             ethtool -s {eth} msglvl rx_status on && dmesg -c >/dev/null; {}; {}",
            traffic(&eth, 1500),
            r"dmesg | grep -Eo 'Negotiated NVSP.*|RNDIS_MSG_.*' | sed 's/0x[0-9a-f]*/N/g; s/ [0-9][0-9]*/ N/g' | sort -u"
        ),
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
    for shown in ["trace rndis_recv PACKET", "RNDIS_MSG_SET_C"] {
        ensure!(text.contains(shown), "nothing of '{shown}'");
    }
    std::fs::write(
        lab.logs.join(format!("net-compare-{}.txt", lab.driver)),
        &text,
    )?;
    machine.end()?;
    Ok(text)
}
