// SPDX-License-Identifier: GPL-2.0

//! A virtual function that comes and goes, while data do, and beside a driver that comes and goes.

use anyhow::{Result, ensure};

use super::super::{SOON, under_load};
use super::{Accelerated, SERIAL, Way, insert_command, mac};
use crate::machine::{Driver, Lab};

/// How often the function comes and goes under load.
const CYCLES: u64 = 20;

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
        // The C driver's card does not let go of a program at the end, at which the kernel warns.
        if guest.machine.driver == Driver::Rust {
            guest.set_program()?;
        }
        guest.unload()?;
        guest.machine.sh("! [ -e /sys/class/net/vf0/master ]")?;
        guest.lost_program()?;
    }
    guest.machine.sh("rmmod virtual_function")?;
    guest.end()
}

impl Accelerated {
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
}
