// SPDX-License-Identifier: GPL-2.0

//! A service's channel: its offer, the negotiation of versions, and transactions.
//!
//! The host asks and the guest answers, one transaction at a time, as the drivers rely on. A
//! request that nobody waits for any more keeps its place until it is answered or the channel
//! closes. Tests may [`Link::post`] out of turn and [`Link::inject`] what no host would send.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::exchange::{Exchange, Phase};
use super::violation::{Violation, Violations};
use super::wire::{Version, status};
use crate::vmbus::channel::{Channel, INBAND};
use crate::vmbus::device::{Device, Guid, Offer};
use crate::vmbus::ring::Field;
use crate::vmbus::tamper::Ring;

/// `chn_flags` of an offer: the guest is to enumerate the device, and the channel is a pipe.
const OFFER_ENUMERATE: u16 = 1;
const OFFER_PIPE: u16 = 0x10;
/// The pipe's mode, in the first word of `user_def`: messages, not bytes.
const PIPE_MESSAGES: u32 = 4;

/// Why a request has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The guest has not opened the channel, or closed it meanwhile.
    #[error("the guest does not have the service open")]
    Closed,
    /// The guest knows none of the versions that the host offered.
    #[error("the guest speaks no version of the service that the host does")]
    Refused,
    /// The guest has not answered in time.
    #[error("the guest did not answer in time")]
    Timeout,
    /// The guest answered with an error.
    #[error("the guest answered with status {0:#x}")]
    Status(u32),
    /// The answer makes no sense; there is a violation about it.
    #[error("the guest's answer makes no sense")]
    Malformed,
}

/// The versions that a host offers, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versions {
    /// Of the framework.
    pub framework: Vec<Version>,
    /// Of the service's messages.
    pub message: Vec<Version>,
}

impl Versions {
    /// The framework in versions 1.0 and 3.0, the messages in `message`.
    pub fn with_messages(message: &[Version]) -> Self {
        Self {
            framework: vec![Version::new(1, 0), Version::new(3, 0)],
            message: message.to_vec(),
        }
    }
}

/// The versions that the guest chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreed {
    /// Of the framework.
    pub framework: Version,
    /// Of the service's messages.
    pub message: Version,
}

/// An answer of the guest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// One of [`status`].
    pub status: u32,
    /// What follows the headers, without padding.
    pub body: Vec<u8>,
}

/// A request that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "the answer is waited for with it"]
pub struct Ticket {
    id: u64,
    open: u64,
}

/// See the module.
pub struct Link {
    class: Guid,
    instance: Guid,
    kind: u16,
    state: Mutex<State>,
    changed: Condvar,
    violations: Violations,
}

struct State {
    channel: Option<Arc<Channel>>,
    exchange: Exchange,
}

impl Link {
    /// A service of class `class` whose messages are of `kind`.
    pub(super) fn new(class: Guid, instance: Guid, kind: u16, versions: Versions) -> Arc<Self> {
        Arc::new(Self {
            class,
            instance,
            kind,
            state: Mutex::new(State {
                channel: None,
                exchange: Exchange::new(versions),
            }),
            changed: Condvar::new(),
            violations: Violations::default(),
        })
    }

    /// The device instance.
    pub fn instance(&self) -> Guid {
        self.instance
    }

    /// The kind of the service's messages, one of [`kind`](super::wire::kind).
    pub fn kind(&self) -> u16 {
        self.kind
    }

    /// What to offer when the guest opens the channel the next time.
    pub fn set_versions(&self, versions: Versions) {
        self.lock().exchange.set_versions(versions);
    }

    /// The versions agreed on, if the guest has chosen already.
    pub fn agreed(&self) -> Option<Agreed> {
        match self.lock().exchange.phase {
            Phase::Ready(agreed) => Some(agreed),
            _ => None,
        }
    }

    /// Waits until the guest has opened the channel and chosen versions.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] as soon as it says that it knows none of them; [`Error::Timeout`].
    pub fn wait_ready(&self, limit: Duration) -> Result<Agreed, Error> {
        let (_state, agreed) = self.wait_for(limit, |state| match state.exchange.phase {
            Phase::Ready(agreed) => Some(Ok(agreed)),
            Phase::Refused => Some(Err(Error::Refused)),
            Phase::Closed | Phase::Negotiating => None,
        })?;
        agreed
    }

    /// How often the guest opened the channel.
    pub fn opens(&self) -> u64 {
        self.lock().exchange.opens
    }

    /// How many answers to requests came so far.
    pub fn answered(&self) -> u64 {
        self.lock().exchange.answered
    }

    /// Sends a request once no other one is under way.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] where the service is not ready, [`Error::Timeout`] where the one under way
    /// is not answered within `limit`.
    pub fn begin(&self, body: &[u8], limit: Duration) -> Result<Ticket, Error> {
        let (mut state, agreed) = self.wait_for(limit, |state| {
            let ready = match state.exchange.phase {
                Phase::Ready(agreed) => Ok(agreed),
                Phase::Refused => Err(Error::Refused),
                Phase::Closed | Phase::Negotiating => Err(Error::Closed),
            };
            (ready.is_err() || state.exchange.is_idle()).then_some(ready)
        })?;
        Ok(state.request(self.kind, agreed?, body))
    }

    /// Sends a request at once, whatever is under way.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] where the service is not ready.
    pub fn post(&self, body: &[u8]) -> Result<Ticket, Error> {
        let mut state = self.lock();
        match state.exchange.phase {
            Phase::Ready(agreed) => Ok(state.request(self.kind, agreed, body)),
            Phase::Refused => Err(Error::Refused),
            Phase::Closed | Phase::Negotiating => Err(Error::Closed),
        }
    }

