// SPDX-License-Identifier: GPL-2.0

//! A host whose completions are wrong. Each costs at most the request that it is for.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use vmbus_host::scsi::{Disk, Fault, Injection};
use vmbus_host::vmbus::tamper::Outgoing;

use crate::machine::{Lab, Machine, Setup, wait_until};

const SOON: Duration = Duration::from_secs(30);
const READ_10: u8 = 0x28;
const REPORT_LUNS: u8 = 0xa0;
const READ: &str = "dd if=/dev/sda of=/dev/null bs=4k count=8 iflag=direct";

type Spoil = fn(Outgoing) -> Vec<Outgoing>;

/// Packets besides the right one, which the guest must refuse without harm.
const BESIDES: [(&str, Spoil); 9] = [
    ("the same completion twice", |packet| {
        vec![packet.clone(), packet]
    }),
    ("a transaction that nobody waits for", |packet| {
        besides(packet, |bad| bad.transaction += 1000)
    }),
    ("transaction 0", |packet| {
        besides(packet, |bad| bad.transaction = 0)
    }),
    ("the largest transaction", |packet| {
        besides(packet, |bad| bad.transaction = u64::MAX)
    }),
    ("no payload", |packet| {
        besides(packet, |bad| bad.payload.clear())
    }),
    ("half a payload", |packet| {
        besides(packet, |bad| bad.payload.truncate(30))
    }),
    ("too much payload", |packet| {
        besides(packet, |bad| bad.payload.resize(2000, 0xff))
    }),
    ("an unknown operation", |packet| {
        besides(packet, |bad| bad.payload[..4].fill(0xee))
    }),
    ("an unknown kind of packet", |packet| {
        besides(packet, |bad| bad.kind = 0x77)
    }),
];

fn besides(packet: Outgoing, spoil: impl Fn(&mut Outgoing)) -> Vec<Outgoing> {
    let mut bad = packet.clone();
    spoil(&mut bad);
    vec![bad, packet]
}

/// Wrong packets beside right ones, wrong values in right ones, and a completion that never comes.
pub fn completions(lab: &Lab) -> Result<()> {
    let mut machine = lab.boot(Setup {
        cpus: 2,
        ..Setup::default()
    })?;
    machine.controller.add_disk(0, 0, Disk::memory(16 << 20)?)?;
    machine.load_until("sda")?;
    let instance = machine.controller.config().instance;
    for (what, spoil) in BESIDES {
        machine.server.set_tamper(instance, Some(Box::new(spoil)));
        machine
            .sh(READ)
            .with_context(|| format!("the host also sends {what}"))?;
        machine.server.set_tamper(instance, None);
        machine.sh(READ).with_context(|| format!("after {what}"))?;
    }
    lengths(&mut machine)?;
    never_answered(&mut machine)?;
    machine.end()
}

/// A transfer length larger than what was asked for must not reach the block layer.
fn lengths(machine: &mut Machine) -> Result<()> {
    let unit = machine.controller.unit(0, 0).context("the disk")?;
    for length in [0u32, 1, 4097, u32::MAX] {
        let fault = Fault::tamper(move |completion| {
            // data_transfer_length of the SRB, after the packet's header of 12 bytes.
            completion.payload[12 + 12..12 + 16].copy_from_slice(&length.to_le_bytes());
        });
        unit.inject(Injection::new(fault).only(READ_10));
        machine.run(READ)?;
        machine
            .sh(READ)
            .with_context(|| format!("after a transfer length of {length}"))?;
    }
    Ok(())
}

/// Lists of logical units that claim to be of so many bytes. The largest overflows where the SCSI layer adds the header.
const LIST_BYTES: [u32; 4] = [1 << 20, 1 << 31, u32::MAX - 3, u32::MAX - 7];

/// A list that cannot be as long as it says costs the SCSI layer a second look.
pub fn units(lab: &Lab) -> Result<()> {
    let mut machine = lab.boot(Setup::default())?;
    machine.controller.add_disk(0, 0, Disk::memory(16 << 20)?)?;
    machine.load_until("sda")?;
    let unit = machine.controller.unit(0, 0).context("the disk")?;
    for (bytes, lun) in LIST_BYTES.into_iter().zip(1..) {
        let fault = Fault::Data(bytes.to_be_bytes().to_vec());
        unit.inject(Injection::new(fault).only(REPORT_LUNS));
        machine
            .controller
            .add_disk(0, lun, Disk::memory(1 << 20)?)?;
        machine.until(
            &format!("[ -e /sys/bus/scsi/devices/*:0:0:{lun}/block ]"),
            &format!("after a list of {bytes} bytes the unit is found"),
        )?;
        ensure!(unit.clear_faults() == 0, "nobody asked for the list");
    }
    machine.sh(READ)?;
    machine.end()
}

/// One request is lost; the others go on, and it ends when the controller goes away.
fn never_answered(machine: &mut Machine) -> Result<()> {
    let unit = machine.controller.unit(0, 0).context("the disk")?;
    unit.inject(Injection::new(Fault::Lose).only(READ_10));
    let commands = unit.commands();
    machine.sh("(dd if=/dev/sda of=/dev/null bs=4k count=1 iflag=direct >/dev/null 2>&1 &)")?;
    wait_until("the request to be lost arrives", SOON, || {
        unit.commands() > commands
    })?;
    machine
        .sh("dd if=/dev/sda of=/dev/null bs=4k skip=100 count=8 iflag=direct")
        .context("besides a lost request")?;
    machine
        .sh("pidof dd")
        .context("the lost request is still waited for")?;
    machine
        .server
        .remove_device(machine.controller.config().instance);
    machine.until("! pidof dd", "the lost request ends with its controller")
}
