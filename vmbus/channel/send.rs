// SPDX-License-Identifier: GPL-2.0

//! The sending end of an open channel.

use core::ops::DerefMut;

use super::{
    Channel,
    Endpoint,
    GpaList,
    GpaRange,
    SendError, //
};
use crate::ring::{
    Outgoing,
    Signal, //
};

/// The sending end, and what was counted of it already.
pub(super) struct Sender {
    ring: Outgoing,
    full_first: u64,
}

impl Sender {
    pub(super) fn new(ring: Outgoing) -> Self {
        Self {
            ring,
            full_first: 0,
        }
    }

    /// Takes over what the ring counted.
    #[cold]
    fn count_full(&mut self, channel: &Channel) {
        let stats = channel.stats();
        stats.out_full_total.increment();
        let full_first = self.ring.counters().full_first;
        if full_first != self.full_first {
            self.full_first = full_first;
            stats.out_full_first.increment();
        }
    }
}

/// The sending end of a channel, lent for packets that belong together.
pub struct Together<'a> {
    sender: &'a mut Sender,
    channel: &'a Channel,
    signal: bool,
}

impl Together<'_> {
    /// Sends the completion of packet `transaction` of the host.
    ///
    /// # Errors
    ///
    /// See [`SendError`].
    #[inline]
    pub fn send_completion(&mut self, payload: &[u8], transaction: u64) -> Result<(), SendError> {
        let result = self.sender.ring.send_completion(payload, transaction);
        if result == Err(SendError::Full) {
            self.sender.count_full(self.channel);
        }
        self.signal |= result?.is_needed();
        Ok(())
    }
}

impl Endpoint {
    /// Whether more than so much of the ring to the host is free, in percent. Only a hint.
    #[inline]
    pub fn is_send_free_above(&self, percent: u32) -> bool {
        self.rings.is_free_above(percent)
    }

    /// Sends a packet that is all payload.
    ///
    /// # Errors
    ///
    /// See [`SendError`].
    #[inline(always)]
    pub fn send_inband(
        &self,
        payload: &[u8],
        transaction: u64,
        want_completion: bool,
    ) -> Result<(), SendError> {
        let result = match self.sender()?.as_mut() {
            Some(Sender { ring, .. }) => ring.send_inband(payload, transaction, want_completion),
            None => Err(SendError::Closed),
        };
        self.sent(result)
    }

    /// Sends packets that belong together: the host is signalled once, after the last of them, if it
    /// has to be. Nothing else is sent meanwhile, and interrupts are off.
    ///
    /// # Errors
    ///
    /// `Closed`, without a call of `send`.
    #[inline]
    pub fn send_together<T>(
        &self,
        send: impl FnOnce(&mut Together<'_>) -> T,
    ) -> Result<T, SendError> {
        if self.channel.is_rescinded() {
            return Err(SendError::Closed);
        }
        let (result, signal) = {
            let mut sender = self.outgoing.lock();
            let mut together = Together {
                sender: (*sender).as_mut().ok_or(SendError::Closed)?,
                channel: &self.channel,
                signal: false,
            };
            (send(&mut together), together.signal)
        };
        if signal {
            self.channel.stats().intr_out_empty.increment();
            self.signal_host();
        }
        Ok(result)
    }

    /// Sends a packet about a range of guest memory, to be completed by the host.
    ///
    /// # Errors
    ///
    /// See [`SendError`].
    #[inline(always)]
    pub fn send_gpa_direct(
        &self,
        range: &GpaRange<'_>,
        payload: &[u8],
        transaction: u64,
    ) -> Result<(), SendError> {
        let result = match self.sender()?.as_mut() {
            Some(Sender { ring, .. }) => ring.send_gpa_direct(range, payload, transaction),
            None => Err(SendError::Closed),
        };
        self.sent(result)
    }

    /// Sends a packet about several ranges of guest memory, to be completed by the host.
    ///
    /// # Errors
    ///
    /// See [`SendError`].
    #[inline]
    pub fn send_gpa_list(
        &self,
        list: &GpaList,
        payload: &[u8],
        transaction: u64,
    ) -> Result<(), SendError> {
        let result = match self.sender()?.as_mut() {
            Some(Sender { ring, .. }) => ring.send_gpa_list(list, payload, transaction),
            None => Err(SendError::Closed),
        };
        self.sent(result)
    }

    /// Asks the host for a signal when more than `bytes` bytes of the ring to it are free; 0
    /// withdraws that. Returns whether they are free already, in which case there may be none.
    ///
    /// # Errors
    ///
    /// See [`SendError`].
    pub fn set_pending_send(&self, bytes: u32) -> Result<bool, SendError> {
        let mut sender = self.outgoing.lock();
        let sender = (*sender).as_mut().ok_or(SendError::Closed)?;
        let result = sender.ring.set_pending_send(bytes);
        if bytes != 0 {
            sender.count_full(&self.channel);
        }
        result
    }

    /// The sending end, locked.
    #[inline(always)]
    fn sender(&self) -> Result<impl DerefMut<Target = Option<Sender>> + '_, SendError> {
        if self.channel.is_rescinded() {
            return Err(SendError::Closed);
        }
        Ok(self.outgoing.lock())
    }

    /// Signals the host, if that is needed after a packet was written.
    #[inline(always)]
    fn sent(&self, result: Result<Signal, SendError>) -> Result<(), SendError> {
        match result {
            Ok(signal) => {
                if signal.is_needed() {
                    self.channel.stats().intr_out_empty.increment();
                    self.signal_host();
                }
                Ok(())
            }
            Err(error) => Err(self.not_sent(error)),
        }
    }

    #[cold]
    fn not_sent(&self, error: SendError) -> SendError {
        if error == SendError::Full {
            if let Some(sender) = (*self.outgoing.lock()).as_mut() {
                sender.count_full(&self.channel);
            }
        }
        error
    }

    /// Signals the host that there is something for it to do in a ring.
    #[inline]
    pub(super) fn signal_host(&self) {
        let connection = &self.channel.connection;
        let line = &self.line;
        match line.monitor {
            Some(monitor) => connection.trigger(line.relid, monitor),
            None => {
                self.channel.stats().sig_events.increment();
                let shared = (!line.dedicated).then_some(line.relid);
                connection.signal(shared, line.connection);
            }
        }
    }
}
