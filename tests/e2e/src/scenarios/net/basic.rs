// SPDX-License-Identifier: GPL-2.0

//! One card with one queue: an address by DHCP, ping, TCP and UDP both ways with checksums.

use anyhow::{Result, ensure};
use vmbus_host::net::CardConfig;

use super::{FETCH, PUSH, SOON, card, setup};
use crate::machine::Lab;

/// See the module.
pub fn basic(lab: &Lab) -> Result<()> {
    let card = card(CardConfig::default());
    let mut machine = lab.boot(setup(1, std::slice::from_ref(&card)))?;
    let eth = machine.load_net(&card)?;
    machine.sh(&format!(
        "/bin/ip link set {eth} up && udhcpc -n -q -f -t 20 -s /udhcpc.script -i {eth} && \
         /bin/ip -4 addr show dev {eth} | grep -q 'inet 10.0.0.15/24'"
    ))?;
    machine.sh("ping -c 3 -W 5 10.0.0.1 && ping -c 2 -s 1400 -W 5 10.0.0.1")?;
    machine.sh(&format!("{FETCH}; fetch 1 && fetch 1000 && fetch 4000000"))?;
    machine.sh(&format!("{PUSH}; push 1 && push 2000000"))?;
    machine.sh("nc 10.0.0.1 7 </tmp/push | head -c 100000 | cmp -n 100000 - /tmp/push")?;
    machine.sh("udp 10.0.0.1 7 20 100 && udp 10.0.0.1 7 2 1472")?;
    machine.sh(&format!(
        "/bin/ip -6 addr add fd00::15/64 dev {eth} nodad && ping6 -c 3 -W 5 fd00::1 && udp fd00::1 7 5 1000"
    ))?;
    let stats = card.stats();
    ensure!(
        stats.rx_refused == 0,
        "the guest refused packets: {stats:?}"
    );
    machine.sh(&format!("/bin/ip link set {eth} down"))?;
    ensure!(
        card.wait_for(|card| card.filter() == 0, SOON),
        "the interface is down and the filter is {:#x}",
        card.filter()
    );
    machine.sh(&format!(
        "/bin/ip link set {eth} up && ping -c 1 -W 10 10.0.0.1"
    ))?;
    machine.end()
}
