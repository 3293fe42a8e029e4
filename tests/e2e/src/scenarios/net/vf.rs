// SPDX-License-Identifier: GPL-2.0

//! A virtual function: a faster way to the cable, which the driver of the card takes while there is
//! one, behind the one interface that users see.
//!
//! The guest's end of it is a module of the tests (`tests/guest/modules/virtual_function.c`), whose
//! frames travel through a card of their own, so that the host sees which way each takes.

mod cycles;
mod following;
mod programs;

use std::sync::Arc;

use anyhow::{Result, ensure};
use vmbus_host::net::{Card, CardConfig, Function, Stats};

use super::{INSERT_MODULES, SOON, card, configure, setup};
use crate::machine::{Driver, Lab, Machine, wait_until};

pub(super) use cycles::cycles;

/// The number by which the host and the slot call the function.
const SERIAL: u32 = 7;

/// How large a packet the function cuts into segments.
const FUNCTION_TSO_SIZE: u32 = 50_000;

/// Which way frames take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Card,
    Function,
}

/// A guest with a card and a way past it.
struct Accelerated {
    machine: Machine,
    card: Arc<Card>,
    /// The card that the function's frames travel through.
    lower: Arc<Card>,
    eth: String,
}

/// It comes, and is followed in all that it does; the user changes something, and it follows.
pub fn pair(lab: &Lab) -> Result<()> {
    let mut guest = Accelerated::boot(lab, 1)?;
    guest.load()?;
    guest.expect(Way::Card, Way::Card)?;
    guest.strangers()?;
    guest.card.associate_vf(true, SERIAL);
    guest.insert(&format!("serial={SERIAL}"))?;
    guest.paired()?;
    guest.counters()?;
    guest.carrier()?;
    guest.up_and_down()?;
    guest.settings()?;
    guest.features()?;
    guest.link()?;
    guest.address()?;
    guest.namespace()?;
    guest.redirected()?;
    guest.program()?;
    guest.remove()?;
    guest.namesakes()?;
    guest.by_address()?;
    guest.end()
}

impl Accelerated {
    fn boot(lab: &Lab, cpus: u32) -> Result<Self> {
        let card = card(CardConfig::default());
        let lower = Card::new(CardConfig::numbered(2), Function::of(&card));
        let mut machine = lab.boot(setup(cpus, &[card.clone(), lower.clone()]))?;
        // Nothing sends anything on its own account.
        machine
            .sh("for i in all default; do echo 1 >/proc/sys/net/ipv6/conf/$i/disable_ipv6; done")?;
        Ok(Self {
            machine,
            card,
            lower,
            eth: String::new(),
        })
    }

    /// Loads the driver, and sets both cards up.
    fn load(&mut self) -> Result<()> {
        self.find_interface()?;
        let eth = self.eth.clone();
        configure(&mut self.machine, &eth, 0)
    }

    fn find_interface(&mut self) -> Result<()> {
        let module = self.machine.driver.netvsc();
        self.machine.sh(&format!("modprobe {module}"))?;
        let lower = self.machine.interface(&self.lower)?;
        self.machine.sh(&format!("/bin/ip link set {lower} up"))?;
        // The function has the same address, and a device without a driver.
        let mac = mac(&self.card);
        self.eth = self.machine.sh(&format!(
            "cd /sys/class/net; for i in *; do grep -q {mac} $i/address && [ -e $i/device/driver ] && echo $i; done; true"
        ))?;
        Ok(())
    }

    /// Unloads the driver, whatever is paired.
    fn unload(&mut self) -> Result<()> {
        match self.machine.driver {
            Driver::Rust => self.machine.unload()?,
            Driver::C => drop(self.machine.sh("rmmod hv_netvsc")?),
        }
        ensure!(self.card.version().is_none(), "the card is still in use");
        Ok(())
    }

    /// Has the function appear, with the card's address.
    fn insert(&mut self, slot: &str) -> Result<()> {
        let mac = mac(&self.card);
        self.insert_with(&mac, slot)
    }

    fn insert_with(&mut self, mac: &str, slot: &str) -> Result<()> {
        let command = insert_command(&self.lower, mac, slot);
        self.machine.sh(&command)?;
        Ok(())
    }

    fn remove(&mut self) -> Result<()> {
        let (eth, size) = (&self.eth, FUNCTION_TSO_SIZE);
        self.machine.sh(&format!(
            "/bin/ip -d link show {eth} | grep -q 'tso_max_size {size}' && rmmod virtual_function && \
             ! /bin/ip -d link show {eth} | grep -q 'tso_max_size {size}' && ethtool {eth} | grep -q 'Port: Other'"
        ))?;
        self.expect(Way::Card, Way::Card)
    }

