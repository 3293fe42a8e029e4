// SPDX-License-Identifier: GPL-2.0

//! Instructions per operation.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use vmbus_e2e::machine::{Lab, Machine, Setup};
use vmbus_host::net::{Card, CardConfig, Peer};
use vmbus_host::scsi::Disk;

use crate::symbols::{Part, Symbols, profile};

/// Name, the load, the number of operations, and how many of them are one in the table.
const LOADS: [(&str, &str, u32, u32); 11] = [
    ("idle", "idle", 500, 1),
    ("read 4k", "read /dev/sda 4096", 400, 1),
    ("write 4k", "write /dev/sda 4096", 400, 1),
    ("read 1M contiguous", "read /dev/sda 1048576", 40, 1),
    (
        "read 1M scattered",
        "read /dev/sda 1048576 scattered",
        40,
        1,
    ),
    ("udp 64", "udp 10.0.0.1 9 64", 400, 1),
    ("udp 64 burst 16", "burst 10.0.0.1 9 64 16", 100, 16),
    ("udp 1400", "udp 10.0.0.1 9 1400", 400, 1),
    (
        "udp burst of 1400 x 16",
        "burst 10.0.0.1 9 1400 16",
        100,
        16,
    ),
    ("ping", "ping 10.0.0.1", 400, 1),
    ("udp echo", "request 10.0.0.1 7 64", 400, 1),
];

const SYMBOLS: &str = "/tmp/symbols";

/// Counts.
pub fn count(lab: &Lab, counts: &Path, only: &str) -> Result<()> {
    let card = Card::new(CardConfig::default(), Peer::new(Default::default()));
    let mut machine = lab.boot(Setup {
        devices: vec![card.clone()],
        extras: &["bench"],
        cmdline: "ipv6.disable=1",
        ..Setup::default()
    })?;
    fs::write(SYMBOLS, vec![0; 32 << 20])?;
    machine.controller.add_disk(0, 0, Disk::open(SYMBOLS)?)?;
    machine.load_until("sda")?;
    let eth = machine.load_net(&card)?;
    machine.sh(&format!(
        "ip link set {eth} up && ip addr add 10.0.0.15/24 dev {eth} && ping -c 1 -W 10 10.0.0.1"
    ))?;
    machine.sh("cat /proc/kallsyms >/tmp/kallsyms && dd if=/tmp/kallsyms of=/dev/sda bs=1M conv=fsync && rm /tmp/kallsyms")?;
    let text = fs::read(SYMBOLS)?;
    let end = text
        .iter()
        .position(|&byte| byte == 0)
        .unwrap_or(text.len());
    fs::write(lab.log("kallsyms"), &text[..end])?;
    let symbols = Symbols::parse(&String::from_utf8_lossy(&text[..end]));
    for (number, (name, load, operations, of)) in LOADS.iter().enumerate() {
        if !name.contains(only) {
            continue;
        }
        one(
            &mut machine,
            lab,
            &symbols,
            counts,
            number,
            name,
            load,
            *operations,
            *of,
        )?;
    }
    machine.end()
}

#[allow(clippy::too_many_arguments)]
fn one(
    machine: &mut Machine,
    lab: &Lab,
    symbols: &Symbols,
    counts: &Path,
    number: usize,
    name: &str,
    load: &str,
    operations: u32,
    of: u32,
) -> Result<()> {
    let file = counts.join(number.to_string());
    let _ = fs::remove_file(&file);
    let before = (machine.server.stats().total, machine.vm.counters());
    machine.sh_for(
        &format!("bench-load {number} {operations} {load}"),
        Duration::from_secs(300),
    )?;
    let bus = machine.server.stats().total.since(&before.0);
    let vm = machine.vm.counters().since(&before.1);
    let blocks = fs::read_to_string(&file)
        .with_context(|| format!("{}: the plugin wrote nothing", file.display()))?;
    let profile = profile(symbols, &blocks);
    let per = |count: u64| count as f64 / f64::from(operations * of);
    let part = |wanted: Part| {
        let of_part = profile.iter().filter(|((part, _), _)| *part == wanted);
        per(of_part.map(|(_, count)| count).sum())
    };
    let warm = f64::from(operations.min(64) + operations) * f64::from(of);
    println!(
        "{:<5}{name:<26} driver {:>8.1} bus {:>8.1} shims {:>7.1} sum {:>8.1} kernel {:>9.1} | packets {:.3} signals {:.3} interrupts {:.3}",
        lab.driver.to_string(),
        part(Part::Driver),
        part(Part::Bus),
        part(Part::Shims),
        part(Part::Driver) + part(Part::Bus) + part(Part::Shims),
        part(Part::Kernel),
        bus.packets_in as f64 / warm,
        vm.signal_events as f64 / warm,
        vm.interrupts as f64 / warm,
    );
    let mut lines: Vec<_> = profile.iter().collect();
    lines.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let text: Vec<String> = lines
        .iter()
        .map(|((part, function), count)| format!("{:>10.1} {part:?} {function}", per(**count)))
        .collect();
    let path = lab.log(&format!("profile-{}", name.replace(' ', "-")));
    fs::write(path, text.join("\n"))?;
    Ok(())
}
