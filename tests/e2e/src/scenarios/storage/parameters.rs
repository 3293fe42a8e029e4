// SPDX-License-Identifier: GPL-2.0

//! The module's parameters with other values than the defaults.

use anyhow::{Context as _, Result, ensure};
use vmbus_host::scsi::protocol::operation::ENUMERATE_BUS;
use vmbus_host::scsi::{ControllerConfig, Disk, Fault, Injection};
use vmbus_host::vmbus::channel::{Channel, INBAND};
use vmbus_host::vmbus::ring::Field;
use vmbus_host::vmbus::tamper::Ring;

use super::{FIRST_DISK, SOON, TEST_UNIT_READY, TRACING};
use crate::machine::{Driver, Lab, Machine, Setup, wait_until};

const PAGE: u32 = 4096;

/// The room in a ring by which the number of requests is reckoned.
const REQUEST: u32 = 360;

/// Two rings of this size are the largest piece of memory that there is.
const LARGE: u32 = 2 << 20;

/// Good values for both drivers, and bad ones for ours: C divides by some of them.
pub fn parameters(lab: &Lab) -> Result<()> {
    let mut machine = lab.boot(Setup {
        cpus: 2,
        controller: ControllerConfig {
            max_sub_channels: 1,
            ..ControllerConfig::default()
        },
        ..Setup::default()
    })?;
    machine.controller.add_disk(0, 0, Disk::memory(16 << 20)?)?;

    load(
        &mut machine,
        "storvsc_ringbuffer_size=65536 storvsc_max_hw_queues=1 storvsc_vcpus_per_sub_channel=1 ring_avail_percent_lowater=20",
    )?;
    host_is(&mut machine, (65536 - PAGE) / REQUEST * 2 * 80 / 100, 1)?;
    ring_is(&mut machine, 65536)?;

    load(&mut machine, "storvsc_max_hw_queues=3 logging_level=2")?;
    host_is(&mut machine, (131_072 - PAGE) / REQUEST * 90 / 100, 2)?;
    machine.sh("dmesg | grep -q 'hv_storvsc .*: Resetting invalid storvsc_max_hw_queues value to default.'")?;
    let module = machine.driver.storvsc();
    machine.sh(&format!(
        "grep -qx 0 /sys/module/{module}/parameters/storvsc_max_hw_queues"
    ))?;

    load(&mut machine, &format!("storvsc_ringbuffer_size={LARGE}"))?;
    ring_is(&mut machine, LARGE)?;
    flood(&mut machine)?;

    if lab.driver == Driver::Rust {
        nonsense(&mut machine)?;
    }
    machine.end()
}

/// Loads the driver anew with parameters, and reads through it.
fn load(machine: &mut Machine, parameters: &str) -> Result<()> {
    let module = machine.driver.storvsc();
    machine.until(
        &format!("! [ -d /sys/module/{module} ] || rmmod {module} 2>/dev/null"),
        "the driver unloads",
    )?;
    machine.sh(&format!(
        "dmesg -c >/dev/null; modprobe {module} {parameters}"
    ))?;
    machine.until(
        &format!("[ -b /dev/$(ls {FIRST_DISK} 2>/dev/null || echo none) ]"),
        &format!("with {parameters} a disk appears"),
    )?;
    machine.sh(&format!(
        "dd if=/dev/$(ls {FIRST_DISK}) of=/dev/null bs=256k count=4 iflag=direct"
    ))?;
    machine.until(
        "[ $(ls -d /sys/bus/vmbus/devices/*/channels/* | wc -l) = 2 ]",
        "there are two channels",
    )
}

fn host_is(machine: &mut Machine, can_queue: u32, queues: u32) -> Result<()> {
    let found = machine.sh(
        "cd /sys/class/scsi_host/host*; echo $(cat can_queue nr_hw_queues) $(ls /sys/block/sd?/mq | wc -l)",
    )?;
    let expected = format!("{can_queue} {queues} {queues}");
    ensure!(
        found == expected,
        "can_queue, nr_hw_queues and hardware queues are {found}, not {expected}"
    );
    Ok(())
}

/// All of a ring but its header is free when nothing is going on.
fn ring_is(machine: &mut Machine, bytes: u32) -> Result<()> {
    let free = bytes - PAGE;
    machine.until(
        &format!(
            "[ \"$(cat /sys/bus/vmbus/devices/*/channels/*/write_avail | sort -u)\" = {free} ]"
        ),
        &format!("the rings have room for {free} bytes"),
    )
}

/// How many turns of the driver a full ring of that size takes at least. Without a limit of time it
/// takes one.
const TURNS: usize = 2;

/// A flood of notifications, as many as there is room for in a large ring: all are taken, but not in
/// one go, the disks are looked after, and requests go on. They are kept from being looked after at
/// once by a command that is not answered.
fn flood(machine: &mut Machine) -> Result<()> {
    // Descriptor, payload and trailer.
    const PACKET: u32 = 32;
    let unit = machine.controller.unit(0, 0).context("the disk")?;
    let channel = machine
        .server
        .channel(machine.controller.config().instance, 0)
        .context("the channel")?;
    unit.inject(Injection::new(Fault::Hold).only(TEST_UNIT_READY));
    for _ in 0..(LARGE - PAGE) / PACKET - 1 {
        channel.send(INBAND, 0, 0, &ENUMERATE_BUS.to_le_bytes());
    }
    let turns = turns(machine, &channel)?;
    ensure!(turns >= TURNS, "the ring was read in {turns} turns");
    let controller = machine.controller.clone();
    wait_until("the disks are looked after", SOON, || {
        controller.held() == 1
    })?;
    controller.release();
    machine.sh("dd if=$(ls -d /dev/sd?) of=/dev/null bs=4k count=4 iflag=direct")?;
    Ok(())
}

/// Shows the guest what is in the ring, and counts the runs of the channel's tasklet until the ring is
/// empty.
fn turns(machine: &mut Machine, channel: &Channel) -> Result<usize> {
    let entries = format!("{TRACING}/events/irq/tasklet_entry/enable");
    machine.sh(&format!(
        "mount -t tracefs tracefs {TRACING}; echo 1 >{entries}"
    ))?;
    channel.flush();
    wait_until("the ring is emptied", SOON, || {
        let index = |field| channel.peek(Ring::ToGuest, field);
        index(Field::ReadIndex) == index(Field::WriteIndex)
    })?;
    // Each channel has one; the busiest is this one's.
    let busiest = machine.sh(&format!(
        "echo 0 >{entries}; grep -o 'tasklet=[^ ]*' {TRACING}/trace | sort | uniq -c | sort -rn | head -n 1"
    ))?;
    let turns = busiest
        .split_whitespace()
        .next()
        .context("no tasklet ran")?;
    Ok(turns.parse()?)
}

/// Each of these is brought into a range that makes sense.
fn nonsense(machine: &mut Machine) -> Result<()> {
    for parameters in [
        "storvsc_ringbuffer_size=0 storvsc_vcpus_per_sub_channel=0 ring_avail_percent_lowater=100",
        "storvsc_ringbuffer_size=-5 storvsc_vcpus_per_sub_channel=-1 ring_avail_percent_lowater=-1 logging_level=-1",
        "storvsc_ringbuffer_size=70001 storvsc_max_hw_queues=4294967295 ring_avail_percent_lowater=2147483647",
    ] {
        load(machine, parameters)?;
    }
    Ok(())
}
