// SPDX-License-Identifier: GPL-2.0

//! A virtual function: a second way to a card's cable, past the card.
//!
//! Guests here have no PCI. What a function is to the guest a module of the tests makes up
//! (`tests/guest/modules/virtual_function.c`), and its frames travel through a card of their own, with
//! this as the other end of that card's cable. So the two cards count what takes which way.

use std::sync::{Arc, Mutex, Weak};

use super::backend::{Backend, Frame};
use super::card::Card;
use super::session::lock;

/// See the module.
pub struct Function {
    /// The card that this is a function of.
    card: Weak<Card>,
    /// The card whose cable ends here.
    own: Mutex<Weak<Card>>,
}

impl Function {
    /// A function of `card`. Once it is at the end of another card's cable, frames for the guest come
    /// that way while the guest says that they should.
    pub fn of(card: &Arc<Card>) -> Arc<Self> {
        let function = Arc::new(Self {
            card: Arc::downgrade(card),
            own: Mutex::default(),
        });
        card.set_function(Arc::downgrade(&function));
        function
    }

    /// Sends frames to the guest.
    pub(super) fn deliver(&self, frames: Vec<Frame>) {
        let own = lock(&self.own).upgrade();
        if let Some(own) = own {
            own.deliver(frames);
        }
    }
}

impl Backend for Function {
    fn attach(&self, card: Weak<Card>) {
        *lock(&self.own) = card;
    }

    fn transmit(&self, frames: Vec<Frame>) {
        if let Some(card) = self.card.upgrade() {
            card.to_wire(frames);
        }
    }
}
