// SPDX-License-Identifier: GPL-2.0

//! Channel messages that are wrong, too many, late, or never come. Nothing may be lost or hang that
//! the messages do not concern.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use vmbus_host::scsi::Disk;
use vmbus_host::vmbus::tamper::OutMessage;
use vmbus_host::vmbus::wire::kind;

use crate::machine::{Lab, READ_DISK, Setup};

const SOON: Duration = Duration::from_secs(40);
/// Longer than a guest waits for an answer.
const PATIENCE: Duration = Duration::from_secs(75);

/// Where in an offer the relid is.
const RELID: usize = 184;
/// Where the instance is.
const INSTANCE: usize = 24;

/// A message to the processor that gets all of them.
fn message(kind: u32, body: &[u8]) -> OutMessage {
    let mut bytes = kind.to_le_bytes().to_vec();
    bytes.extend([0; 4]);
    bytes.extend(body);
    OutMessage { vp: 0, bytes }
}

/// An offer of a device of a class that nobody knows.
fn offer(relid: u32, instance: u32) -> OutMessage {
    let mut body = vec![0u8; 188];
    body[..4].copy_from_slice(b"odd!");
    body[INSTANCE - 8..INSTANCE - 4].copy_from_slice(&instance.to_le_bytes());
    body[RELID - 8..RELID - 4].copy_from_slice(&relid.to_le_bytes());
    body[184..188].copy_from_slice(&relid.to_le_bytes());
    message(kind::OFFER_CHANNEL, &body)
}

fn rescind(relid: u32) -> OutMessage {
    message(kind::RESCIND_OFFER, &relid.to_le_bytes())
}

/// Messages that no host would send, beside those that it does.
pub fn nonsense(lab: &Lab) -> Result<()> {
    let mut machine = lab.boot(Setup {
        cpus: 2,
        ..Setup::default()
    })?;
    machine.controller.add_disk(0, 0, Disk::memory(16 << 20)?)?;
    // Everything twice.
    machine
        .server
        .set_message_tamper(Some(Box::new(|message| vec![message.clone(), message])));
    machine.load_until("sda")?;
    machine.sh(READ_DISK)?;
    machine.server.set_message_tamper(None);
    for kind in 0..40u32 {
        for len in [0usize, 1, 4, 8, 11, 12, 60, 188, 232] {
            machine
                .server
                .inject_message(message(kind, &vec![0xa5; len]));
        }
    }
    machine.server.inject_message(OutMessage {
        vp: 1,
        bytes: vec![],
    });
    machine.server.inject_message(OutMessage {
        vp: 1,
        bytes: vec![1, 0, 0],
    });
    for relid in [0, 2047, 2048, 4096, 0x7fff_ffff, u32::MAX] {
        machine.server.inject_message(offer(relid, relid));
        machine.server.inject_message(rescind(relid));
        machine.server.inject_message(rescind(relid));
    }
    for relid in 0..2048 {
        machine.server.inject_signal(relid % 2, relid);
    }
    machine.sh(READ_DISK)?;
    machine.until(
        "[ $(ls /sys/bus/vmbus/devices | wc -l) = 1 ]",
        "only the controller is left",
    )?;
    machine.server.clear_violations();
    machine.unload()?;
    machine.end()
}

/// Very many devices that come and go at once.
pub fn flood(lab: &Lab) -> Result<()> {
    let mut machine = lab.boot(Setup {
        cpus: 2,
        ..Setup::default()
    })?;
    machine.controller.add_disk(0, 0, Disk::memory(16 << 20)?)?;
    machine.load_until("sda")?;
    for _ in 0..3 {
        for relid in 100..400 {
            machine.server.inject_message(offer(relid, relid));
            if relid % 3 == 0 {
                machine.server.inject_message(rescind(relid));
            }
        }
        machine.sh(READ_DISK)?;
        for relid in 100..400 {
            machine.server.inject_message(rescind(relid));
            // Again at once, while the first is still being removed.
            if relid % 2 == 0 {
                machine.server.inject_message(offer(relid + 1000, relid));
                machine.server.inject_message(rescind(relid + 1000));
            }
        }
        machine.until(
            "[ $(ls /sys/bus/vmbus/devices | wc -l) = 1 ]",
            "the devices go away",
        )?;
        machine.sh(READ_DISK)?;
    }
    // The releases of relids that the server never offered.
    machine.unload()?;
    machine.server.clear_violations();
    machine.end()
}

