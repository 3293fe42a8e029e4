// SPDX-License-Identifier: GPL-2.0

//! Requests that someone waits for: those of the set-up, and the reset.

use super::wire::Packet;
use core::time::Duration;
use kernel::prelude::*;
use vmbus::{
    sync,
    Endpoint, //
};

/// A place for one request at a time, all of which have the same transaction id.
#[pin_data]
pub(crate) struct Exchange {
    transaction: u64,
    #[pin]
    answers: sync::Exchange<Packet>,
}

impl Exchange {
    /// How long the host may take.
    const PATIENCE: Duration = Duration::from_secs(180);

    /// Makes a place for requests with this transaction id.
    pub(crate) fn new(transaction: u64) -> impl PinInit<Self> {
        pin_init!(Self {
            transaction,
            answers <- sync::Exchange::new(Self::PATIENCE),
        })
    }

    /// Sends a request and waits for the answer.
    ///
    /// # Errors
    ///
    /// `ETIMEDOUT` if the host does not answer, `ENODEV` if it takes the device away, and the
    /// errors of sending.
    pub(crate) fn execute(&self, endpoint: &Endpoint, request: &Packet) -> Result<Packet> {
        self.answers.execute(|_| {
            endpoint.send_inband(request.as_bytes(), self.transaction, true)?;
            Ok(())
        })
    }

    /// Takes an answer of the host; `false` if nobody waits for one.
    #[must_use]
    pub(crate) fn answer(&self, packet: Packet) -> bool {
        self.answers.answer_any(packet)
    }

    /// Ends the wait for an answer, now and later.
    pub(crate) fn abort(&self) {
        self.answers.abort();
    }
}
