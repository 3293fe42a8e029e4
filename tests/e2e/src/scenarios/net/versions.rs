// SPDX-License-Identifier: GPL-2.0

//! Every version of the protocol, on one card after the other.

use anyhow::{Result, ensure};
use vmbus_host::net::nvsp::{self, capability};
use vmbus_host::net::peer::PeerConfig;
use vmbus_host::net::{Card, CardConfig, Peer, Version};
use vmbus_host::vmbus::channel::INBAND;

use super::{FETCH, PUSH, SOON, configure, setup};
use crate::machine::{Lab, Machine};

/// See the module.
pub fn versions(lab: &Lab) -> Result<()> {
    let mut machine = lab.boot(setup(1, &[]))?;
    machine.sh(&format!("modprobe {}", lab.driver.netvsc()))?;
    for (version, number) in Version::ALL.into_iter().zip(1..) {
        let config = CardConfig {
            versions: vec![version],
            queues: 2,
            ..CardConfig::numbered(number)
        };
        let peer = Peer::new(PeerConfig {
            network: number,
            ..PeerConfig::default()
        });
        let card = Card::new(config, peer);
        machine.server.add_device(card.clone());
        let eth = machine.interface(&card)?;
        configure(&mut machine, &eth, number)?;
        machine.sh(&format!(
            "{FETCH}; {PUSH}; fetch 300000 {number} && push 300000 10.0.{number}.1 && udp 10.0.{number}.1 7 3 500"
        ))?;
        agreed(&card, version)?;
        let most = machine.sh(&format!(
            "/bin/ip -d link show {eth} | sed -n 's/.*maxmtu \\([0-9]*\\).*/\\1/p'"
        ))?;
        let wanted = if version == Version::V1 {
            "1500"
        } else {
            "65521"
        };
        ensure!(
            most == wanted,
            "version {version}: the largest MTU is {most}"
        );
        if version >= Version::V5 {
            send_table(&mut machine, &card, &eth)?;
        }
        machine.server.remove_device(card.instance());
        let gone = card.wait_for(|card| card.version().is_none(), SOON);
        ensure!(gone, "the guest keeps the card");
        let violations = card.violations().first();
        ensure!(violations.is_empty(), "version {version}: {violations:?}");
    }
    machine.end()
}

/// The table that says which queue a flow is sent on. Hosts up to version 6 say wrongly where it is.
fn send_table(machine: &mut Machine, card: &Card, eth: &str) -> Result<()> {
    for (queues, last) in [(16, "0f"), (1, "00"), (4, "03")] {
        let mut message = nvsp::send_table(queues);
        if card.version() <= Some(Version::V6) {
            message[8..12].copy_from_slice(&12u32.to_le_bytes());
        }
        card.send(0, INBAND, 0, &message);
        let dump =
            format!("[ \"$(ethtool -d {eth} raw on | od -An -v -tx1 -j60 -N1)\" = ' {last}' ]");
        machine.until(&dump, "the table arrives")?;
    }
    Ok(())
}

/// What guest and card agreed on.
fn agreed(card: &Card, version: Version) -> Result<()> {
    ensure!(card.version() == Some(version), "{:?}", card.version());
    let minor = if version <= Version::V4 { 1 } else { 30 };
    ensure!(
        card.ndis_version() == Some((6, minor)),
        "version {version}: NDIS {:?}",
        card.ndis_version()
    );
    let mut wanted = 0;
    for (since, bits) in [
        (Version::V2, capability::VLAN),
        (Version::V5, capability::SRIOV | capability::TEAMING),
        (Version::V6_1, capability::RSC),
    ] {
        wanted |= if version >= since { bits } else { 0 };
    }
    ensure!(
        card.capabilities() == wanted,
        "version {version}: capabilities {:#x} instead of {wanted:#x}",
        card.capabilities()
    );
    let udp = version > Version::V4;
    ensure!(
        card.enabled().udp[0].transmit == udp && card.enabled().tcp[0].transmit,
        "version {version}: {:?}",
        card.enabled()
    );
    Ok(())
}
