// SPDX-License-Identifier: GPL-2.0

//! Completions that are held back, by a fault, until a time or until they are let go.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use super::protocol::PACKET_LEN;
use super::srb::CheckedSrb;
use crate::vmbus::channel::Channel;

/// A completion that is held back.
pub struct Held {
    /// The channel that the request came on.
    pub channel: Arc<Channel>,
    /// The transaction of the request.
    pub transaction: u64,
    /// The request.
    pub srb: CheckedSrb,
    /// What to tell the guest.
    pub payload: [u8; PACKET_LEN],
    /// When to tell it, if not when it is let go.
    pub due: Option<Instant>,
}

impl Held {
    fn is_on(&self, channel: &Channel) -> bool {
        self.channel.relid() == channel.relid()
    }
}

#[derive(Default)]
struct State {
    held: Vec<Held>,
    stop: bool,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

/// The completions of one controller that are held back.
pub struct Pending {
    shared: Arc<Shared>,
    timer: OnceLock<JoinHandle<()>>,
    send: Arc<dyn Fn(Held) + Send + Sync>,
}

impl Pending {
    /// Nothing held back; `send` is what completes a request whose time has come.
    pub fn new(send: impl Fn(Held) + Send + Sync + 'static) -> Self {
        Pending {
            shared: Arc::default(),
            timer: OnceLock::new(),
            send: Arc::new(send),
        }
    }

    /// Holds a completion back.
    pub fn hold(&self, held: Held) {
        let timed = held.due.is_some();
        self.lock().held.push(held);
        if timed {
            self.timer.get_or_init(|| {
                let (shared, send) = (Arc::clone(&self.shared), Arc::clone(&self.send));
                thread::spawn(move || run(&shared, &*send))
            });
            self.shared.changed.notify_one();
        }
    }

    /// How many are held back.
    pub fn len(&self) -> usize {
        self.lock().held.len()
    }

    /// Whether none is held back.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the transaction on `channel` is one that is held back.
    pub fn contains(&self, channel: &Channel, transaction: u64) -> bool {
        self.lock()
            .held
            .iter()
            .any(|held| held.is_on(channel) && held.transaction == transaction)
    }

    /// Takes all of them, in the order in which the requests came.
    pub fn take_all(&self) -> Vec<Held> {
        std::mem::take(&mut self.lock().held)
    }

    /// Takes those that wait to be let go, but not those with a time.
    pub fn take_untimed(&self) -> Vec<Held> {
        self.lock()
            .held
            .extract_if(.., |held| held.due.is_none())
            .collect()
    }

    /// Drops those of `channel`, which is gone.
    pub fn forget(&self, channel: &Channel) {
        self.lock().held.retain(|held| !held.is_on(channel));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.lock().stop = true;
        self.shared.changed.notify_one();
        // The last reference to the controller may go with a completion that the timer just sent.
        if let Some(timer) = self
            .timer
            .take()
            .filter(|it| it.thread().id() != thread::current().id())
        {
            let _ = timer.join();
        }
    }
}

/// Completes what is due, until told to stop.
fn run(shared: &Shared, send: &(dyn Fn(Held) + Send + Sync)) {
    let mut state = shared.state.lock().unwrap_or_else(PoisonError::into_inner);
    while !state.stop {
        let now = Instant::now();
        let due: Vec<_> = state
            .held
            .extract_if(.., |held| held.due.is_some_and(|due| due <= now))
            .collect();
        if !due.is_empty() {
            drop(state);
            due.into_iter().for_each(send);
            state = shared.state.lock().unwrap_or_else(PoisonError::into_inner);
            continue;
        }
        let next = state.held.iter().filter_map(|held| held.due).min();
        state = match next {
            Some(next) => {
                let wait = next.saturating_duration_since(now);
                shared
                    .changed
                    .wait_timeout(state, wait)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0
            }
            None => shared
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner),
        };
    }
}
