// SPDX-License-Identifier: GPL-2.0

//! Devices that the host takes away while the guest does not look.

use anyhow::{Result, ensure};

use super::freeze::sleep;
use super::{Disks, Guest, LONG, SOON};
use crate::machine::Lab;

/// A card is not offered any more when the guest goes on: its interface goes, everything else works.
/// It is taken away and given back before the guest has gone to sleep: it works again.
pub fn lost(lab: &Lab) -> Result<()> {
    let disks = Disks::new(lab)?;
    let mut guest = Guest::boot(lab, &disks)?;
    guest.begin()?;
    let command = sleep("core", "platform");
    let (server, card) = (guest.machine.server.clone(), guest.card.clone());
    let unloads = |count| server.wait_for(move |bus| bus.unloads == count, LONG);

    guest.machine.start(&command)?;
    ensure!(unloads(1), "the bus is not unloaded");
    server.remove_device(card.instance());
    guest.machine.finish(&command, LONG)?;
    guest
        .machine
        .until("! [ -e /sys/class/net/eth0 ]", "the interface goes")?;
    guest.machine.sh(
        "dmesg | grep -q 'not present after resume' && cd /mnt && md5sum -c MD5SUMS >/dev/null",
    )?;
    guest.services.heartbeat.beat(SOON)?;
    give_back(&mut guest)?;

    guest.machine.start(&command)?;
    let instance = card.instance();
    ensure!(
        server.wait_for(move |bus| !bus.is_open(instance), LONG),
        "the card is not closed"
    );
    server.remove_device(instance);
    ensure!(unloads(2), "the bus is not unloaded");
    server.add_device(card.clone());
    guest.machine.finish(&command, LONG)?;
    works_again(&mut guest)?;
    guest.works()?;
    guest.machine.end()
}

fn give_back(guest: &mut Guest) -> Result<()> {
    guest.machine.server.add_device(guest.card.clone());
    works_again(guest)
}

/// The card has an interface, which may be another one than before.
fn works_again(guest: &mut Guest) -> Result<()> {
    let configure = "/bin/ip link set eth0 up && /bin/ip addr replace 10.0.0.15/24 dev eth0 && ping -c 3 -W 5 10.0.0.1";
    guest.machine.until(configure, "the card works again")?;
    guest.works()
}