    /// The driver takes the function, and the host learns of it.
    fn paired(&mut self) -> Result<()> {
        let eth = &self.eth;
        self.machine.until(
            &format!(
                "[ \"$(basename $(readlink /sys/class/net/vf0/master))\" = {eth} ] && [ $(cat /sys/class/net/vf0/operstate) = up ]"
            ),
            "the function is taken",
        )?;
        self.machine.sh("/bin/ip link show vf0 | grep -q SLAVE")?;
        self.wait_for_way(Way::Function)?;
        self.expect(Way::Function, Way::Function)
    }

    fn wait_for_way(&self, way: Way) -> Result<()> {
        wait_until(&format!("{way:?} is the way"), SOON, || {
            self.card.vf_path() == (way == Way::Function)
        })
    }

    /// Frames leave one way and come in one way, and none takes the other.
    fn expect(&mut self, out: Way, back: Way) -> Result<()> {
        const PINGS: u64 = 3;
        let counts = |stats: Stats| [stats.tx_frames(), stats.rx_packets()];
        let now = |this: &Self| [counts(this.card.stats()), counts(this.lower.stats())];
        let before = now(self);
        self.machine
            .sh(&format!("ping -c {PINGS} -i 0.1 -W 10 10.0.0.1"))?;
        let after = now(self);
        for (direction, wanted) in [out, back].into_iter().enumerate() {
            for (place, way) in [Way::Card, Way::Function].into_iter().enumerate() {
                let frames = after[place][direction] - before[place][direction];
                let right = if way == wanted {
                    frames >= PINGS
                } else {
                    frames == 0
                };
                let which = ["out", "back"][direction];
                ensure!(right, "{which} by {wanted:?}: {frames} frames by {way:?}");
            }
        }
        Ok(())
    }

    /// What is no function of the card is left alone: another address, a slot that has no number, no
    /// slot.
    fn strangers(&mut self) -> Result<()> {
        self.card.associate_vf(true, SERIAL);
        let right = mac(&self.card);
        let serial = format!("serial={SERIAL}");
        for (mac, slot) in [
            ("00:15:5d:00:00:77", serial.as_str()),
            (&right, "serial=x7"),
            (&right, ""),
        ] {
            self.insert_with(mac, slot)?;
            self.machine
                .sh("/bin/ip link set vf0 up && ! [ -e /sys/class/net/vf0/master ]")?;
            self.expect(Way::Card, Way::Card)?;
            self.machine.sh("rmmod virtual_function")?;
        }
        ensure!(self.card.stats().switches == 0, "the path was switched");
        self.card.associate_vf(false, SERIAL);
        Ok(())
    }

    /// What has the card's address because it is made of the card, or is to stand for it, is no
    /// function of it. (A VLAN device also switches the card's LRO off, which it cannot have itself.)
    fn namesakes(&mut self) -> Result<()> {
        let (eth, mac) = (&self.eth, mac(&self.card));
        self.machine.sh(&format!(
            "{INSERT_MODULES}; insmod /test-modules/bonding.ko max_bonds=0 && \
             /bin/ip link add link {eth} name vlan5 type vlan id 5 && /bin/ip link add bond0 address {mac} type bond && \
             for i in vlan5 bond0; do /bin/ip link set $i up && grep -q {mac} /sys/class/net/$i/address || exit 1; done"
        ))?;
        self.expect(Way::Card, Way::Card)
    }

    /// Nor when there is one.
    fn no_namesakes(&mut self) -> Result<()> {
        self.machine.sh(
            "for i in vlan5 bond0; do ! [ -e /sys/class/net/$i/master ] && /bin/ip link del $i || exit 1; done",
        )?;
        Ok(())
    }

    /// A number that the host did not say does not matter where the address is that of the card. What
    /// was set of the card before is set of the function.
    fn by_address(&mut self) -> Result<()> {
        self.set_before()?;
        self.insert("serial=8")?;
        self.paired()?;
        self.no_namesakes()?;
        self.is_set()?;
        self.remove()
    }

    fn end(self) -> Result<()> {
        for card in [&self.card, &self.lower] {
            let violations = card.violations().first();
            ensure!(violations.is_empty(), "{violations:?}");
        }
        self.machine.end()
    }
}

fn mac(card: &Card) -> String {
    card.config()
        .mac
        .map(|byte| format!("{byte:02x}"))
        .join(":")
}

fn insert_command(lower: &Card, mac: &str, slot: &str) -> String {
    let lower = self::mac(lower);
    format!("insmod /test-modules/virtual_function.ko mac={mac} lower={lower} {slot}")
}
