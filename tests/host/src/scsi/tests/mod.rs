// SPDX-License-Identifier: GPL-2.0

//! Tests of the controller, from single commands to whole conversations.

mod bus;
mod commands;
mod controller;
mod conversation;
mod disk;
mod dvd;
mod faults;
mod guest;
mod hostile;
mod provision;
mod session;
mod srb;
mod transfer;

use std::sync::Arc;

use proptest::prelude::ProptestConfig;

use super::buffer::Buffer;
use super::bus::Bus;
use super::command::{Cdb, Direction, Host, Outcome, Request};
use super::protocol::{Version, scsi_status, srb_status};
use super::{Address, Controller, Disk, LogicalUnit, Sense};

const MAX_TRANSFER: u32 = 64 << 10;

/// A bus with its units, on which commands run without a guest.
struct Rig {
    bus: Bus,
    version: Version,
}

impl Rig {
    fn empty() -> Self {
        Rig {
            bus: Bus::default(),
            version: Version::V6_2,
        }
    }

    /// A bus with a disk at target 0, unit 0.
    fn with(disk: Disk) -> Self {
        let rig = Rig::empty();
        rig.add(0, 0, disk);
        rig
    }

    fn blocks(blocks: u64) -> Self {
        Rig::with(Disk::memory(blocks * 512).unwrap())
    }

    fn add(&self, target: u8, lun: u8, disk: Disk) -> Arc<LogicalUnit> {
        let unit = Arc::new(LogicalUnit::new(Arc::new(disk)));
        self.bus
            .add((target, lun).into(), Arc::clone(&unit))
            .unwrap();
        unit
    }

    fn disk(&self) -> Arc<Disk> {
        Arc::clone(self.bus.unit((0, 0).into()).unwrap().disk())
    }

    fn run_at(
        &self,
        at: impl Into<Address>,
        cdb: &[u8],
        direction: Direction,
        bytes: &mut [u8],
    ) -> Outcome {
        let at = at.into();
        let unit = self.bus.unit(at);
        let data = Buffer::from_bytes(bytes);
        let host = Host {
            version: self.version,
            max_transfer_bytes: MAX_TRANSFER,
        };
        let request = Request {
            cdb: Cdb(cdb),
            data: &data,
            direction,
            host,
        };
        self.bus.execute(at, unit.as_deref(), &request)
    }

    /// Runs a command that returns data into a buffer of `len` bytes; returns how it ended and what
    /// was transferred. Bytes beyond that must be untouched.
    fn fetch(&self, cdb: &[u8], len: usize) -> (Outcome, Vec<u8>) {
        let mut bytes = vec![0xa5; len];
        let outcome = self.run_at((0, 0), cdb, Direction::In, &mut bytes);
        let done = outcome.transferred.unwrap_or(0) as usize;
        assert!(
            bytes[done..].iter().all(|&byte| byte == 0xa5),
            "wrote beyond the end"
        );
        bytes.truncate(done);
        (outcome, bytes)
    }

    /// As [`Rig::fetch`], of a command that succeeds.
    fn read(&self, cdb: &[u8], len: usize) -> Vec<u8> {
        let (outcome, bytes) = self.fetch(cdb, len);
        assert_eq!(outcome, good(bytes.len()), "{cdb:02x?}");
        bytes
    }

    fn send(&self, cdb: &[u8], bytes: &[u8]) -> Outcome {
        self.run_at((0, 0), cdb, Direction::Out, &mut bytes.to_vec())
    }

    fn command(&self, cdb: &[u8]) -> Outcome {
        self.run_at((0, 0), cdb, Direction::None, &mut [])
    }
}

fn good(bytes: usize) -> Outcome {
    Outcome {
        scsi_status: scsi_status::GOOD,
        srb_status: srb_status::SUCCESS,
        transferred: Some(bytes as u32),
        sense: None,
    }
}

fn overrun(bytes: usize) -> Outcome {
    Outcome {
        srb_status: srb_status::DATA_OVERRUN,
        ..good(bytes)
    }
}

/// CHECK CONDITION as the guest sees it: 0x86 for an illegal request, else 0x84.
fn check(sense: Sense) -> Outcome {
    Outcome {
        scsi_status: 0x02,
        srb_status: if sense.key == 5 { 0x86 } else { 0x84 },
        transferred: None,
        sense: Some(sense),
    }
}

/// A descriptor block of `len` bytes with fields at the given places.
fn cdb(len: usize, fields: &[(usize, &[u8])]) -> Vec<u8> {
    let mut bytes = vec![0; len];
    for (at, field) in fields {
        bytes[*at..at + field.len()].copy_from_slice(field);
    }
    bytes
}

/// READ or WRITE (16), or another command of that form.
fn cdb16(opcode: u8, flags: u8, lba: u64, blocks: u32) -> Vec<u8> {
    cdb(
        16,
        &[
            (0, &[opcode, flags]),
            (2, &lba.to_be_bytes()),
            (10, &blocks.to_be_bytes()),
        ],
    )
}

/// READ or WRITE (10), or another command of that form.
fn cdb10(opcode: u8, flags: u8, lba: u32, blocks: u16) -> Vec<u8> {
    cdb(
        10,
        &[
            (0, &[opcode, flags]),
            (2, &lba.to_be_bytes()),
            (7, &blocks.to_be_bytes()),
        ],
    )
}

/// Runs a property with this many random cases, and leaves no files behind.
fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// Bytes that differ from block to block and within one.
fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at / 512 * 7 + at) as u8).collect()
}
