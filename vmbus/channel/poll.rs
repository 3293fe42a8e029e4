// SPDX-License-Identifier: GPL-2.0

//! Receiving in mode [`CallbackMode::Polled`](super::CallbackMode::Polled): the driver says when.

use super::{
    Direction,
    Endpoint,
    Receiver, //
};
use crate::ring::Incoming;

impl Endpoint {
    /// Has the driver poll.
    #[inline]
    pub(super) fn tell(&self) {
        self.rings.mask_incoming();
        self.handler().on_interrupt(self);
    }

    /// Takes packets in mode [`CallbackMode::Polled`], from any context. When `take` returns, the
    /// room of what it took is given back to the host, all at once.
    ///
    /// Returns [`None`] when the channel is closed, or someone else takes packets right now, who is
    /// made to call its `take` once more.
    #[inline]
    pub fn take_packets<R>(&self, mut take: impl FnMut(&mut Receiver<'_>) -> R) -> Option<R> {
        let mut result = None;
        self.incoming.run(|incoming| {
            let Some(incoming) = incoming else { return };
            result = Some(take(&mut Receiver(incoming)));
            self.give_back(incoming);
        });
        result
    }

    /// Allows interrupts again at the end of polling. Returns whether there are packets already, for
    /// which none may come; then interrupts are masked again, and the driver goes on polling.
    #[inline]
    pub fn unmask_and_check(&self) -> bool {
        let mut more = false;
        self.incoming.run(|incoming| {
            let Some(incoming) = incoming else { return };
            more = incoming.unmask_and_check();
            if more {
                incoming.mask();
            }
        });
        more && !self.is_closing()
    }

    #[inline]
    pub(super) fn give_back(&self, incoming: &mut Incoming) {
        if incoming.finish().is_needed() {
            self.channel.stats().intr_in_full.increment();
            self.signal_host();
        }
    }

    /// Whether both rings are empty. Only a hint.
    pub fn is_idle(&self) -> bool {
        [Direction::Outgoing, Direction::Incoming]
            .iter()
            .all(|&direction| self.ring_debug(direction).bytes_to_read == 0)
    }
}
