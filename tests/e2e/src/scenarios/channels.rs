// SPDX-License-Identifier: GPL-2.0

//! Ways to signal, and channels that move from processor to processor.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use vmbus_host::scsi::{ControllerConfig, Disk};
use vmbus_host::vmbus::server::ServerConfig;
use vmbus_host::vmbus::tamper::OutMessage;
use vmbus_host::vmbus::wire::{Version, kind};

use crate::machine::{Lab, Machine, READ_DISK, Setup, wait_until};

const SOON: Duration = Duration::from_secs(40);
const DEVICE: &str = "/sys/bus/vmbus/devices/*";
/// Writes to the disk and compares, until the file /stop is there.
const LOAD: &str = "rm -f /stop; dd if=/dev/urandom of=/tmp/a bs=64k count=4 2>/dev/null; until [ -e /stop ]; do \
     dd if=/tmp/a of=/dev/sda bs=16k oflag=direct 2>/dev/null && dd if=/dev/sda of=/tmp/b bs=16k count=16 iflag=direct \
     2>/dev/null && cmp /tmp/a /tmp/b || exit 1; done";

/// Signals through the monitor page, which cost no hypercall.
pub fn monitored(lab: &Lab) -> Result<()> {
    for version in [Version::V4_0, Version::V6_0] {
        let server = ServerConfig {
            monitor: Some(Duration::from_millis(1)),
            dedicated_interrupts: false,
            ..ServerConfig::up_to(version)
        };
        let controller = ControllerConfig {
            monitored: true,
            max_sub_channels: 0,
            ..ControllerConfig::default()
        };
        let mut machine = lab.boot(Setup {
            server,
            controller,
            ..Setup::default()
        })?;
        machine.controller.add_disk(0, 0, Disk::memory(16 << 20)?)?;
        machine.load_until("sda")?;
        machine.sh("dd if=/dev/sda of=/dev/null bs=4k count=64 iflag=direct")?;
        let events: u64 = machine
            .sh(&format!("cat {DEVICE}/channels/*/events"))?
            .parse()
            .context("events")?;
        ensure!(events == 0, "{events} signals by hypercall");
        machine.sh(&format!("cat {DEVICE}/monitor_id {DEVICE}/client_monitor_latency {DEVICE}/server_monitor_pending"))?;
        machine.end()?;
    }
    Ok(())
}

/// Channels move under load, by hand and because their processor goes offline.
pub fn moving(lab: &Lab) -> Result<()> {
    for version in [Version::V4_1, Version::V6_0] {
        let controller = ControllerConfig {
            max_sub_channels: 3,
            ..ControllerConfig::default()
        };
        let server = ServerConfig::up_to(version);
        let mut machine = lab.boot(Setup {
            cpus: 2,
            server,
            controller,
            ..Setup::default()
        })?;
        machine.controller.add_disk(0, 0, Disk::memory(16 << 20)?)?;
        machine.load_until("sda")?;
        let moves = format!(
            "({LOAD}) & for i in $(seq 40); do for c in {DEVICE}/channels/*; do echo $((i % 2)) >$c/cpu || exit 2; done; done; \
             touch /stop; wait $!"
        );
        machine.sh_for(&moves, Duration::from_secs(300))?;
        let offline = format!(
            "({LOAD}) & for i in $(seq 8); do for c in {DEVICE}/channels/*; do echo 1 >$c/cpu; done; \
             echo 0 >/sys/devices/system/cpu/cpu1/online; r=$?; cat {DEVICE}/channels/*/cpu; \
             echo 1 >/sys/devices/system/cpu/cpu1/online; done; touch /stop; wait $! && exit $r"
        );
        let output = machine.run_for(&offline, Duration::from_secs(300))?;
        // Without the host's answer to a move, channels cannot leave safely.
        let can_leave = version >= Version::V5_3;
        ensure!(
            (output.status == 0) == can_leave,
            "{version}: {} {}",
            output.status,
            output.text
        );
        ensure!(
            !can_leave || !output.text.contains('1'),
            "channels stay behind: {}",
            output.text
        );
        machine.end()?;
    }
    Ok(())
}

/// The host takes sub-channels back, which ends the requests on them and no others.
pub fn subchannels(lab: &Lab) -> Result<()> {
    let controller = ControllerConfig {
        max_sub_channels: 3,
        ..ControllerConfig::default()
    };
    let mut machine = lab.boot(Setup {
        cpus: 2,
        controller,
        ..Setup::default()
    })?;
    machine.controller.add_disk(0, 0, Disk::memory(16 << 20)?)?;
    machine.load_until("sda")?;
    let instance = machine.controller.config().instance;
    ensure!(
        machine
            .server
            .wait_for(|bus| bus.open_channels(instance) > 1, SOON),
        "no sub-channel is opened"
    );
    for _ in 0..3 {
        let load = "d=$(echo /dev/sd?); for i in 1 2 3; do dd if=$d of=/dev/null bs=4k count=300 iflag=direct; done";
        machine.start(load)?;
        let before: u64 = machine.controller.requests().iter().sum();
        wait_until("the load starts", SOON, || {
            machine.controller.requests().iter().sum::<u64>() > before + 20
        })?;
        for relid in others(&machine) {
            let mut bytes = kind::RESCIND_OFFER.to_le_bytes().to_vec();
            bytes.extend([0; 4]);
            bytes.extend(relid.to_le_bytes());
            machine.server.inject_message(OutMessage { vp: 0, bytes });
        }
        machine.finish(load, SOON)?;
        machine.until(
            &format!("[ $(ls {DEVICE}/channels | wc -l) = 1 ]"),
            "the sub-channels go away",
        )?;
        machine.sh(READ_DISK)?;
        // The server has not been asked; a new device starts from scratch.
        machine.take_away()?;
        machine.server.add_device(machine.controller.clone());
        machine.until(READ_DISK, "the disk comes back")?;
        ensure!(
            machine
                .server
                .wait_for(|bus| bus.open_channels(instance) > 1, SOON),
            "no sub-channel is opened again"
        );
    }
    machine.server.clear_violations();
    machine.unload()?;
    machine.end()
}

/// The relids of the sub-channels.
fn others(machine: &Machine) -> Vec<u32> {
    let channels = machine.server.status().channels;
    channels
        .iter()
        .filter(|channel| channel.index != 0)
        .map(|channel| channel.relid)
        .collect()
}
