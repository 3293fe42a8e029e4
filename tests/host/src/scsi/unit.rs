// SPDX-License-Identifier: GPL-2.0

//! A logical unit: a disk or a DVD drive, what it has to tell the guest, and the faults planted on it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::command::{Ended, Outcome, Request, opcode};
use super::disk::Disk;
use super::dvd::Dvd;
use super::fault::{Fault, Faults, Injection};
use super::sense::Sense;
use super::{capacity, control, inquiry, mode, provision, transfer};

/// What is behind a logical unit.
#[derive(Clone, Debug)]
pub enum Part {
    /// A disk.
    Disk(Arc<Disk>),
    /// A DVD drive.
    Dvd(Arc<Dvd>),
}

impl From<Arc<Disk>> for Part {
    fn from(disk: Arc<Disk>) -> Self {
        Part::Disk(disk)
    }
}

impl From<Disk> for Part {
    fn from(disk: Disk) -> Self {
        Part::Disk(disk.into())
    }
}

impl From<Arc<Dvd>> for Part {
    fn from(drive: Arc<Dvd>) -> Self {
        Part::Dvd(drive)
    }
}

/// A logical unit.
#[derive(Debug)]
pub struct LogicalUnit {
    part: Part,
    attentions: Mutex<VecDeque<Sense>>,
    faults: Mutex<Faults>,
    commands: AtomicU64,
}

impl LogicalUnit {
    /// The unit that is `part`.
    pub fn new(part: impl Into<Part>) -> Self {
        LogicalUnit {
            part: part.into(),
            attentions: Mutex::default(),
            faults: Mutex::default(),
            commands: AtomicU64::new(0),
        }
    }

    /// What is behind it.
    pub fn part(&self) -> &Part {
        &self.part
    }

    /// The disk.
    ///
    /// # Panics
    ///
    /// The unit is a DVD drive.
    pub fn disk(&self) -> &Arc<Disk> {
        match &self.part {
            Part::Disk(disk) => disk,
            Part::Dvd(_) => panic!("a DVD drive is no disk"),
        }
    }

    /// How many commands arrived, those that failed or met a fault included.
    pub fn commands(&self) -> u64 {
        self.commands.load(Relaxed)
    }

    /// Plants a fault.
    pub fn inject(&self, injection: Injection) {
        lock(&self.faults).add(injection);
    }

    /// Removes the faults that no command has met; returns how many commands they were for.
    pub fn clear_faults(&self) -> usize {
        lock(&self.faults).clear()
    }

    /// Has the next command that can report a unit attention report this one. One that is waiting
    /// already is not reported twice.
    pub fn attention(&self, sense: Sense) {
        let mut attentions = lock(&self.attentions);
        if !attentions.contains(&sense) {
            attentions.push_back(sense);
        }
    }

    /// Counts a command, and returns the fault that it meets.
    pub fn arrive(&self, opcode: u8) -> Option<Fault> {
        self.commands.fetch_add(1, Relaxed);
        lock(&self.faults).take(opcode)
    }

    /// Runs a command.
    pub fn execute(&self, request: &Request<'_>) -> Outcome {
        if !request.cdb.is_complete() {
            return Sense::INVALID_FIELD.into();
        }
        match request.cdb.opcode() {
            opcode::INQUIRY => self.run(request).into(),
            opcode::REQUEST_SENSE => match lock(&self.attentions).pop_front() {
                Some(sense) => control::request_sense(request, Some(sense)).into(),
                None => self.run(request).into(),
            },
            _ => match lock(&self.attentions).pop_front() {
                Some(sense) => sense.into(),
                None => self.run(request).into(),
            },
        }
    }

    fn run(&self, request: &Request<'_>) -> Ended {
        match &self.part {
            Part::Disk(disk) => run(disk, request),
            Part::Dvd(drive) => drive.run(request),
        }
    }
}

/// Runs a command on a disk.
fn run(disk: &Disk, request: &Request<'_>) -> Ended {
    use opcode::*;
    match request.cdb.opcode() {
        INQUIRY => inquiry::inquiry(disk, request),
        REQUEST_SENSE => control::request_sense(request, None),
        // Power conditions are not modelled: a stopped disk works.
        TEST_UNIT_READY | START_STOP_UNIT => Ok(0),
        READ_6 | READ_10 | READ_12 | READ_16 => transfer::read(disk, request),
        WRITE_6 | WRITE_10 | WRITE_12 | WRITE_16 => transfer::write(disk, request),
        VERIFY_10 | VERIFY_16 => transfer::verify(disk, request),
        SYNCHRONIZE_CACHE_10 | SYNCHRONIZE_CACHE_16 => control::synchronize_cache(disk, request),
        UNMAP => provision::unmap(disk, request),
        WRITE_SAME_10 | WRITE_SAME_16 => provision::write_same(disk, request),
        READ_CAPACITY_10 => capacity::read_capacity_10(disk, request),
        SERVICE_ACTION_IN_16 => capacity::service_action_in(disk, request),
        MODE_SENSE_6 => mode::mode_sense_6(disk, request),
        MODE_SENSE_10 => mode::mode_sense_10(disk, request),
        _ => Err(Sense::INVALID_OPCODE.into()),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
