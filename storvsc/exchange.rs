// SPDX-License-Identifier: GPL-2.0

//! Requests that someone waits for: those of the set-up, and the reset.

use super::wire::Packet;
use core::{
    mem,
    time::Duration, //
};
use kernel::{
    new_mutex, new_spinlock_irq,
    prelude::*,
    sync::{
        Mutex,
        SpinLockIrq, //
    },
};
use vmbus::{
    sync::Completion,
    Endpoint, //
};

/// How far the request is.
enum State {
    /// There is none.
    Idle,
    /// The host has not answered yet.
    Waiting,
    /// The host has answered.
    Answered(Packet),
    /// The host will not answer any more.
    Gone,
}

/// A place for one request at a time, all of which have the same transaction id.
///
/// Locks, in the order of taking: `turn`, `state`.
#[pin_data]
pub(crate) struct Exchange {
    transaction: u64,
    #[pin]
    turn: Mutex<()>,
    #[pin]
    state: SpinLockIrq<State>,
    #[pin]
    answered: Completion,
}

impl Exchange {
    /// How long the host may take.
    const PATIENCE: Duration = Duration::from_secs(180);

    /// Makes a place for requests with this transaction id.
    pub(crate) fn new(transaction: u64) -> impl PinInit<Self> {
        pin_init!(Self {
            transaction,
            turn <- new_mutex!(()),
            state <- new_spinlock_irq!(State::Idle),
            answered <- Completion::new(),
        })
    }

    /// Sends a request and waits for the answer.
    ///
    /// # Errors
    ///
    /// `ETIMEDOUT` if the host does not answer, `ENODEV` if it takes the device away, and the
    /// errors of sending.
    pub(crate) fn execute(&self, endpoint: &Endpoint, request: &Packet) -> Result<Packet> {
        let _turn = self.turn.lock();
        self.begin()?;
        let sent = endpoint.send_inband(request.as_bytes(), self.transaction, true);
        if sent.is_ok() {
            self.answered.wait_timeout(Self::PATIENCE);
        }
        let answer = self.end();
        sent?;
        answer
    }

    fn begin(&self) -> Result {
        let mut state = self.state.lock();
        if let State::Gone = *state {
            return Err(ENODEV);
        }
        *state = State::Waiting;
        self.answered.reinit();
        Ok(())
    }

    fn end(&self) -> Result<Packet> {
        let mut state = self.state.lock();
        if let State::Gone = *state {
            return Err(ENODEV);
        }
        match mem::replace(&mut *state, State::Idle) {
            State::Answered(packet) => Ok(packet),
            _ => Err(ETIMEDOUT),
        }
    }

    /// Takes an answer of the host; `false` if nobody waits for one.
    #[must_use]
    pub(crate) fn answer(&self, packet: Packet) -> bool {
        let mut state = self.state.lock();
        let State::Waiting = *state else {
            return false;
        };
        *state = State::Answered(packet);
        self.answered.complete();
        true
    }

    /// Ends the wait for an answer, now and later.
    pub(crate) fn abort(&self) {
        *self.state.lock() = State::Gone;
        self.answered.complete_all();
    }
}
