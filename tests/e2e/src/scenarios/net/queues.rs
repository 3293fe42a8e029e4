// SPDX-License-Identifier: GPL-2.0

//! Four queues: receive side scaling, and their number changed under load.

use anyhow::{Context as _, Result, ensure};
use vmbus_host::net::{Card, CardConfig};

use super::{FETCH, SOON, card, configure, setup, under_load};
use crate::machine::{Driver, Lab, Machine};

const QUEUES: usize = 4;

/// See the module.
pub fn queues(lab: &Lab) -> Result<()> {
    let card = card(CardConfig {
        queues: QUEUES as u16,
        ..CardConfig::default()
    });
    let mut machine = lab.boot(setup(QUEUES as u32, std::slice::from_ref(&card)))?;
    let eth = machine.load_net(&card)?;
    wait_queues(&card, QUEUES)?;
    configure(&mut machine, &eth, 0)?;
    spread(&mut machine, &card, &eth)?;
    scaling(&mut machine, &card, &eth)?;
    change(&mut machine, &card, &eth)?;
    machine.end()
}

fn wait_queues(card: &Card, count: usize) -> Result<()> {
    let scaled = |card: &Card| card.open_queues() == count && card.rss().is_some() == (count > 1);
    ensure!(
        card.wait_for(scaled, SOON),
        "{} queues are open, not {count}; scaling is {:?}",
        card.open_queues(),
        card.rss()
    );
    Ok(())
}

/// Several connections at once.
fn connections(machine: &mut Machine, count: u32) -> Result<()> {
    machine.sh(&format!(
        "{FETCH}; for i in $(seq {count}); do (fetch 50000; echo $? >/tmp/status$i) & done; wait; \
         for i in $(seq {count}); do [ $(cat /tmp/status$i) = 0 ] || exit 1; done"
    ))?;
    Ok(())
}

/// Connections use all queues, and both ends count the same.
fn spread(machine: &mut Machine, card: &Card, eth: &str) -> Result<()> {
    let queues = machine.sh(&format!("ls -d /sys/class/net/{eth}/queues/rx-* | wc -l"))?;
    ensure!(queues == QUEUES.to_string(), "{queues} receive queues");
    for _ in 0..4 {
        connections(machine, 8)?;
        let stats = card.stats();
        if stats
            .queues
            .iter()
            .all(|queue| queue.rx_packets > 0 && queue.tx_packets > 0)
        {
            break;
        }
    }
    let stats = card.stats();
    for (index, queue) in stats.queues.iter().enumerate() {
        ensure!(
            queue.rx_packets > 0,
            "nothing was received on queue {index}: {stats:?}"
        );
        ensure!(
            queue.tx_packets > 0,
            "nothing was sent on queue {index}: {stats:?}"
        );
        let received = machine.counter(eth, &format!("rx_queue_{index}_packets"))?;
        ensure!(
            received.abs_diff(queue.rx_packets) <= 3,
            "queue {index}: {received} packets received of {}",
            queue.rx_packets
        );
    }
    ensure!(stats.tx_hashed > 0, "no packet has a hash");
    Ok(())
}

/// What `ethtool -X` sets arrives, and is obeyed and shown.
fn scaling(machine: &mut Machine, card: &Card, eth: &str) -> Result<()> {
    let key: Vec<String> = (0..40)
        .map(|byte| format!("{:02x}", 6 * byte + 1))
        .collect();
    let key = key.join(":");
    machine.sh(&format!(
        "ethtool -X {eth} hkey {key} && ethtool -x {eth} | grep -q {key}"
    ))?;
    machine.sh(&format!("ethtool -X {eth} equal 2"))?;
    let rss = card.rss().context("no scaling is set")?;
    ensure!(
        rss.key[1] == 7 && rss.table.iter().all(|&queue| queue < 2),
        "{rss:?}"
    );
    let before = card.stats();
    connections(machine, 8)?;
    let after = card.stats();
    for queue in 2..QUEUES {
        ensure!(
            after.queues[queue].rx_packets == before.queues[queue].rx_packets,
            "queue {queue} is not in the table and received something"
        );
    }
    let table = machine.sh(&format!("ethtool -x {eth}"))?;
    machine.sh(&format!("/bin/ip link set {eth} mtu 1400"))?;
    wait_queues(card, QUEUES)?;
    let later = machine.sh(&format!("ethtool -x {eth}"))?;
    ensure!(
        later.contains(&key),
        "after a change of the MTU the key is gone: {later}"
    );
    // The C driver forgets the table, and sends everything to queue 0.
    if machine.driver == Driver::Rust {
        ensure!(
            table == later,
            "after a change of the MTU:\n{later}\nbefore:\n{table}"
        );
    }
    let wrong = machine.run(&format!("ethtool -X {eth} equal {}", QUEUES + 1))?;
    ensure!(wrong.status != 0, "a table with more queues than there are");
    machine.sh(&format!(
        "ethtool -X {eth} default; /bin/ip link set {eth} mtu 1500"
    ))?;
    wait_queues(card, QUEUES)
}

/// The number of queues changes under load.
fn change(machine: &mut Machine, card: &Card, eth: &str) -> Result<()> {
    for count in [1, 3, 2, QUEUES] {
        under_load(machine, &format!("ethtool -L {eth} combined {count}"))?;
        let shown = machine.sh(&format!(
            "ethtool -l {eth} | sed -n 's/^Combined:[^0-9]*//p'"
        ))?;
        ensure!(
            shown == format!("{QUEUES}\n{count}"),
            "ethtool -l shows {shown}"
        );
        wait_queues(card, count)?;
    }
    for count in [0, QUEUES + 1] {
        let wrong = machine.run(&format!("ethtool -L {eth} combined {count}"))?;
        ensure!(wrong.status != 0, "{count} queues are accepted");
    }
    Ok(())
}
