// SPDX-License-Identifier: GPL-2.0

//! What a guest did that the storage protocol does not allow. A correct driver causes none of these.

use std::sync::{Mutex, PoisonError};

/// A breach of the protocol.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// A packet has another length than 64 bytes.
    #[error("packet of {0} bytes")]
    PacketLength(usize),
    /// A packet is of a kind that its operation does not come in.
    #[error("operation {operation} in a packet of kind {kind:#x}")]
    PacketKind {
        /// The operation.
        operation: u32,
        /// The kind of VMBus packet.
        kind: u16,
    },
    /// A packet asks for no completion, so that the guest cannot know how it went.
    #[error("operation {0} without a completion")]
    NoCompletion(u32),
    /// A transaction has a number that the protocol keeps for the host, or that is in use.
    #[error("transaction {0:#x}")]
    Transaction(u64),
    /// There is no such operation, or a guest may not ask for it.
    #[error("operation {0} is not one for guests")]
    Operation(u32),
    /// An operation came before or after its time.
    #[error("operation {0} out of turn")]
    OutOfTurn(u32),
    /// An operation that belongs on the primary channel came on another.
    #[error("operation {0} on a sub-channel")]
    NotPrimary(u32),
    /// More sub-channels than there are, none, or a second time.
    #[error("{0} sub-channels asked for")]
    SubChannels(u16),
    /// A field of a request block has an impossible value.
    #[error("request block: {0} is {1}")]
    Srb(&'static str, u32),
    /// The data buffer is not guest memory.
    #[error("data buffer is not guest memory")]
    Memory,
}

/// The violations so far: the first few, and how many there were.
#[derive(Debug, Default)]
pub struct Violations(Mutex<(Vec<Violation>, usize)>);

impl Violations {
    const KEPT: usize = 64;

    /// Records one.
    pub fn add(&self, violation: Violation) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.1 += 1;
        if inner.0.len() < Self::KEPT {
            tracing::warn!(%violation, "the guest's storage driver is wrong");
            inner.0.push(violation);
        }
    }

    /// The first of them.
    pub fn first(&self) -> Vec<Violation> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .0
            .clone()
    }

    /// How many there were.
    pub fn count(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1
    }
}
