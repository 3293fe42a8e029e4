// SPDX-License-Identifier: GPL-2.0

//! A cable between two cards of one guest.

use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, Weak};
use std::thread;

use super::backend::{Backend, Frame};
use super::card::Card;
use super::session::lock;

/// One end: what its card sends arrives at the other end's.
pub struct End {
    card: Arc<Mutex<Weak<Card>>>,
    other: Mutex<Sender<Vec<Frame>>>,
}

/// Both ends of a new cable.
pub fn cable() -> [Arc<End>; 2] {
    let (to_first, first) = mpsc::channel();
    let (to_second, second) = mpsc::channel();
    [End::new(first, to_second), End::new(second, to_first)]
}

impl End {
    fn new(arriving: Receiver<Vec<Frame>>, other: Sender<Vec<Frame>>) -> Arc<Self> {
        let card = Arc::default();
        let end = Arc::new(Self {
            card: Arc::clone(&card),
            other: Mutex::new(other),
        });
        thread::spawn(move || deliver(&arriving, &card));
        end
    }
}

impl Backend for End {
    fn attach(&self, card: Weak<Card>) {
        *lock(&self.card) = card;
    }

    fn transmit(&self, frames: Vec<Frame>) {
        // Without another end they are lost.
        let _ = lock(&self.other).send(frames);
    }
}

/// Delivers what arrives, until the other end is gone.
fn deliver(arriving: &Receiver<Vec<Frame>>, card: &Mutex<Weak<Card>>) {
    while let Ok(mut frames) = arriving.recv() {
        frames.extend(arriving.try_iter().flatten());
        let card = lock(card).upgrade();
        if let Some(card) = card {
            card.deliver(frames);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::CardConfig;
    use std::time::Duration;

    #[test]
    fn frames_arrive_at_the_other_end() {
        let [first, second] = cable();
        let here = Card::new(CardConfig::default(), first);
        let there = Card::new(CardConfig::numbered(2), second.clone());
        second.transmit(vec![vec![0; 60], vec![0; 60]]);
        // There is no guest that would take them.
        let dropped = |card: &Card| card.stats().rx_dropped == 2;
        assert!(here.wait_for(dropped, Duration::from_secs(10)));
        assert_eq!(there.stats().rx_dropped, 0);
    }
}
