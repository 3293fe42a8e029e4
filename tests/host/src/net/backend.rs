// SPDX-License-Identifier: GPL-2.0

//! The other end of the cable.

use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::time::Duration;

use super::card::Card;
use super::session::lock;

/// A frame as on the wire: from the destination's address to the end of the payload, with a VLAN tag
/// inside where it has one.
pub type Frame = Vec<u8>;

/// What is on the other end of the cable.
pub trait Backend: Send + Sync {
    /// The card on this end. Frames for the guest go to [`Card::deliver`], on a thread of the
    /// backend's own.
    fn attach(&self, card: Weak<Card>);

    /// Takes frames that the guest sent, in order. Called on a virtual processor's thread.
    fn transmit(&self, frames: Vec<Frame>);
}

/// A cable with nothing on the other end.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nobody;

impl Backend for Nobody {
    fn attach(&self, _card: Weak<Card>) {}

    fn transmit(&self, _frames: Vec<Frame>) {}
}

/// Keeps the guest's frames, on their way to another backend.
pub struct Capture {
    behind: Arc<dyn Backend>,
    frames: Mutex<Vec<Frame>>,
    arrived: Condvar,
}

impl Capture {
    /// The most frames that are kept; later ones are not.
    const KEPT: usize = 16384;

    /// In front of `behind`.
    pub fn new(behind: Arc<dyn Backend>) -> Arc<Self> {
        Arc::new(Self {
            behind,
            frames: Mutex::default(),
            arrived: Condvar::new(),
        })
    }

    /// The frames since the last call.
    pub fn take(&self) -> Vec<Frame> {
        std::mem::take(&mut lock(&self.frames))
    }

    /// Waits until there are `count` frames since the last call for which `ours` holds, and returns
    /// them; fewer after `timeout`.
    pub fn wait_for(
        &self,
        count: usize,
        ours: impl Fn(&Frame) -> bool,
        timeout: Duration,
    ) -> Vec<Frame> {
        let too_few = |frames: &mut Vec<Frame>| frames.iter().filter(|it| ours(it)).count() < count;
        let (mut frames, _) = self
            .arrived
            .wait_timeout_while(lock(&self.frames), timeout, too_few)
            .unwrap_or_else(PoisonError::into_inner);
        let mut wanted = std::mem::take(&mut *frames);
        wanted.retain(ours);
        wanted
    }
}

impl Backend for Capture {
    fn attach(&self, card: Weak<Card>) {
        self.behind.attach(card);
    }

    fn transmit(&self, frames: Vec<Frame>) {
        let mut kept = lock(&self.frames);
        let room = Self::KEPT.saturating_sub(kept.len());
        kept.extend(frames.iter().take(room).cloned());
        drop(kept);
        self.arrived.notify_all();
        self.behind.transmit(frames);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_waited_for() {
        let capture = Capture::new(Arc::new(Nobody));
        let ours = |frame: &Frame| frame[0] == 1;
        let behind = capture.clone();
        let sender = std::thread::spawn(move || {
            for frame in [[1, 0], [2, 0], [1, 1]] {
                behind.transmit(vec![frame.to_vec()]);
            }
        });
        let frames = capture.wait_for(2, ours, Duration::from_secs(10));
        assert_eq!(frames, [[1, 0], [1, 1]]);
        sender.join().unwrap();
        // Fewer, once the time is over.
        capture.transmit(vec![vec![1, 2]]);
        let frames = capture.wait_for(2, ours, Duration::from_millis(1));
        assert_eq!(frames, [[1, 2]]);
        assert!(capture.take().is_empty());
    }
}
