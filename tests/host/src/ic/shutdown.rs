// SPDX-License-Identifier: GPL-2.0

//! Shutdown: asks the guest to switch itself off, to start again, or to hibernate.

use std::sync::Arc;
use std::time::Duration;

use zerocopy::little_endian::U32;
use zerocopy::{Immutable, IntoBytes};

use super::link::{Error, Link, Versions};
use super::wire::{Version, guid, kind};

/// The class, 0e0b6031-5213-4934-818b-38d90ced39db.
const CLASS: [u8; 16] = guid(
    0x0e0b6031,
    0x5213,
    0x4934,
    [0x81, 0x8b, 0x38, 0xd9, 0x0c, 0xed, 0x39, 0xdb],
);
/// The instance that every virtual machine has.
const INSTANCE: [u8; 16] = guid(
    0xb6650ff7,
    0x33bc,
    0x4840,
    [0x80, 0x48, 0xe0, 0x67, 0x67, 0x86, 0xf3, 0x93],
);

/// The lowest bit of `flags`: by force.
const FORCE: u32 = 1;

/// What the guest is to do; the values of `flags`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Action {
    /// Switch itself off.
    PowerOff = 0,
    /// Start again.
    Reboot = 2,
    /// Save itself to disk and switch itself off.
    Hibernate = 4,
}

/// `struct shutdown_msg_data`.
#[derive(IntoBytes, Immutable)]
#[repr(C)]
struct Message {
    reason: U32,
    timeout_seconds: U32,
    flags: U32,
    /// UTF-16, for whoever looks at the guest's screen.
    text: [[u8; 2]; 1024],
}

/// See the module.
pub struct Shutdown {
    link: Arc<Link>,
}

impl Default for Shutdown {
    fn default() -> Self {
        let versions = [(1, 0), (3, 0), (3, 1), (3, 2)].map(|(a, b)| Version::new(a, b));
        Self {
            link: Link::new(
                CLASS,
                INSTANCE,
                kind::SHUTDOWN,
                Versions::with_messages(&versions),
            ),
        }
    }
}

impl Shutdown {
    /// The channel.
    pub fn link(&self) -> &Arc<Link> {
        &self.link
    }

    /// Asks for `action`, and waits until the guest has said that it begins.
    ///
    /// # Errors
    ///
    /// [`Error::Status`] where the guest refuses, and those of [`Link::transact`].
    pub fn request(&self, action: Action, limit: Duration) -> Result<(), Error> {
        self.request_flags(action as u32, limit)
    }

    /// The same by force, which says that programs in the guest are not to be asked.
    ///
    /// # Errors
    ///
    /// As [`Shutdown::request`].
    pub fn force(&self, action: Action, limit: Duration) -> Result<(), Error> {
        self.request_flags(action as u32 | FORCE, limit)
    }

    /// Asks with any flags.
    ///
    /// # Errors
    ///
    /// As [`Shutdown::request`].
    pub fn request_flags(&self, flags: u32, limit: Duration) -> Result<(), Error> {
        self.link.transact(&body(flags), limit).map(drop)
    }
}

/// The body of a request.
pub fn body(flags: u32) -> Vec<u8> {
    let mut text = [[0; 2]; 1024];
    for (unit, from) in text.iter_mut().zip("the host asks".encode_utf16()) {
        *unit = from.to_le_bytes();
    }
    let message = Message {
        reason: U32::ZERO,
        timeout_seconds: 30.into(),
        flags: flags.into(),
        text,
    };
    message.as_bytes().to_vec()
}
