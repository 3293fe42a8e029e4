// SPDX-License-Identifier: GPL-2.0

//! A host that writes faster than the guest can read: the ring is never seen empty. The driver must
//! leave the processor to others all the same.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, Result, ensure};
use vmbus_host::scsi::Disk;
use vmbus_host::vmbus::channel::{Channel, INBAND};
use vmbus_host::vmbus::ring::Field;
use vmbus_host::vmbus::tamper::Ring;

use crate::machine::{Lab, Machine, Setup};

/// An operation that no protocol version has: both drivers pass over it in silence.
const UNUSED_OPERATION: u32 = 0x7f;

/// Descriptor, payload and trailer: a part of a page, so that packets tile a ring; and not longer
/// than what the drivers take for a packet of theirs.
const PACKET: u32 = 64;
const PAYLOAD: usize = PACKET as usize - 16 - 8;

/// The data of the ring that the driver asks for by default.
const RING: u32 = (128 << 10) - 4096;

/// How many commands the guest's only processor has to run beside the packets.
const COMMANDS: usize = 20;

/// With one processor, what the driver does not leave to others nobody gets.
pub fn endless(lab: &Lab) -> Result<()> {
    let mut machine = lab.boot(Setup::default())?;
    machine.controller.add_disk(0, 0, Disk::memory(16 << 20)?)?;
    machine.load_until("sda")?;
    let channel = machine
        .server
        .channel(machine.controller.config().instance, 0)
        .context("the channel")?;
    tile(&mut machine, &channel).context("filling the ring")?;
    let write = channel
        .peek(Ring::ToGuest, Field::WriteIndex)
        .context("the ring")?;

    let stop = AtomicBool::new(false);
    let rounds = std::thread::scope(|scope| {
        let pump = scope.spawn(|| pump(&channel, &stop));
        let answers = (0..COMMANDS).try_for_each(|n| {
            let answer = machine.sh(&format!("echo {n}"))?;
            ensure!(answer == n.to_string(), "{answer} for {n}");
            Ok(())
        });
        stop.store(true, Ordering::Relaxed);
        let rounds = pump.join().expect("the pump does not panic");
        answers.map(|()| rounds)
    })?;
    ensure!(rounds > 100, "only {rounds} packets were read meanwhile");

    channel.poke(Ring::ToGuest, Field::WriteIndex, write);
    channel.interrupt();
    empty(&mut machine)?;
    machine.sh("dd if=/dev/sda of=/dev/null bs=4k count=4 iflag=direct")?;
    machine.end()
}

/// Fills every part of the ring with a packet, wherever the packets before ended.
fn tile(machine: &mut Machine, channel: &Arc<Channel>) -> Result<()> {
    let mut payload = [0; PAYLOAD];
    payload[..4].copy_from_slice(&UNUSED_OPERATION.to_le_bytes());
    for _ in 0..RING / PACKET * 2 {
        channel.send(INBAND, 0, 0, &payload);
    }
    channel.flush();
    empty(machine)
}

fn empty(machine: &mut Machine) -> Result<()> {
    machine.until(
        "[ \"$(cat /sys/bus/vmbus/devices/*/channels/*/read_avail | sort -u)\" = 0 ]",
        "all packets are taken",
    )
}

/// Gives the guest what it has just read to read again, until told to stop; signals where it had
/// come to the end. Returns how often it was seen to have read on.
fn pump(channel: &Channel, stop: &AtomicBool) -> u64 {
    let mut rounds = 0;
    let mut before = None;
    let mut end = None;
    while !stop.load(Ordering::Relaxed) {
        let Some(read) = channel.peek(Ring::ToGuest, Field::ReadIndex) else {
            break;
        };
        let write = (read + RING - PACKET) % RING;
        channel.poke(Ring::ToGuest, Field::WriteIndex, write);
        if before.is_none() || end == Some(read) {
            channel.interrupt();
        }
        rounds += u64::from(before.replace(read) != Some(read));
        end = Some(write);
    }
    rounds
}
