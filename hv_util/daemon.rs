// SPDX-License-Identifier: GPL-2.0

//! Services that a daemon in user space performs.
//!
//! The host asks one question at a time. A work item passes it on to the daemon, waits for what that
//! says, and answers the host; only then is the next packet taken from the ring. The daemon reads
//! questions from and writes answers to a device that one process at a time may open.
//!
//! - [`link`]: the conversation with the daemon, as a state machine.
//! - [`place`]: there is one of each service.
//! - [`session`]: the conversation with the host.

mod link;
mod place;
mod session;

pub(crate) use place::Place;
pub(crate) use session::Daemonic;

use super::wire::{
    self,
    Status,
    Support, //
};
use core::time::Duration;
use kernel::prelude::*;

/// How much of what a daemon writes is a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MessageLen {
    /// This many bytes; there may be no more.
    Exactly(usize),
    /// This many bytes; more are ignored.
    AtLeast(usize),
}

/// A daemon that says that it is there.
pub(crate) struct Registration<D> {
    /// What it is like.
    pub(crate) daemon: D,
    /// What it wants to read before anything else.
    pub(crate) greeting: Option<KVec<u8>>,
}

/// What to do about a request of the host.
pub(crate) enum Request {
    /// Nothing more: this is the status of the answer.
    Answered(Status),
    /// Ask the daemon.
    Ask {
        /// What it reads.
        question: KVec<u8>,
        /// How long it may take.
        patience: Duration,
    },
}

/// What is particular to a service.
pub(crate) trait Protocol: Send + Sync + 'static {
    /// What it is called in the log.
    const NAME: &'static str;

    /// The name of the device for the daemon, below `/dev`.
    const DEVICE: &'static CStr;

    /// The longest packet of the host. Longer ones are dropped.
    const MAX_PACKET: u32;

    /// The versions that we speak.
    const SUPPORT: Support;

    /// The kind of messages that the service is about.
    const KIND: wire::Kind;

    /// How long the daemon's messages are.
    const MESSAGE_LEN: MessageLen;

    /// Whether requests wait a while for a daemon that is not there.
    const WAITS_FOR_DAEMON: bool;

    /// What a daemon is like.
    type Daemon: Copy + Send + Unpin;

    /// What the only device of the service has.
    fn place() -> &'static Place;

    /// Whether a message of a daemon that has registered says that it registers, again.
    fn registers_again(message: &[u8]) -> bool;

    /// Reads the message of a daemon that registers.
    ///
    /// # Errors
    ///
    /// `EINVAL` for a message or a daemon that we do not know; `ENOMEM`.
    fn register(message: &[u8]) -> Result<Registration<Self::Daemon>>;

    /// Looks at a request of the host, and makes it the answer if nobody has to be asked.
    fn request(body: &mut [u8]) -> Request;

    /// What the daemon is to read before it is asked again, when the system has hibernated: whatever
    /// it was doing is of no use any more. It is not waited for.
    fn amends() -> Option<KVec<u8>>;

    /// The daemon has not answered in time.
    fn timed_out();

    /// Makes a request the answer, with what the daemon says. Returns the status of the answer.
    fn answer(daemon: Self::Daemon, message: &[u8], body: &mut [u8]) -> Status;
}
