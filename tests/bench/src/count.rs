// SPDX-License-Identifier: GPL-2.0

//! What operations cost.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use vmbus_e2e::machine::Lab;
use vmbus_host::net::stats::QueueStats;
use vmbus_host::vmbus::device::Device as _;
use vmbus_host::vmbus::stats::Snapshot;
use vmbus_host::vmm::CounterSnapshot;

use crate::figures::Figures;
use crate::guest::Guest;
use crate::loads::{LOADS, Load};
use crate::symbols::{Part, Profile, Symbols};

/// Kernel functions that allocate memory.
const ALLOCATE: [&str; 5] = [
    "__kmalloc_cache_noprof",
    "__kmalloc_noprof",
    "__kmalloc_node_noprof",
    "kmem_cache_alloc_noprof",
    "kmem_cache_alloc_node_noprof",
];

/// Counts one guest. The profile of each load is left among the logs.
pub fn count(lab: &Lab, counts: &Path, only: &str, figures: &mut Figures) -> Result<()> {
    let mut guest = Guest::boot(lab, &[])?;
    let text = guest.symbols()?;
    fs::write(lab.log("kallsyms"), &text)?;
    let symbols = Symbols::parse(&text);
    let loads = LOADS.iter().enumerate();
    for (place, load) in loads.filter(|(_, load)| load.name.contains(only)) {
        one(
            lab,
            &mut guest,
            &symbols,
            &counts.join(place.to_string()),
            (place, load),
            figures,
        )?;
    }
    sizes(lab, &mut guest, figures)?;
    guest.machine.end()
}

fn one(
    lab: &Lab,
    guest: &mut Guest,
    symbols: &Symbols,
    file: &Path,
    (place, load): (usize, &Load),
    figures: &mut Figures,
) -> Result<()> {
    // The last run's must not be taken for this one's.
    let _ = fs::remove_file(file);
    let (bus, vm, card) = seen_by_host(guest);
    guest.run(place, load)?;
    let (bus_after, vm_after, card_after) = seen_by_host(guest);
    let (bus, vm) = (bus_after.since(&bus), vm_after.since(&vm));
    let blocks = fs::read_to_string(file)
        .with_context(|| format!("{}: the plugin wrote nothing", file.display()))?;
    let profile = Profile::new(symbols, &blocks);
    let operations = f64::from(load.calls) * f64::from(load.operations);
    let per = |count: u64| count as f64 / operations;
    let [driver, bus_part, shims, kernel] =
        [Part::Driver, Part::Bus, Part::Shims, Part::Kernel].map(|part| per(profile.of(part)));
    ensure!(driver != 0.0, "{}: the driver has done nothing", load.name);
    // The host counted the runs before the counting started, too.
    let seen = |count: u64| count as f64 / f64::from(load.all_operations());
    let values = [
        ("instructions", driver + bus_part + shims),
        ("instructions: driver", driver),
        ("instructions: bus", bus_part),
        ("instructions: kernel's for Rust", shims),
        ("instructions: rest of the kernel", kernel),
        ("allocations", per(profile.calls(&ALLOCATE))),
        (
            "frames to the host",
            seen(card_after.tx_packets - card.tx_packets),
        ),
        (
            "frames from the host",
            seen(card_after.rx_packets - card.rx_packets),
        ),
        ("packets to the host", seen(bus.packets_in)),
        ("hypercalls", seen(vm.signal_events + vm.post_messages)),
        ("interrupts", seen(vm.interrupts)),
        ("ring bytes to the host", seen(bus.payload_in)),
        ("ring bytes from the host", seen(bus.payload_out)),
    ];
    for (what, value) in values {
        figures.add(lab.driver, place, load.name, what, value);
    }
    println!(
        "{:<5}{:<35} driver {driver:>8.1} bus {bus_part:>7.1} shims {shims:>6.1} sum {:>8.1}",
        lab.driver.to_string(),
        load.name,
        driver + bus_part + shims,
    );
    let name = load.name.replace([' ', ',', ':'], "-");
    fs::write(
        lab.log(&format!("profile-{name}")),
        profile.show(operations),
    )?;
    Ok(())
}

/// What the bus, the virtual machine and the card counted so far.
fn seen_by_host(guest: &Guest) -> (Snapshot, CounterSnapshot, QueueStats) {
    let machine = &guest.machine;
    (
        machine.server.stats().total,
        machine.vm.counters(),
        guest
            .card
            .stats()
            .queues
            .first()
            .copied()
            .unwrap_or_default(),
    )
}

/// How large the modules are in memory, and what the host may reach of it. The C bus is in the kernel.
fn sizes(lab: &Lab, guest: &mut Guest, figures: &mut Figures) -> Result<()> {
    let mut add = |what: String, value| {
        figures.add(lab.driver, LOADS.len(), "in memory", &what, value);
    };
    for (what, module) in [
        ("storage driver", lab.driver.storvsc()),
        ("network driver", lab.driver.netvsc()),
    ] {
        let text = guest.machine.sh(&format!(
            "sed -n 's/^{module} \\([0-9]*\\).*/\\1/p' /proc/modules"
        ))?;
        add(format!("bytes of the {what}"), text.trim().parse()?);
    }
    let status = guest.machine.server.status();
    for (what, instance) in [
        ("disk", guest.machine.controller.offer().instance),
        ("card", guest.card.offer().instance),
    ] {
        let channel = status
            .channel(instance, 0)
            .with_context(|| format!("the channel of the {what}"))?;
        add(
            format!("pages shared by the {what}"),
            channel.shared_pages as f64,
        );
    }
    Ok(())
}
