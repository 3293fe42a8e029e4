// SPDX-License-Identifier: GPL-2.0

//! Requests that someone waits for.

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
    time::{
        delay::fsleep,
        Delta, //
    },
};
use vmbus::{
    sync::Completion,
    SendError, //
};

/// How long the host may take to answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often, and after which pause, a full ring is tried again.
const ATTEMPTS: usize = 200;
const PAUSE: Delta = Delta::from_millis(5);

/// How far the request is.
enum State<T> {
    /// There is none.
    Idle,
    /// The host has not answered this one yet.
    Waiting(u32),
    /// The host has answered.
    Answered(T),
    /// The host will not answer any more.
    Gone,
}

/// A place for one request at a time, each with a number of its own.
///
/// Locks, in the order of taking: `turn`, `state`.
#[pin_data]
pub(crate) struct Exchange<T> {
    /// The number of the last request.
    #[pin]
    turn: Mutex<u32>,
    #[pin]
    state: SpinLockIrq<State<T>>,
    #[pin]
    answered: Completion,
}

impl<T: Send + Unpin> Exchange<T> {
    /// Makes a place for requests.
    pub(crate) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            turn <- new_mutex!(0),
            state <- new_spinlock_irq!(State::Idle),
            answered <- Completion::new(),
        })
    }

    /// Sends a request with `send`, which is given its number, and waits for the answer. May sleep.
    ///
    /// # Errors
    ///
    /// `ETIMEDOUT` if the host does not answer, `ENODEV` if it takes the device away, and the
    /// errors of `send`.
    pub(crate) fn execute(&self, send: impl FnOnce(u32) -> Result) -> Result<T> {
        let mut turn = self.turn.lock();
        *turn = turn.wrapping_add(1);
        let id = *turn;
        self.begin(id)?;
        let sent = send(id);
        if sent.is_ok() {
            self.answered.wait_timeout(PATIENCE);
        }
        let answer = self.end();
        sent?;
        answer
    }

    /// Sends a message that has a number like a request and no answer.
    pub(crate) fn tell(&self, send: impl FnOnce(u32) -> Result) -> Result {
        let mut turn = self.turn.lock();
        *turn = turn.wrapping_add(1);
        send(*turn)
    }

    fn begin(&self, id: u32) -> Result {
        let mut state = self.state.lock();
        if let State::Gone = *state {
            return Err(ENODEV);
        }
        *state = State::Waiting(id);
        self.answered.reinit();
        Ok(())
    }

    fn end(&self) -> Result<T> {
        let mut state = self.state.lock();
        if let State::Gone = *state {
            return Err(ENODEV);
        }
        match mem::replace(&mut *state, State::Idle) {
            State::Answered(answer) => Ok(answer),
            _ => Err(ETIMEDOUT),
        }
    }

    /// Takes an answer of the host; `false` if nobody waits for one of this number. What `make`
    /// returns [`None`] for is no answer.
    #[must_use]
    pub(crate) fn answer(&self, id: u32, make: impl FnOnce() -> Option<T>) -> bool {
        let mut state = self.state.lock();
        match *state {
            State::Waiting(wanted) if wanted == id => (),
            _ => return false,
        }
        if let Some(answer) = make() {
            *state = State::Answered(answer);
            self.answered.complete();
        }
        true
    }

    /// Ends the wait for an answer, now and later.
    pub(crate) fn abort(&self) {
        let old = mem::replace(&mut *self.state.lock(), State::Gone);
        self.answered.complete_all();
        drop(old);
    }
}

/// Sends something, and tries again for some time if there is no room in the ring. May sleep.
///
/// # Errors
///
/// Those of `send`; `EAGAIN` if there was never room.
pub(crate) fn patiently(mut send: impl FnMut() -> Result<(), SendError>) -> Result {
    for _ in 0..ATTEMPTS {
        match send() {
            Err(SendError::Full) => fsleep(PAUSE),
            other => return Ok(other?),
        }
    }
    Err(EAGAIN)
}
