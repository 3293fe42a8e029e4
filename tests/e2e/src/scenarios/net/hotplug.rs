// SPDX-License-Identifier: GPL-2.0

//! Several cards, which come and go while they are used.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use vmbus_host::net::peer::PeerConfig;
use vmbus_host::net::{Card, CardConfig, Peer};

use super::{FETCH, SOON, configure, setup};
use crate::machine::{Driver, Lab, Machine, wait_until};

/// See the module.
pub fn hotplug(lab: &Lab) -> Result<()> {
    let cards: Vec<_> = (1..=3).map(numbered).collect();
    let mut machine = lab.boot(setup(2, &cards[..2]))?;
    machine.load_net(&cards[0])?;
    machine.server.add_device(cards[2].clone());
    for (card, network) in cards.iter().zip(1..) {
        let eth = machine.interface(card)?;
        configure(&mut machine, &eth, network)?;
    }
    machine.sh(&format!(
        "{FETCH}; fetch 100000 1 && fetch 100000 2 && fetch 100000 3"
    ))?;

    for round in 0..4 {
        // Two queues and one, going while data come and while data go.
        let index = 1 + round % 2;
        let (card, network) = (&cards[index], index + 1);
        machine.sh(&format!(
            "(wget -q -T 5 -O /dev/null http://10.0.{network}.1/bytes/1000000000 &) ; \
             (nc -w 5 10.0.{network}.1 9 </dev/zero >/dev/null &) ; true"
        ))?;
        let before = card.stats();
        wait_until("both ways are busy", SOON, || {
            let now = card.stats();
            now.tx_frames() > before.tx_frames() + 100
                && now.rx_packets() > before.rx_packets() + 100
        })?;
        take_away(&mut machine, card)?;
        machine.sh(&format!("{FETCH}; fetch 100000 1; killall wget nc; true"))?;
        machine.server.add_device(card.clone());
        let eth = machine.interface(card)?;
        configure(&mut machine, &eth, network as u8)?;
        machine.sh(&format!("{FETCH}; fetch 100000 {network}"))?;
    }
    for card in &cards {
        take_away(&mut machine, card)?;
    }
    machine.end()
}

/// Card `number` in a network of its own; the even ones have two queues.
fn numbered(number: u8) -> Arc<Card> {
    let config = CardConfig {
        queues: 2 - u16::from(number % 2),
        ..CardConfig::numbered(number)
    };
    let peer = Peer::new(PeerConfig {
        network: number,
        ..PeerConfig::default()
    });
    Card::new(config, peer)
}

fn take_away(machine: &mut Machine, card: &Card) -> Result<()> {
    if machine.driver == Driver::C {
        // It waits without end for completions of packets that the host has not taken any more.
        let eth = machine.interface(card)?;
        machine.sh(&format!("killall wget nc; /bin/ip link set {eth} down"))?;
    }
    let instance = card.instance();
    machine.server.remove_device(instance);
    let released = machine.server.wait_for(
        |bus| {
            bus.channels
                .iter()
                .all(|channel| channel.instance != instance)
        },
        Duration::from_secs(60),
    );
    ensure!(
        released,
        "the guest keeps the card's channels: {:?}",
        machine.server.status()
    );
    Ok(())
}
