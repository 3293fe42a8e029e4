// SPDX-License-Identifier: GPL-2.0

//! MTU, rings, address and packet filter, as the guest sets them and the card learns of them.

use std::sync::Arc;

use anyhow::{Result, ensure};
use vmbus_host::net::oid::filter;
use vmbus_host::net::peer::PeerConfig;
use vmbus_host::net::{Card, CardConfig, Peer};
use vmbus_host::vmbus::wire::kind::GPADL_CREATED;

use super::{SOON, configure, setup, under_load};
use crate::machine::{Lab, Machine};

/// See the module.
pub fn settings(lab: &Lab) -> Result<()> {
    let jumbo = Peer::new(PeerConfig {
        mtu: 9000,
        ..PeerConfig::default()
    });
    let config = CardConfig {
        name: "Network Adapter Früh".to_owned(),
        ..CardConfig::default()
    };
    let card = Card::new(config, jumbo);
    let strict = super::card(CardConfig {
        mac_spoofing: false,
        link: false,
        max_mtu: 1400,
        ..CardConfig::numbered(2)
    });
    let mut machine = lab.boot(setup(1, &[card.clone(), strict.clone()]))?;
    let module = lab.driver.netvsc();
    machine.sh(&format!("modprobe {module} ring_size=10 debug=5"))?;
    let eth = machine.interface(&card)?;
    configure(&mut machine, &eth, 0)?;
    parameters(&mut machine, &eth, module)?;
    names(&mut machine, &eth)?;
    mtu(&mut machine, &card, &eth)?;
    rings(&mut machine, &eth)?;
    address(&mut machine, &card, &eth)?;
    packet_filter(&mut machine, &card, &eth)?;
    refused(&mut machine, &strict)?;
    machine.end()
}

/// The module says what it is for, and takes the C driver's parameters.
fn parameters(machine: &mut Machine, eth: &str, module: &str) -> Result<()> {
    let alias = "vmbus:635161f83edfc546913ff2d2f965ed0e";
    machine.sh(&format!(
        "grep -qx 'alias {alias} {module}' /lib/modules/*/modules.alias"
    ))?;
    let shown = machine.sh(&format!(
        "cd /sys/module/{module}/parameters && cat ring_size debug && stat -c %a ring_size debug"
    ))?;
    ensure!(
        shown == "64\n5\n444\n444",
        "the module's parameters: {shown}"
    );
    machine.sh("dmesg | grep -q 'Increased ring_size to 64 (min allowed)'")?;
    // 5 means the first five kinds of messages.
    machine.sh(&format!(
        "ethtool {eth} | grep -q 'Current message level: 0x0000001f'"
    ))?;
    Ok(())
}

fn names(machine: &mut Machine, eth: &str) -> Result<()> {
    machine.sh(&format!(
        "grep -qx 'Network Adapter Früh' /sys/class/net/{eth}/ifalias"
    ))?;
    machine.sh(&format!(
        "/bin/ip -d link show {eth} | grep 'minmtu 68 maxmtu 65521'"
    ))?;
    Ok(())
}

fn mtu(machine: &mut Machine, card: &Card, eth: &str) -> Result<()> {
    for mtu in [9000, 1300, 65521, 68, 1500] {
        machine.sh(&format!("/bin/ip link set {eth} mtu {mtu}"))?;
        machine.sh(&format!("[ $(cat /sys/class/net/{eth}/mtu) = {mtu} ]"))?;
        ensure!(
            card.mtu() == mtu,
            "the card was told {} instead of {mtu}",
            card.mtu()
        );
        // The peer takes no more than 9000 bytes, and IP no less than 68.
        let size = mtu.min(9000) - 28;
        machine.sh(&format!("ping -c 1 -W 10 -s {size} 10.0.0.1"))?;
    }
    for wrong in [0, 67, 65522] {
        let set = machine.run(&format!("/bin/ip link set {eth} mtu {wrong}"))?;
        ensure!(set.status != 0, "an MTU of {wrong} is accepted");
    }
    failed_change(machine, card, eth)?;
    // No more than what the peer's connections of before agreed on: it finds no smaller MTU out.
    under_load(
        machine,
        &format!(
            "for mtu in 1450 1500 1400 1500; do /bin/ip link set {eth} mtu $mtu || exit 1; done"
        ),
    )?;
    Ok(())
}

