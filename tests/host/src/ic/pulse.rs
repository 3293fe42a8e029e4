// SPDX-License-Identifier: GPL-2.0

//! What is done over and over again, on a thread of its own.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// A thread that does something at intervals. Dropped, it ends.
#[must_use = "it ends when dropped"]
pub struct Pulse {
    stop: Arc<Stop>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Stop {
    stopped: Mutex<bool>,
    changed: Condvar,
}

impl Pulse {
    /// Calls `beat` after every `interval`.
    pub fn every(interval: Duration, mut beat: impl FnMut() + Send + 'static) -> Self {
        let stop = Arc::<Stop>::default();
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            while !stopped.wait(interval) {
                beat();
            }
        });
        Self {
            stop,
            thread: Some(thread),
        }
    }
}

impl Stop {
    /// Waits for `interval`; returns whether this is the end.
    fn wait(&self, interval: Duration) -> bool {
        let stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self
            .changed
            .wait_timeout_while(stopped, interval, |stopped| !*stopped);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        let mut stopped = self
            .stop
            .stopped
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *stopped = true;
        drop(stopped);
        self.stop.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been reported by itself.
            thread.join().ok();
        }
    }
}
