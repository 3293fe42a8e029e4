// SPDX-License-Identifier: GPL-2.0

//! What the guest did against the protocol.
//!
//! A violation is remembered and answered with an error where an answer exists. Tests assert that
//! there were none.

use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::ring::RingError;
use super::sync::lock;

/// How many violations are kept; all are counted.
const KEPT: usize = 256;

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Shorter than its kind, or an unknown kind.
    #[error("malformed message of kind {kind}, {len} bytes")]
    Malformed {
        /// The message's kind.
        kind: u32,
        /// Its length.
        len: usize,
    },
    /// A message that needs a connection came without one.
    #[error("message of kind {0} without a connection")]
    NotConnected(u32),
    /// Contact was initiated on top of an established connection.
    #[error("contact while connected")]
    ContactWhileConnected,
    /// A message or event came on a connection id that is not the agreed one.
    #[error("connection id {0:#x}")]
    Connection(u32),
    /// An event flag that the connection does not have.
    #[error("event flag {0}")]
    EventFlag(u16),
    /// A virtual processor that does not exist.
    #[error("virtual processor {0}")]
    Processor(u32),
    /// A message interrupt source other than 2.
    #[error("message SINT {0}")]
    Sint(u8),
    /// The offers were requested twice.
    #[error("offers requested twice")]
    OffersRequestedTwice,
    /// A relid that was never offered, or was released.
    #[error("message of kind {0} for an unknown relid")]
    UnknownRelid(u32),
    /// A channel was opened that is open.
    #[error("opened twice")]
    OpenedTwice,
    /// A message that needs an open channel came for a closed one.
    #[error("message of kind {0} for a closed channel")]
    NotOpen(u32),
    /// An open channel was signalled before, or a closed one.
    #[error("signal on a closed channel")]
    SignalWhileClosed,
    /// An open channel's relid was released.
    #[error("relid of an open channel released")]
    ReleasedWhileOpen,
    /// The open message's rings are not usable.
    #[error("unusable rings: {0}")]
    Rings(String),
    /// A GPADL handle that is in use.
    #[error("gpadl {0:#x} exists")]
    GpadlExists(u32),
    /// A GPADL handle that is not known.
    #[error("gpadl {0:#x} does not exist")]
    UnknownGpadl(u32),
    /// A GPADL that contradicts itself or guest memory.
    #[error("gpadl {handle:#x}: {what}")]
    BadGpadl {
        /// The handle.
        handle: u32,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The GPADL of an open channel's rings, or of a buffer not taken back from a device, was torn down.
    #[error("gpadl {0:#x} torn down while in use")]
    GpadlInUse(u32),
    /// A message that the agreed version does not have.
    #[error("message of kind {0} is newer than the agreed version")]
    TooNew(u32),
    /// A broken ring.
    #[error("ring: {0}")]
    Ring(#[from] RingError),
    /// A packet's trailer does not tell where it started.
    #[error("wrong packet trailer")]
    Trailer,
}

/// A fault, and where it happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The channel, where the fault is about one.
    pub relid: Option<u32>,
    /// What went wrong.
    pub fault: Fault,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.relid {
            Some(relid) => write!(f, "relid {relid}: {}", self.fault),
            None => self.fault.fmt(f),
        }
    }
}

/// The violations so far.
#[derive(Debug, Default)]
pub(super) struct Violations {
    first: Mutex<Vec<Violation>>,
    count: AtomicU64,
}

impl Violations {
    pub(super) fn add(&self, violation: Violation) {
        self.count.fetch_add(1, Ordering::Relaxed);
        let mut first = lock(&self.first);
        if first.len() < KEPT {
            first.push(violation);
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    pub(super) fn list(&self) -> Vec<Violation> {
        lock(&self.first).clone()
    }

    pub(super) fn clear(&self) {
        lock(&self.first).clear();
        self.count.store(0, Ordering::Relaxed);
    }
}
