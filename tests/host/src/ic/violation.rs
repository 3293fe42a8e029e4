// SPDX-License-Identifier: GPL-2.0

//! What a guest did that the services' protocol does not allow.

use std::sync::{Mutex, PoisonError};

/// A breach of the protocol.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// Answers are in-band packets that want no completion.
    #[error("packet of kind {kind:#x} with flags {flags:#x}")]
    PacketKind {
        /// The kind of VMBus packet.
        kind: u16,
        /// Its flags.
        flags: u16,
    },
    /// A packet that answers nothing that was asked.
    #[error("answer to request {0:#x}, which does not exist")]
    Unasked(u64),
    /// An answer is as long as its request.
    #[error("answer of {got} bytes to a request of {wanted}")]
    Length {
        /// The answer's length.
        got: usize,
        /// The request's, padded.
        wanted: usize,
    },
    /// A part of a header that an answer has to repeat, or to set.
    #[error("{field} of an answer is {got:#x} instead of {wanted:#x}")]
    Header {
        /// Which part.
        field: &'static str,
        /// What it is.
        got: u64,
        /// What it has to be.
        wanted: u64,
    },
    /// Versions were agreed on that were not offered.
    #[error("version chosen that was not offered: framework {0}, messages {1}")]
    Version(String, String),
    /// A negotiation's answer has other counts than 1 and 1, or 0 and 0.
    #[error("negotiation answered with {0} framework and {1} message versions")]
    Counts(u16, u16),
    /// A field of a service's own message has an impossible value.
    #[error("{field} is {value}")]
    Field {
        /// Which field.
        field: &'static str,
        /// Its value.
        value: String,
    },
}

/// The violations so far: the first few, and how many there were.
#[derive(Debug, Default)]
pub(super) struct Violations(Mutex<(Vec<Violation>, usize)>);

impl Violations {
    const KEPT: usize = 64;

    pub(super) fn add(&self, violation: Violation) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.1 += 1;
        if inner.0.len() < Self::KEPT {
            tracing::warn!(%violation, "the guest's utility driver is wrong");
            inner.0.push(violation);
        }
    }

    pub(super) fn first(&self) -> Vec<Violation> {
        let inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.0.clone()
    }

    pub(super) fn clear(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = (Vec::new(), 0);
    }
}
