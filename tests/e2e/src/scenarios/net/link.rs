// SPDX-License-Identifier: GPL-2.0

//! The cable: out, in, faster, in another network. However fast it goes, the guest misses nothing.

use anyhow::{Context as _, Result, ensure};
use vmbus_host::net::CardConfig;

use super::{card, configure, setup};
use crate::machine::{Lab, Machine};

const FLAPS: u64 = 3;

/// See the module.
pub fn link(lab: &Lab) -> Result<()> {
    let card = card(CardConfig::default());
    let mut machine = lab.boot(setup(1, std::slice::from_ref(&card)))?;
    let eth = machine.load_net(&card)?;
    configure(&mut machine, &eth, 0)?;
    let carrier = format!("$(cat /sys/class/net/{eth}/carrier)");

    card.set_link(false);
    machine.until(&format!("[ {carrier} = 0 ]"), "the carrier goes")?;
    card.set_link(true);
    machine.until(&format!("[ {carrier} = 1 ]"), "the carrier comes back")?;
    machine.sh("ping -c 1 -W 10 10.0.0.1")?;

    let before = losses(&mut machine, &eth)?;
    for _ in 0..FLAPS {
        card.set_link(false);
        card.set_link(true);
    }
    let wanted = before + FLAPS;
    machine.until(
        &format!(
            "[ $(cat /sys/class/net/{eth}/carrier_down_count) = {wanted} ] && [ {carrier} = 1 ]"
        ),
        "the guest sees every flap",
    )?;

    card.change_network();
    let wanted = wanted + 1;
    machine.until(
        &format!(
            "[ $(cat /sys/class/net/{eth}/carrier_down_count) = {wanted} ] && [ {carrier} = 1 ]"
        ),
        "the guest sees the change of network",
    )?;
    machine.sh("ping -c 1 -W 10 10.0.0.1")?;

    machine.sh(&format!("[ $(cat /sys/class/net/{eth}/speed) = 10000 ]"))?;
    card.set_speed(25_000);
    machine.until(
        &format!("[ $(cat /sys/class/net/{eth}/speed) = 25000 ]"),
        "the guest sees the new speed",
    )?;

    // Down and out, and in and up, in all orders.
    for steps in [
        "down out in up",
        "out down up in",
        "down out up in",
        "out down in up",
    ] {
        for step in steps.split(' ') {
            match step {
                "in" | "out" => card.set_link(step == "in"),
                _ => {
                    machine.sh(&format!("/bin/ip link set {eth} {step}"))?;
                }
            }
        }
        machine.until(&format!("[ {carrier} = 1 ]"), steps)?;
    }
    machine.until("ping -c 1 -W 1 10.0.0.1", "the peer answers")?;
    let violations = card.violations().first();
    ensure!(violations.is_empty(), "{violations:?}");
    machine.end()
}

fn losses(machine: &mut Machine, eth: &str) -> Result<u64> {
    let text = machine.sh(&format!("cat /sys/class/net/{eth}/carrier_down_count"))?;
    text.parse().context("carrier_down_count")
}
