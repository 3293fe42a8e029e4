// SPDX-License-Identifier: GPL-2.0

//! A DVD drive (MMC-6): it reads discs, which come and go, and lets the guest lock and open its tray.
//!
//! It has what Linux asks such a drive for, and as Hyper-V's no mode pages.

mod answers;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::command::{Ended, Failure, Request, opcode};
use super::disk::{BLOCK, Disk};
use super::inquiry;
use super::sense::Sense;
use super::transfer;

/// Bytes in a block of a disc.
pub const DISC_BLOCK: u64 = 2048;

/// Blocks of the image in one of the disc.
const RATIO: u32 = (DISC_BLOCK / BLOCK) as u32;

/// What the guest is told when it asks what happened to the disc.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Event {
    #[default]
    None,
    NewDisc,
    DiscRemoved,
}

#[derive(Debug, Default)]
struct State {
    disc: Option<Arc<Disk>>,
    locked: bool,
    /// The disc is another one than the guest knows of.
    changed: bool,
    event: Event,
}

/// A DVD drive.
#[derive(Debug, Default)]
pub struct Dvd(Mutex<State>);

impl Dvd {
    /// A drive with a disc in it.
    pub fn with(disc: impl Into<Arc<Disk>>) -> Self {
        Dvd(Mutex::new(State {
            disc: Some(disc.into()),
            ..State::default()
        }))
    }

    /// Puts another disc in, or takes it out, whether the tray is locked or not; returns the old one.
    pub fn change(&self, disc: Option<Arc<Disk>>) -> Option<Arc<Disk>> {
        let mut state = self.lock();
        state.changed = disc.is_some();
        state.event = match disc {
            Some(_) => Event::NewDisc,
            None => Event::DiscRemoved,
        };
        std::mem::replace(&mut state.disc, disc)
    }

    /// The disc.
    pub fn disc(&self) -> Option<Arc<Disk>> {
        self.lock().disc.clone()
    }

    /// Whether the guest keeps the disc in.
    pub fn is_locked(&self) -> bool {
        self.lock().locked
    }

    /// Runs a command.
    pub(super) fn run(&self, request: &Request<'_>) -> Ended {
        use opcode::*;
        match request.cdb.opcode() {
            INQUIRY => return inquiry::inquiry_of_dvd(request),
            GET_EVENT_STATUS => return self.event_status(request),
            _ => {}
        }
        self.report_change()?;
        match request.cdb.opcode() {
            TEST_UNIT_READY => self.ready().map(|_| 0),
            REQUEST_SENSE => super::control::request_sense(request, None),
            READ_6 | READ_10 | READ_12 => read(&*self.ready()?, request),
            READ_CAPACITY_10 => answers::capacity(blocks(&*self.ready()?), request),
            READ_TOC => answers::table_of_contents(blocks(&*self.ready()?), request),
            GET_CONFIGURATION => answers::configuration(self.disc().is_some(), request),
            PREVENT_REMOVAL => {
                self.lock().locked = request.cdb.byte(4) & 1 != 0;
                Ok(0)
            }
            START_STOP_UNIT => self.start_stop(request),
            MODE_SENSE_6 | MODE_SENSE_10 => Err(Sense::INVALID_FIELD.into()),
            _ => Err(Sense::INVALID_OPCODE.into()),
        }
    }

    fn report_change(&self) -> Result<(), Failure> {
        if std::mem::take(&mut self.lock().changed) {
            return Err(Sense::MEDIUM_CHANGED.into());
        }
        Ok(())
    }

    fn ready(&self) -> Result<Arc<Disk>, Failure> {
        self.disc().ok_or(Failure::Check(Sense::NO_MEDIUM))
    }

    /// START STOP UNIT: with both bits the tray is closed, which changes nothing; with "load or eject"
    /// alone the disc goes.
    fn start_stop(&self, request: &Request<'_>) -> Ended {
        const LOAD_OR_EJECT: u8 = 2;
        const START: u8 = 1;
        if request.cdb.byte(4) & (LOAD_OR_EJECT | START) == LOAD_OR_EJECT {
            if self.is_locked() {
                return Err(Sense::REMOVAL_PREVENTED.into());
            }
            self.change(None);
        }
        Ok(0)
    }

    fn event_status(&self, request: &Request<'_>) -> Ended {
        let mut state = self.lock();
        let event = std::mem::take(&mut state.event);
        answers::event_status(event, state.disc.is_some(), request)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn blocks(disc: &Disk) -> u64 {
    disc.blocks() / u64::from(RATIO)
}

fn read(disc: &Disk, request: &Request<'_>) -> Ended {
    transfer::read_scaled(disc, request, RATIO)
}
