// SPDX-License-Identifier: GPL-2.0

//! A virtual function: a faster way to the cable, which the driver of the card takes while there is
//! one, behind the one interface that users see.
//!
//! The guest's end of it is a module of the tests (`tests/guest/modules/virtual_function.c`), whose
//! frames travel through a card of their own, so that the host sees which way each takes.

use std::sync::Arc;

use anyhow::{Result, ensure};
use vmbus_host::net::{Card, CardConfig, Function, Stats};

use super::{SOON, card, configure, setup, under_load};
use crate::machine::{Driver, Lab, Machine, wait_until};

/// The number by which the host and the slot call the function.
const SERIAL: u32 = 7;

/// How large a packet the function cuts into segments.
const FUNCTION_TSO_SIZE: u32 = 50_000;

/// How often the function comes and goes under load.
const CYCLES: u64 = 20;

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
    guest.remove()?;
    guest.by_address()?;
    guest.end()
}

/// It comes and goes while data do, and is there before and after the driver.
pub fn cycles(lab: &Lab) -> Result<()> {
    let mut guest = Accelerated::boot(lab, 2)?;
    guest.load()?;
    guest.card.associate_vf(true, SERIAL);
    guest.under_load()?;
    guest.unload()?;

    guest.insert(&format!("serial={SERIAL}"))?;
    for _ in 0..2 {
        guest.load_beside_function()?;
        guest.unload()?;
        guest.machine.sh("! [ -e /sys/class/net/vf0/master ]")?;
    }
    guest.machine.sh("rmmod virtual_function")?;
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
             ! /bin/ip -d link show {eth} | grep -q 'tso_max_size {size}'"
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

    /// A number that the host did not say does not matter where the address is that of the card.
    fn by_address(&mut self) -> Result<()> {
        self.insert("serial=8")?;
        self.paired()?;
        self.remove()
    }

    /// What the function carries is counted apart, and in the interface's sum.
    fn counters(&mut self) -> Result<()> {
        let eth = self.eth.clone();
        let names = "vf_rx_packets vf_rx_bytes vf_tx_packets vf_tx_bytes";
        let read = format!(
            "for n in {names}; do ethtool -S {eth} | sed -n \"s/^ *$n: //p\"; done; \
             cd /sys/class/net/{eth}/statistics && cat rx_packets rx_bytes tx_packets tx_bytes"
        );
        let before = self.machine.sh(&read)?;
        self.machine.sh("ping -c 1 -s 1000 -W 10 10.0.0.1")?;
        let after = self.machine.sh(&read)?;
        let number = |line: &str| line.parse().unwrap_or(0u64);
        let growth: Vec<u64> = after
            .lines()
            .zip(before.lines())
            .map(|(after, before)| number(after) - number(before))
            .collect();
        let right = |growth: &[u64]| {
            growth[0] >= 1 && growth[1] >= 1000 && growth[2] >= 1 && growth[3] >= 1000
        };
        ensure!(
            growth.len() == 8 && growth.chunks(4).all(right),
            "{names}, and the same without vf_, grew by {growth:?}"
        );
        let dropped = super::counter(&mut self.machine, &eth, "vf_tx_dropped")?;
        ensure!(dropped == 0, "{dropped} frames were dropped");
        Ok(())
    }

    /// Without a carrier the function sends nothing, though the host is told nothing.
    fn carrier(&mut self) -> Result<()> {
        self.machine.sh("echo 0 >/sys/class/net/vf0/carrier")?;
        self.expect(Way::Card, Way::Function)?;
        self.machine.sh("echo 1 >/sys/class/net/vf0/carrier")?;
        self.machine.until(
            "[ $(cat /sys/class/net/vf0/operstate) = up ]",
            "the carrier comes back",
        )?;
        self.expect(Way::Function, Way::Function)
    }

    /// The function goes down and up, alone and with the interface.
    fn up_and_down(&mut self) -> Result<()> {
        for interface in ["vf0", &self.eth.clone()] {
            let switches = self.card.stats().switches;
            self.machine
                .sh(&format!("/bin/ip link set {interface} down"))?;
            self.machine
                .sh("[ $(( $(cat /sys/class/net/vf0/flags) & 1 )) = 0 ]")?;
            ensure!(!self.card.vf_path(), "the host does not know");
            if interface == "vf0" {
                self.expect(Way::Card, Way::Card)?;
            }
            self.machine
                .sh(&format!("/bin/ip link set {interface} up"))?;
            self.paired()?;
            let switches = self.card.stats().switches - switches;
            ensure!(switches == 2, "{switches} switches");
        }
        Ok(())
    }

    /// What is set of the interface is set of the function.
    fn settings(&mut self) -> Result<()> {
        let eth = self.eth.clone();
        for (set, holds) in [
            ("/bin/ip link set ETH mtu 1400", "[ $(cat vf0/mtu) = 1400 ]"),
            ("/bin/ip link set ETH mtu 1500", "[ $(cat vf0/mtu) = 1500 ]"),
            (
                "/bin/ip link set ETH promisc on",
                "[ $(( $(cat vf0/flags) & 256 )) != 0 ]",
            ),
            (
                "/bin/ip link set ETH promisc off",
                "[ $(( $(cat vf0/flags) & 256 )) = 0 ]",
            ),
            (
                "/bin/ip link set ETH allmulticast on",
                "[ $(( $(cat vf0/flags) & 512 )) != 0 ]",
            ),
            (
                "/bin/ip link set ETH allmulticast off",
                "[ $(( $(cat vf0/flags) & 512 )) = 0 ]",
            ),
            (
                "/bin/ip maddr add 01:00:5e:01:02:03 dev ETH",
                "/bin/ip maddr show vf0 | grep -q 01:00:5e:01:02:03",
            ),
            (
                "/bin/ip maddr del 01:00:5e:01:02:03 dev ETH",
                "! /bin/ip maddr show vf0 | grep -q 01:00:5e:01:02:03",
            ),
            (
                "ethtool -K ETH rx off",
                "ethtool -k vf0 | grep -q '^rx-checksumming: off'",
            ),
            (
                "ethtool -K ETH rx on",
                "ethtool -k vf0 | grep -q '^rx-checksumming: on'",
            ),
        ] {
            let set = set.replace("ETH", &eth);
            self.machine.sh(&set)?;
            self.machine
                .until(&format!("cd /sys/class/net && {{ {holds}; }}"), &set)?;
        }
        // Another MTU is another opening of the channel. With the C driver the host does not learn
        // that the function is still there.
        if self.machine.driver == Driver::Rust {
            self.wait_for_way(Way::Function)?;
            self.expect(Way::Function, Way::Function)?;
        }
        Ok(())
    }

    fn under_load(&mut self) -> Result<()> {
        let insert = insert_command(&self.lower, &mac(&self.card), &format!("serial={SERIAL}"));
        let switches = self.card.stats().switches;
        let frames = self.lower.stats().rx_packets();
        under_load(
            &mut self.machine,
            &format!(
                "for i in $(seq {CYCLES}); do {insert} || exit 1; n=0; \
                 until [ $(cat /sys/class/net/vf0/operstate) = up ]; do n=$((n+1)); [ $n -lt 400 ] || exit 2; usleep 50000; done; \
                 rmmod virtual_function || exit 3; done"
            ),
        )?;
        let switches = self.card.stats().switches - switches;
        ensure!(switches == 2 * CYCLES, "{switches} switches");
        ensure!(
            self.lower.stats().rx_packets() > frames,
            "nothing came by the function"
        );
        self.expect(Way::Card, Way::Card)?;
        self.machine.sh(&format!(
            "cd /sys/class/net/{}/statistics && [ $(cat rx_errors) = 0 ] && [ $(cat tx_errors) = 0 ]",
            self.eth
        ))?;
        Ok(())
    }

    /// The driver is loaded when the function is there already, and hears of it from the host only
    /// while it goes up.
    fn load_beside_function(&mut self) -> Result<()> {
        self.find_interface()?;
        let eth = self.eth.clone();
        self.machine.sh(&format!(
            "/bin/ip addr add 10.0.0.15/24 dev {eth} && [ -e /sys/class/net/vf0/master ]"
        ))?;
        let up = format!("/bin/ip link set {eth} up");
        self.machine.start(&up)?;
        if self.machine.driver == Driver::Rust {
            // The C driver waits, and nobody can change anything of the network until the host speaks.
            self.machine.finish(&up, SOON)?;
            self.expect(Way::Card, Way::Card)?;
            self.machine.start("true")?;
        }
        self.card.associate_vf(true, SERIAL);
        self.machine.finish(&up, SOON)?;
        self.paired()
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
    format!("insmod /net-modules/virtual_function.ko mac={mac} lower={lower} {slot}")
}