/// The controller is rescinded before the host has answered each of the steps of opening it.
pub fn rescind_early(lab: &Lab) -> Result<()> {
    let mut machine = lab.boot(Setup {
        cpus: 2,
        ..Setup::default()
    })?;
    machine.controller.add_disk(0, 0, Disk::memory(16 << 20)?)?;
    machine.load_until("sda")?;
    for step in [kind::GPADL_CREATED, kind::OPEN_RESULT, kind::GPADL_TORNDOWN] {
        let seen = Arc::new(AtomicU32::new(0));
        let counter = seen.clone();
        machine.take_away()?;
        machine
            .server
            .set_message_tamper(Some(Box::new(move |message| {
                if message.kind() == step {
                    counter.fetch_add(1, Ordering::SeqCst);
                    return vec![];
                }
                vec![message]
            })));
        machine.server.add_device(machine.controller.clone());
        if step == kind::GPADL_TORNDOWN {
            machine.until(READ_DISK, "the disk comes back")?;
            machine.start("echo $(basename /sys/bus/vmbus/devices/*) > /sys/bus/vmbus/drivers/hv_storvsc/unbind")?;
        }
        crate::machine::wait_until("the step", SOON, || seen.load(Ordering::SeqCst) > 0)?;
        let start = Instant::now();
        machine.take_away()?;
        ensure!(
            start.elapsed() < Duration::from_secs(20),
            "step {step}: the guest went on waiting"
        );
        if step == kind::GPADL_TORNDOWN {
            machine.finish("unbind", SOON)?;
        }
        machine.server.set_message_tamper(None);
        machine.server.add_device(machine.controller.clone());
        machine.until(READ_DISK, "the disk works")?;
    }
    machine.end()
}

/// The host never answers: the guest gives up, and is fine.
pub fn silence(lab: &Lab) -> Result<()> {
    let mut machine = lab.boot(Setup {
        cpus: 2,
        ..Setup::default()
    })?;
    machine.controller.add_disk(0, 0, Disk::memory(16 << 20)?)?;
    for step in [kind::GPADL_CREATED, kind::OPEN_RESULT] {
        let silent = Arc::new(AtomicBool::new(true));
        let mute = silent.clone();
        machine
            .server
            .set_message_tamper(Some(Box::new(move |message| {
                let drop = message.kind() == step && mute.load(Ordering::SeqCst);
                if drop { vec![] } else { vec![message] }
            })));
        machine.sh_for(
            "modprobe hv_storvsc_rust; while ! dmesg | grep -q 'probe failed'; do sleep 1; done",
            PATIENCE * 2,
        )?;
        silent.store(false, Ordering::SeqCst);
        machine.sh("dmesg -c >/dev/null; echo $(basename /sys/bus/vmbus/devices/*) > /sys/bus/vmbus/drivers/hv_storvsc/bind")?;
        machine.until(READ_DISK, "the disk works")?;
        machine.unload()?;
        machine.server.set_message_tamper(None);
    }
    machine.server.clear_violations();
    machine.end()
}

/// The controller comes and goes as fast as it can.
pub fn hectic(lab: &Lab) -> Result<()> {
    let controller = vmbus_host::scsi::ControllerConfig::default();
    let mut machine = lab.boot(Setup {
        cpus: 2,
        controller,
        ..Setup::default()
    })?;
    machine.controller.add_disk(0, 0, Disk::memory(16 << 20)?)?;
    machine.load_until("sda")?;
    let instance = machine.controller.config().instance;
    for round in 0..150u64 {
        machine.server.remove_device(instance);
        // Every other time without waiting for the guest to be done with the old one.
        if round % 2 == 0 {
            machine.released()?;
        }
        machine.server.add_device(machine.controller.clone());
        std::thread::sleep(Duration::from_millis(round * 7 % 300));
    }
    machine.until(READ_DISK, "the disk works")?;
    machine.unload()?;
    machine.end()
}
