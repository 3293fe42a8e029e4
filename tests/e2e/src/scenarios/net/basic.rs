// SPDX-License-Identifier: GPL-2.0

//! One card with one queue: an address by DHCP, ping, TCP and UDP both ways with checksums.

use anyhow::{Result, ensure};
use vmbus_host::net::CardConfig;

use super::{FETCH, card, setup};
use crate::machine::Lab;

/// See the module.
pub fn basic(lab: &Lab) -> Result<()> {
    let card = card(CardConfig::default());
    let mut machine = lab.boot(setup(1, std::slice::from_ref(&card)))?;
    let eth = machine.load_net(&card)?;
    machine.sh(&format!(
        "ip link set {eth} up && udhcpc -n -q -f -t 20 -s /udhcpc.script -i {eth}"
    ))?;
    machine.sh(&format!(
        "ip -4 addr show dev {eth} | grep -q 'inet 10.0.0.15/24'"
    ))?;
    machine.sh("ping -c 3 -W 5 10.0.0.1 && ping -c 2 -s 1400 -W 5 10.0.0.1")?;
    machine.sh(&format!("{FETCH}; fetch 1 && fetch 1000 && fetch 4000000"))?;
    let said = machine
        .sh("dd if=/dev/urandom of=/tmp/up bs=64k count=32 2>/dev/null; nc 10.0.0.1 9 </tmp/up")?;
    let crc = machine.sh("crc32 </tmp/up")?;
    ensure!(
        said == format!("{} {crc}", 32 << 16),
        "the peer got '{said}', not {} bytes with checksum {crc}",
        32 << 16
    );
    machine.sh("head -c 100000 /tmp/up >/tmp/part; nc 10.0.0.1 7 </tmp/part | cmp - /tmp/part")?;
    machine.sh("udp 10.0.0.1 7 20 100 && udp 10.0.0.1 7 2 1472")?;
    machine.sh(&format!(
        "ip -6 addr add fd00::15/64 dev {eth} nodad && ping6 -c 3 -W 5 fd00::1"
    ))?;
    machine.sh(&format!("ip link set {eth} down"))?;
    ensure!(
        card.filter() == 0,
        "the interface is down and the filter is {:#x}",
        card.filter()
    );
    machine.end()
}
