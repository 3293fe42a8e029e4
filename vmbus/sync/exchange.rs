// SPDX-License-Identifier: GPL-2.0

//! Requests to a host that someone waits for.

use core::{
    mem,
    time::Duration, //
};

use kernel::{
    prelude::*,
    static_lock_class,
    sync::{
        Mutex,
        SpinLockIrq, //
    }, //
};

use super::Completion;

// Each crate that has such requests would have names of its own for the one class of locks that there
// is, which lockdep complains about. These are the same for all.
static TURN: &CStr = c"Exchange::turn";
static STATE: &CStr = c"Exchange::state";

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
pub struct Exchange<T> {
    patience: Duration,
    /// The number of the last request.
    #[pin]
    turn: Mutex<u32>,
    #[pin]
    state: SpinLockIrq<State<T>>,
    #[pin]
    answered: Completion,
}

impl<T: Send + Unpin> Exchange<T> {
    /// Makes a place for requests that the host may take `patience` to answer.
    pub fn new(patience: Duration) -> impl PinInit<Self> {
        pin_init!(Self {
            patience,
            turn <- Mutex::new(0, TURN, static_lock_class!()),
            state <- SpinLockIrq::new(State::Idle, STATE, static_lock_class!()),
            answered <- Completion::new(),
        })
    }

    /// Sends a request with `send`, which is given its number, and waits for the answer. May sleep.
    ///
    /// # Errors
    ///
    /// `ETIMEDOUT` if the host does not answer, `ENODEV` if it takes the device away, and the
    /// errors of `send`.
    pub fn execute(&self, send: impl FnOnce(u32) -> Result) -> Result<T> {
        let mut turn = self.turn.lock();
        *turn = turn.wrapping_add(1);
        let id = *turn;
        self.begin(id)?;
        let sent = send(id);
        if sent.is_ok() {
            self.answered.wait_timeout(self.patience);
        }
        let answer = self.end();
        sent?;
        answer
    }

    /// Sends a message that has a number like a request and no answer.
    pub fn tell(&self, send: impl FnOnce(u32) -> Result) -> Result {
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

    /// Takes the answer to the request of this number; `false` if nobody waits for it. What `make`
    /// returns [`None`] for is no answer.
    #[must_use]
    pub fn answer(&self, id: u32, make: impl FnOnce() -> Option<T>) -> bool {
        self.answer_if(|wanted| wanted == id, make)
    }

    /// Takes an answer without a number, to whatever request is under way; `false` if none is.
    #[must_use]
    pub fn answer_any(&self, answer: T) -> bool {
        self.answer_if(|_| true, || Some(answer))
    }

    fn answer_if(
        &self,
        is_wanted: impl FnOnce(u32) -> bool,
        make: impl FnOnce() -> Option<T>,
    ) -> bool {
        let mut state = self.state.lock();
        match *state {
            State::Waiting(wanted) if is_wanted(wanted) => (),
            _ => return false,
        }
        if let Some(answer) = make() {
            *state = State::Answered(answer);
            self.answered.complete();
        }
        true
    }

    /// Ends the wait for an answer, now and later.
    pub fn abort(&self) {
        let old = mem::replace(&mut *self.state.lock(), State::Gone);
        self.answered.complete_all();
        drop(old);
    }
}
