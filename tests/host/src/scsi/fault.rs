// SPDX-License-Identifier: GPL-2.0

//! Faults that a test plants on a logical unit.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::protocol::PACKET_LEN;
use super::sense::Sense;
use crate::vmbus::channel::COMPLETION;

/// What happens to a command instead of what it asks for.
#[derive(Clone)]
pub enum Fault {
    /// It is not run and ends with CHECK CONDITION.
    Check(Sense),
    /// It is not run and ends with these SRB and SCSI status values.
    Status {
        /// The SRB status, flags included.
        srb: u8,
        /// The SCSI status.
        scsi: u8,
    },
    /// It is run and never completed, not even by a reset.
    Lose,
    /// It is run and completed only by `release` or, as reset, by a bus reset.
    Hold,
    /// It is run and completed after this time.
    Delay(Duration),
    /// It is run, and its data begins with these bytes instead.
    Data(Vec<u8>),
    /// It is run, and what the guest is told is first changed by this function.
    Tamper(Arc<dyn Fn(&mut Completion) + Send + Sync>),
}

impl Fault {
    /// A [`Fault::Tamper`] from a closure.
    pub fn tamper(change: impl Fn(&mut Completion) + Send + Sync + 'static) -> Self {
        Fault::Tamper(Arc::new(change))
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Check(sense) => f.debug_tuple("Check").field(sense).finish(),
            Fault::Status { srb, scsi } => write!(f, "Status {{ srb: {srb:#x}, scsi: {scsi:#x} }}"),
            Fault::Lose => f.write_str("Lose"),
            Fault::Hold => f.write_str("Hold"),
            Fault::Data(bytes) => f.debug_tuple("Data").field(bytes).finish(),
            Fault::Delay(time) => f.debug_tuple("Delay").field(time).finish(),
            Fault::Tamper(_) => f.write_str("Tamper"),
        }
    }
}

/// A completion packet about to be sent, for [`Fault::Tamper`] to spoil.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// The kind of VMBus packet; 0xb is a completion.
    pub kind: u16,
    /// The transaction that the guest is told.
    pub transaction: u64,
    /// The packet's payload.
    pub payload: Vec<u8>,
    /// How often it is sent.
    pub copies: usize,
}

impl Completion {
    /// What is sent when nothing is spoilt.
    pub fn honest(transaction: u64, payload: &[u8; PACKET_LEN]) -> Self {
        Completion {
            kind: COMPLETION,
            transaction,
            payload: payload.to_vec(),
            copies: 1,
        }
    }
}

/// A fault with the commands that meet it.
#[derive(Clone, Debug)]
pub struct Injection {
    fault: Fault,
    remaining: usize,
    opcodes: Vec<u8>,
}

impl Injection {
    /// `fault` for the next command.
    pub fn new(fault: Fault) -> Self {
        Injection {
            fault,
            remaining: 1,
            opcodes: Vec::new(),
        }
    }

    /// For the next `count` commands instead of one.
    pub fn times(mut self, count: usize) -> Self {
        self.remaining = count;
        self
    }

    /// For commands with this operation code only, or with another one given the same way.
    pub fn only(mut self, opcode: u8) -> Self {
        self.opcodes.push(opcode);
        self
    }
}

/// The faults planted on one unit, the oldest first.
#[derive(Debug, Default)]
pub struct Faults(Vec<Injection>);

impl Faults {
    /// Plants one.
    pub fn add(&mut self, injection: Injection) {
        if injection.remaining > 0 {
            self.0.push(injection);
        }
    }

    /// Removes all; returns how many commands they would still have met.
    pub fn clear(&mut self) -> usize {
        self.0
            .drain(..)
            .fold(0, |sum, injection| sum.saturating_add(injection.remaining))
    }

    /// The fault that a command with `opcode` meets, which is then used up by one.
    pub fn take(&mut self, opcode: u8) -> Option<Fault> {
        let at = self
            .0
            .iter()
            .position(|i| i.opcodes.is_empty() || i.opcodes.contains(&opcode))?;
        let injection = &mut self.0[at];
        injection.remaining -= 1;
        let fault = injection.fault.clone();
        if injection.remaining == 0 {
            self.0.remove(at);
        }
        Some(fault)
    }
}
