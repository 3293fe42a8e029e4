// SPDX-License-Identifier: GPL-2.0

//! The bus behind a controller: which logical unit is at which address.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::command::{Outcome, Request, opcode};
use super::protocol::srb_status;
use super::sense::Sense;
use super::unit::LogicalUnit;
use super::{control, inquiry};

/// Where a logical unit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// The bus number; Linux calls it the channel.
    pub path: u8,
    /// The target.
    pub target: u8,
    /// The logical unit number.
    pub lun: u8,
}

impl From<(u8, u8)> for Address {
    fn from((target, lun): (u8, u8)) -> Self {
        Address {
            path: 0,
            target,
            lun,
        }
    }
}

/// Why the units could not be changed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BusError {
    /// There is a unit at the address.
    #[error("{0:?} is taken")]
    Taken(Address),
    /// There is no unit at the address.
    #[error("nothing is at {0:?}")]
    Empty(Address),
}

/// The logical units of a controller.
#[derive(Debug, Default)]
pub struct Bus {
    units: RwLock<BTreeMap<Address, Arc<LogicalUnit>>>,
}

impl Bus {
    /// Adds a unit, and has the other units of its target tell the guest.
    pub fn add(&self, at: Address, unit: Arc<LogicalUnit>) -> Result<(), BusError> {
        let mut units = self.write();
        if units.contains_key(&at) {
            return Err(BusError::Taken(at));
        }
        announce(&units, at);
        units.insert(at, unit);
        Ok(())
    }

    /// Removes a unit, and has the other units of its target tell the guest.
    pub fn remove(&self, at: Address) -> Result<Arc<LogicalUnit>, BusError> {
        let mut units = self.write();
        let unit = units.remove(&at).ok_or(BusError::Empty(at))?;
        announce(&units, at);
        Ok(unit)
    }

    /// The unit at `at`.
    pub fn unit(&self, at: Address) -> Option<Arc<LogicalUnit>> {
        self.read().get(&at).cloned()
    }

    /// Runs a command for which there is `unit`, or none, at `at`.
    ///
    /// Where there is none, INQUIRY and REPORT LUNS are answered all the same. A guest could not
    /// tell it by a failure: Linux takes every INQUIRY as successful, and takes a disk away when
    /// REPORT LUNS fails on another bus.
    pub fn execute(
        &self,
        at: Address,
        unit: Option<&LogicalUnit>,
        request: &Request<'_>,
    ) -> Outcome {
        match (request.cdb.opcode(), unit) {
            (opcode::REPORT_LUNS, _) => control::report_luns(request, &self.luns(at)).into(),
            (_, Some(unit)) => unit.execute(request),
            (opcode::INQUIRY, None) => inquiry::inquiry_of_nothing(request).into(),
            (_, None) => Outcome::srb(srb_status::INVALID_LUN),
        }
    }

    /// The numbers of the units that share `at`'s target.
    fn luns(&self, at: Address) -> Vec<u8> {
        siblings(&self.read(), at)
            .map(|(address, _)| address.lun)
            .collect()
    }

    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<Address, Arc<LogicalUnit>>> {
        self.units.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<Address, Arc<LogicalUnit>>> {
        self.units.write().unwrap_or_else(PoisonError::into_inner)
    }
}

fn siblings(
    units: &BTreeMap<Address, Arc<LogicalUnit>>,
    at: Address,
) -> impl Iterator<Item = (&Address, &Arc<LogicalUnit>)> {
    units.range(Address { lun: 0, ..at }..=Address { lun: u8::MAX, ..at })
}

fn announce(units: &BTreeMap<Address, Arc<LogicalUnit>>, at: Address) {
    for (_, unit) in siblings(units, at) {
        unit.attention(Sense::LUNS_CHANGED);
    }
}
