// SPDX-License-Identifier: GPL-2.0

//! What the card does for the guest, switched on and off; the card checks every frame's checksums.

use std::sync::Arc;

use anyhow::{Result, ensure};
use vmbus_host::net::backend::Capture;
use vmbus_host::net::peer::PeerConfig;
use vmbus_host::net::{Card, CardConfig, Peer, Stats};

use super::segmentation::segmentation;
use super::{FETCH, INSERT_MODULES, PUSH, configure, setup};
use crate::machine::{Lab, Machine};

/// See the module.
pub fn offload(lab: &Lab) -> Result<()> {
    let peer = Peer::new(PeerConfig {
        vlans: vec![5],
        ..PeerConfig::default()
    });
    let wire = Capture::new(peer);
    let card = Card::new(CardConfig::default(), wire.clone());
    let mut machine = lab.boot(setup(1, std::slice::from_ref(&card)))?;
    let eth = machine.load_net(&card)?;
    configure(&mut machine, &eth, 0)?;
    machine.sh(&format!("/bin/ip -6 addr add fd00::15/64 dev {eth} nodad"))?;
    segmentation(&mut machine, &card, &wire, &eth)?;
    checksums(&mut machine, &card, &eth)?;
    wrong_checksums(&mut machine, &card, &eth)?;
    coalescing(&mut machine, &card, &eth)?;
    refused(&mut machine, &card, &eth)?;
    vlan(&mut machine, &card, &wire, &eth)?;
    machine.end()
}

/// What a command changes in the card's counters.
fn counted(machine: &mut Machine, card: &Card, command: &str) -> Result<[Stats; 2]> {
    let before = card.stats();
    machine.sh(command)?;
    Ok([before, card.stats()])
}

fn checksums(machine: &mut Machine, card: &Card, eth: &str) -> Result<()> {
    let traffic = format!(
        "{PUSH}; push 100000 && push 100000 fd00::1 && udp 10.0.0.1 7 5 999 && udp fd00::1 7 5 999"
    );
    for state in ["off", "on"] {
        // What the card joins has no checksums that the stack could compute again: either driver leaves
        // it to users to see to that.
        machine.sh(&format!(
            "ethtool -K {eth} tx {state} rx {state} lro {state}"
        ))?;
        let [before, after] = counted(machine, card, &traffic)?;
        let computed = after.tx_checksums - before.tx_checksums + after.tx_large - before.tx_large;
        ensure!(
            (computed > 0) == (state == "on"),
            "{computed} checksums left to the card with tx {state}"
        );
        machine.sh(&format!("{FETCH}; fetch 300000"))?;
    }
    Ok(())
}

/// What the card says about a checksum counts, unless users want it checked again.
fn wrong_checksums(machine: &mut Machine, card: &Card, eth: &str) -> Result<()> {
    const SIZE: usize = 321;
    // Frames of this size get another last byte after their checksum was found right.
    card.set_hook(Some(Box::new(|it| {
        let len = ((14 + 20 + 8 + SIZE) as u32).to_le_bytes();
        let ours = |message: &&mut Vec<u8>| message.get(12..16) == Some(&len[..]);
        for message in it.messages.iter_mut().filter(ours) {
            if let Some(last) = message.last_mut() {
                *last ^= 0xff;
            }
        }
    })));
    // The tool tells apart: something else came back, and nothing did.
    for (state, status) in [("on", 3), ("off", 1)] {
        machine.sh(&format!("ethtool -K {eth} rx {state}"))?;
        let echo = machine.run(&format!("udp 10.0.0.1 7 1 {SIZE}"))?;
        ensure!(echo.status == status, "rx {state}: {echo:?}");
    }
    card.set_hook(None);
    machine.sh(&format!(
        "ethtool -K {eth} rx on && udp 10.0.0.1 7 1 {SIZE}"
    ))?;
    Ok(())
}

fn coalescing(machine: &mut Machine, card: &Card, eth: &str) -> Result<()> {
    let fetch = format!("{FETCH}; fetch 2000000");
    for on in [true, false, true] {
        let word = if on { "on" } else { "off" };
        machine.sh(&format!("ethtool -K {eth} lro {word}"))?;
        ensure!(
            card.enabled().coalescing == [on; 2],
            "LRO {word}: {:?}",
            card.enabled()
        );
        let [before, after] = counted(machine, card, &fetch)?;
        let joined = after.rx_coalesced - before.rx_coalesced;
        ensure!((joined > 0) == on, "LRO {word}: {joined} joined frames");
        ensure!(
            after.rx_refused == before.rx_refused,
            "the guest refuses frames: {after:?}"
        );
    }
    Ok(())
}

/// The host does not want to change what it does: it stays as it was, for users, too.
fn refused(machine: &mut Machine, card: &Card, eth: &str) -> Result<()> {
    const SET_COMPLETE: [u8; 4] = 0x8000_0005u32.to_le_bytes();
    card.set_hook(Some(Box::new(|it| {
        for message in &mut it.messages {
            if message.starts_with(&SET_COMPLETE)
                && let Some(status) = message.get_mut(12..16)
            {
                status.copy_from_slice(&0xc001_0015u32.to_le_bytes());
            }
        }
    })));
    machine.run(&format!("ethtool -K {eth} lro off"))?;
    card.set_hook(None);
    machine.sh(&format!(
        "ethtool -k {eth} | grep -q 'large-receive-offload: on'"
    ))?;
    Ok(())
}

fn vlan(machine: &mut Machine, card: &Card, wire: &Arc<Capture>, eth: &str) -> Result<()> {
    machine.sh(INSERT_MODULES)?;
    wire.take();
    let command = format!(
        "/bin/ip link add link {eth} name tagged type vlan id 5 egress-qos-map 0:3 && /bin/ip link set tagged up && \
         /bin/ip addr add 10.0.5.15/24 dev tagged && ping -c 2 -W 10 10.0.5.1 && {FETCH}; fetch 500000 5"
    );
    let [before, after] = counted(machine, card, &command)?;
    ensure!(
        after.tx_tagged > before.tx_tagged,
        "nothing sent with a tag"
    );
    ensure!(
        after.rx_tagged > before.rx_tagged,
        "nothing received with a tag"
    );
    let tags: Vec<_> = wire
        .take()
        .iter()
        .filter(|frame| frame[12..14] == [0x81, 0])
        .map(|frame| [frame[14], frame[15]])
        .collect();
    ensure!(
        tags.contains(&[0x60, 5]) && tags.iter().all(|tag| tag[0] & 15 == 0 && tag[1] == 5),
        "tags on the wire: {tags:x?}"
    );
    machine.sh("/bin/ip link del tagged && ping -c 1 -W 10 10.0.0.1")?;
    Ok(())
}
