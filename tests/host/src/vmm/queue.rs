// SPDX-License-Identifier: GPL-2.0

//! A bounded queue of bytes from a virtual processor's thread to whoever reads them.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The queue. Its writer never waits: what does not fit is lost, and counted.
pub(super) struct ByteQueue {
    state: Mutex<State>,
    changed: Condvar,
    capacity: usize,
}

#[derive(Default)]
struct State {
    bytes: VecDeque<u8>,
    lost: u64,
    closed: bool,
    readers: usize,
}

impl ByteQueue {
    /// A queue of at most `capacity` bytes.
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            state: Mutex::default(),
            changed: Condvar::new(),
            capacity,
        }
    }

    /// Appends `bytes`, as many as fit.
    pub(super) fn push(&self, bytes: &[u8]) {
        let mut state = self.lock();
        let room = self.capacity.saturating_sub(state.bytes.len());
        let (fit, rest) = bytes.split_at(room.min(bytes.len()));
        state.bytes.extend(fit);
        state.lost += rest.len() as u64;
        if state.readers > 0 {
            self.changed.notify_all();
        }
    }

    /// Says that nothing more will come.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// How many bytes did not fit.
    pub(super) fn lost(&self) -> u64 {
        self.lock().lost
    }

    /// Waits for bytes, at most for `timeout`, and moves them to `to`.
    ///
    /// Returns how many there were: zero if the queue is closed, nothing if the time is over.
    pub(super) fn read(&self, to: &mut [u8], timeout: Option<Duration>) -> Option<usize> {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut state = self.lock();
        state.readers += 1;
        while state.bytes.is_empty() && !state.closed {
            state = match deadline {
                None => self
                    .changed
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        state.readers -= 1;
                        return None;
                    }
                    self.changed
                        .wait_timeout(state, left)
                        .unwrap_or_else(PoisonError::into_inner)
                        .0
                }
            };
        }
        state.readers -= 1;
        let count = to.len().min(state.bytes.len());
        for (to, from) in to.iter_mut().zip(state.bytes.drain(..count)) {
            *to = from;
        }
        Some(count)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_end() {
        let queue = ByteQueue::new(8);
        queue.push(b"abc");
        let mut buffer = [0; 2];
        assert_eq!(queue.read(&mut buffer, None), Some(2));
        assert_eq!(&buffer, b"ab");
        queue.close();
        assert_eq!(queue.read(&mut buffer, None), Some(1));
        assert_eq!(queue.read(&mut buffer, None), Some(0));
    }

    #[test]
    fn full_queue_loses_the_newest() {
        let queue = ByteQueue::new(4);
        queue.push(b"abcdef");
        assert_eq!(queue.lost(), 2);
        let mut buffer = [0; 8];
        assert_eq!(queue.read(&mut buffer, None), Some(4));
        assert_eq!(&buffer[..4], b"abcd");
    }

    #[test]
    fn waiting_ends() {
        let queue = ByteQueue::new(4);
        assert_eq!(queue.read(&mut [0], Some(Duration::from_millis(1))), None);
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| queue.read(&mut [0; 4], None));
            queue.push(b"x");
            assert_eq!(reader.join().unwrap(), Some(1));
        });
    }
}
