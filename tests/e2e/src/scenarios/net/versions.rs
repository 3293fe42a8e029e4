// SPDX-License-Identifier: GPL-2.0

//! Every version of the protocol, on one card after the other.

use anyhow::{Result, ensure};
use vmbus_host::net::nvsp::capability;
use vmbus_host::net::peer::PeerConfig;
use vmbus_host::net::{Card, CardConfig, Peer, Version};

use super::{FETCH, PUSH, SOON, configure, setup};
use crate::machine::Lab;

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
        // The C driver waits without end for completions of what is on its way.
        machine.sh(&format!("/bin/ip link set {eth} down"))?;
        machine.server.remove_device(card.instance());
        let gone = card.wait_for(|card| card.version().is_none(), SOON);
        ensure!(gone, "the guest keeps the card");
        let violations = card.violations().first();
        ensure!(violations.is_empty(), "version {version}: {violations:?}");
    }
    machine.end()
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