/// The card does not come back with another MTU: it does with the old one.
fn failed_change(machine: &mut Machine, card: &Card, eth: &str) -> Result<()> {
    /// Where in the message the status is.
    const STATUS: usize = 16;
    let mut is_first = true;
    machine
        .server
        .set_message_tamper(Some(Box::new(move |mut message| {
            if message.kind() == GPADL_CREATED
                && std::mem::take(&mut is_first)
                && let Some(status) = message.bytes.get_mut(STATUS..STATUS + 4)
            {
                status.copy_from_slice(&0xc000_0001u32.to_le_bytes());
            }
            vec![message]
        })));
    let change = machine.run(&format!("/bin/ip link set {eth} mtu 1400"));
    machine.server.set_message_tamper(None);
    ensure!(change?.status != 0, "the change succeeds");
    machine.sh(&format!(
        "[ $(cat /sys/class/net/{eth}/mtu) = 1500 ] && ping -c 1 -W 10 -s 1472 10.0.0.1"
    ))?;
    ensure!(card.mtu() == 1500, "the card was told {}", card.mtu());
    Ok(())
}

/// How many sections the buffers have.
fn rings(machine: &mut Machine, eth: &str) -> Result<()> {
    /// Of the smallest sections, as many more as fit into the last page.
    const MORE: u32 = 3;
    for wanted in [[300, 50], [10, 10], [9000, 170]] {
        let [rx, tx] = wanted;
        under_load(machine, &format!("ethtool -G {eth} rx {rx} tx {tx}"))?;
        let shown = machine.sh(&format!(
            "ethtool -g {eth} | sed -n '/^Current/,$ s/^[RT]X:[^0-9]*//p'"
        ))?;
        let counts: Vec<u32> = shown.lines().filter_map(|line| line.parse().ok()).collect();
        let fits = |(count, wanted): (&u32, u32)| (wanted..wanted + MORE).contains(count);
        ensure!(
            counts.len() == wanted.len() && counts.iter().zip(wanted).all(fits),
            "ethtool -g shows {shown}"
        );
        machine.sh("ping -c 1 -W 10 10.0.0.1")?;
    }
    Ok(())
}

fn address(machine: &mut Machine, card: &Card, eth: &str) -> Result<()> {
    // Not while it is up, as with most Ethernet drivers.
    let live = machine.run(&format!("/bin/ip link set {eth} address 02:12:34:56:78:9a"))?;
    ensure!(live.status != 0, "the address of an interface that is up");
    machine.sh(&format!(
        "/bin/ip link set {eth} down && /bin/ip link set {eth} address 02:12:34:56:78:9a && /bin/ip link set {eth} up"
    ))?;
    ensure!(
        card.mac() == [0x02, 0x12, 0x34, 0x56, 0x78, 0x9a],
        "{:x?}",
        card.mac()
    );
    machine.sh("ping -c 1 -W 10 10.0.0.1")?;
    for wrong in ["01:00:00:00:00:00", "00:00:00:00:00:00"] {
        let set = machine.run(&format!("/bin/ip link set {eth} address {wrong}"))?;
        ensure!(set.status != 0, "{wrong} is accepted");
    }
    let back = card
        .config()
        .mac
        .map(|byte| format!("{byte:02x}"))
        .join(":");
    machine.sh(&format!(
        "/bin/ip link set {eth} down && /bin/ip link set {eth} address {back} && /bin/ip link set {eth} up && ping -c 1 -W 10 10.0.0.1"
    ))?;
    Ok(())
}

fn packet_filter(machine: &mut Machine, card: &Card, eth: &str) -> Result<()> {
    const USUAL: u32 = filter::DIRECTED | filter::BROADCAST;
    let steps = [
        ("promisc on", filter::PROMISCUOUS),
        ("promisc off", USUAL | filter::ALL_MULTICAST),
        ("allmulticast on", USUAL | filter::ALL_MULTICAST),
        ("allmulticast off", USUAL | filter::ALL_MULTICAST),
        ("down", 0),
        ("up", USUAL | filter::ALL_MULTICAST),
        ("multicast off", USUAL | filter::ALL_MULTICAST),
    ];
    for (step, wanted) in steps {
        machine.sh(&format!("/bin/ip link set {eth} {step}"))?;
        ensure!(
            card.wait_for(|card| card.filter() == wanted, SOON),
            "{step}: the filter is {:#x} instead of {wanted:#x}",
            card.filter()
        );
    }
    machine.sh("ping -c 1 -W 10 10.0.0.1")?;
    Ok(())
}

/// A card whose host allows little.
fn refused(machine: &mut Machine, card: &Arc<Card>) -> Result<()> {
    let eth = machine.interface(card)?;
    machine.sh(&format!("[ $(cat /sys/class/net/{eth}/mtu) = 1400 ]"))?;
    let set = machine.run(&format!("/bin/ip link set {eth} address 02:12:34:56:78:9b"))?;
    ensure!(
        set.status != 0,
        "the host refuses addresses and the guest sets one"
    );
    machine.interface(card)?;
    machine.sh(&format!(
        "/bin/ip link set {eth} up && [ $(cat /sys/class/net/{eth}/carrier) = 0 ]"
    ))?;
    machine.sh(&format!("[ -z \"$(cat /sys/class/net/{eth}/ifalias)\" ]"))?;
    Ok(())
}