    /// Waits for the answer to a request.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] where the channel is gone, [`Error::Timeout`].
    pub fn finish(&self, ticket: Ticket, limit: Duration) -> Result<Answer, Error> {
        let (_state, answer) = self.wait_for(limit, |state| {
            if let Some(answer) = state.exchange.take_answer(ticket.id) {
                return Some(Ok(answer));
            }
            let gone = state.channel.is_none() || state.exchange.opens != ticket.open;
            gone.then_some(Err(Error::Closed))
        })?;
        answer
    }

    /// Sends a request and waits for its answer, which must be a good one.
    ///
    /// # Errors
    ///
    /// Those of [`Link::begin`] and [`Link::finish`]; [`Error::Status`].
    pub fn transact(&self, body: &[u8], limit: Duration) -> Result<Answer, Error> {
        let ticket = self.begin(body, limit)?;
        let answer = self.finish(ticket, limit)?;
        match answer.status {
            status::OK => Ok(answer),
            code => Err(Error::Status(code)),
        }
    }

    /// Sends any payload, headers included; an answer is allowed, but need not come.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] where there is no channel.
    pub fn inject(&self, payload: &[u8]) -> Result<Ticket, Error> {
        let mut state = self.lock();
        let Some(channel) = state.channel.clone() else {
            return Err(Error::Closed);
        };
        let id = state.exchange.inject(payload.to_vec());
        send(&channel, id, payload);
        Ok(Ticket {
            id,
            open: state.exchange.opens,
        })
    }

    /// The payload of a request as it would be sent now, to be changed and injected. Headers are
    /// those of the versions agreed on, if there are some.
    pub fn draft(&self, kind: u16, body: &[u8]) -> Vec<u8> {
        let agreed = self.agreed().unwrap_or(Agreed {
            framework: Version::new(3, 0),
            message: Version::new(3, 0),
        });
        super::wire::encode(self.lock().exchange.header(kind, agreed), body)
    }

    /// Whether the guest has taken everything that was sent; true without a channel.
    pub fn is_drained(&self) -> bool {
        let channel = self.lock().channel.clone();
        channel.is_none_or(|channel| {
            channel.peek(Ring::ToGuest, Field::ReadIndex)
                == channel.peek(Ring::ToGuest, Field::WriteIndex)
        })
    }

    /// Signals the guest although nothing was sent: some drivers take one packet for each signal.
    pub fn nudge(&self) {
        let channel = self.lock().channel.clone();
        if let Some(channel) = channel {
            channel.interrupt();
        }
    }

    /// Forgets the violations so far, after a test provoked them.
    pub fn clear_violations(&self) {
        self.violations.clear();
    }

    /// Records something that the guest's message says.
    pub(super) fn violation(&self, field: &'static str, value: impl ToString) {
        self.violations.add(Violation::Field {
            field,
            value: value.to_string(),
        });
    }

    /// The guest's time in units of 100 ns, if it has the channel open.
    pub(super) fn reference_time(&self) -> Option<u64> {
        let channel = self.lock().channel.clone();
        channel.map(|channel| channel.reference_time())
    }

    fn wait_for<T>(
        &self,
        limit: Duration,
        mut check: impl FnMut(&mut State) -> Option<T>,
    ) -> Result<(MutexGuard<'_, State>, T), Error> {
        let deadline = Instant::now() + limit;
        let mut state = self.lock();
        loop {
            if let Some(value) = check(&mut state) {
                return Ok((state, value));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Error::Timeout);
            }
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn request(&mut self, kind: u16, agreed: Agreed, body: &[u8]) -> Ticket {
        let (id, payload) = self.exchange.request(kind, agreed, body);
        if let Some(channel) = &self.channel {
            send(channel, id, &payload);
        }
        Ticket {
            id,
            open: self.exchange.opens,
        }
    }
}

fn send(channel: &Channel, id: u64, payload: &[u8]) {
    channel.send(INBAND, 0, id, payload);
    channel.flush();
}

impl Device for Link {
    fn offer(&self) -> Offer {
        let mut user_defined = [0; 120];
        user_defined[..4].copy_from_slice(&PIPE_MESSAGES.to_le_bytes());
        Offer {
            class: self.class,
            instance: self.instance,
            flags: OFFER_ENUMERATE | OFFER_PIPE,
            user_defined,
            monitored: false,
        }
    }

    fn opened(&self, channel: &Arc<Channel>, _user_data: &[u8]) -> u32 {
        let mut state = self.lock();
        let (id, payload) = state.exchange.open();
        state.channel = Some(Arc::clone(channel));
        send(channel, id, &payload);
        drop(state);
        self.changed.notify_all();
        0
    }

    fn signalled(&self, channel: &Arc<Channel>) {
        while let Some(packet) = channel.receive() {
            let wrong = self.lock().exchange.packet(&packet);
            wrong
                .into_iter()
                .for_each(|wrong| self.violations.add(wrong));
        }
        channel.flush();
        self.changed.notify_all();
    }

    fn closed(&self, _channel: &Arc<Channel>) {
        let mut state = self.lock();
        state.exchange.close();
        state.channel = None;
        drop(state);
        self.changed.notify_all();
    }

    fn violations(&self) -> Vec<String> {
        let first = self.violations.first();
        first.iter().map(ToString::to_string).collect()
    }
}
