// SPDX-License-Identifier: GPL-2.0

//! Key-value pairs, in pools that the guest keeps: the host reads, writes and deletes them. It also
//! asks for addresses of network cards, and sets them.
//!
//! The daemon does all of it. What the driver adds is the encoding: the host's text is UTF-16, that
//! of the daemon UTF-8, and numbers are text to the daemon.
//!
//! - [`layout`]: the bodies of the host's messages, and the daemon's messages.
//! - [`question`]: from the host to the daemon.
//! - [`answer`]: from the daemon to the host.

mod answer;
pub(crate) mod layout;
mod question;

pub(crate) use answer::answer;
pub(crate) use question::{
    greeting,
    question, //
};

use super::Version;
use layout::{
    DaemonHeader,
    Operation, //
};
use zerocopy::FromBytes as _;

/// The versions of the service, the best first.
pub(crate) const VERSIONS: &[Version] =
    &[Version::new(4, 0), Version::new(3, 0), Version::new(1, 0)];

/// The length of a message from or to the daemon.
pub(crate) const MESSAGE_BYTES: usize = size_of::<DaemonHeader>() + layout::DAEMON_BODY_BYTES;

/// What a daemon is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Daemon {
    /// It knows nothing of addresses, and says by an empty key that there are no more pairs.
    Legacy,
    /// It says how it fared.
    Current,
}

impl Daemon {
    /// Reads the first message of a daemon.
    ///
    /// # Errors
    ///
    /// The number that it registers with, if it is not one that we know.
    pub(crate) fn parse(message: &[u8]) -> Result<Self, u8> {
        match DaemonHeader::read_from_prefix(message) {
            Ok((header, _)) if header.operation == Operation::REGISTER => Ok(Self::Current),
            Ok((header, _)) if header.operation == Operation::REGISTER_LEGACY => Ok(Self::Legacy),
            Ok((header, _)) => Err(header.operation.0),
            Err(_) => Err(0),
        }
    }

    /// The number that such daemons register with.
    pub(crate) const fn operation(self) -> Operation {
        match self {
            Self::Legacy => Operation::REGISTER_LEGACY,
            Self::Current => Operation::REGISTER,
        }
    }
}
