// SPDX-License-Identifier: GPL-2.0

//! VSS: a consistent snapshot, by freezing the guest's file systems for a moment.

use std::sync::Arc;
use std::time::Duration;

use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::link::{Answer, Error, Link, Ticket, Versions};
use super::wire::{self, HEADERS, Version, guid, kind};
use crate::vmbus::device::Guid;

/// The class, 35fa2e29-ea23-4236-96ae-3a6ebacba440.
const CLASS: [u8; 16] = guid(
    0x35fa2e29,
    0xea23,
    0x4236,
    [0x96, 0xae, 0x3a, 0x6e, 0xba, 0xcb, 0xa4, 0x40],
);
/// The instance that every virtual machine has.
const INSTANCE: [u8; 16] = guid(
    0x2450ee40,
    0x33bf,
    0x4fbd,
    [0x89, 0x2e, 0x9f, 0xb0, 0x6e, 0x92, 0x14, 0xcf],
);

/// The length of a freeze request, headers included, with the longest list of disks.
const FREEZE: usize = 6260;

/// Flags of the answer to [`Operation::HotBackup`]: a backup can be made of the running guest,
/// which does not recover it afterwards by itself.
pub const NO_AUTO_RECOVERY: u32 = 5;

/// Operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[expect(missing_docs, reason = "the protocol's own names")]
pub enum Operation {
    Create = 0,
    Delete = 1,
    HotBackup = 2,
    GetDmInfo = 3,
    BackupComplete = 4,
    Freeze = 5,
    Thaw = 6,
}

/// `struct hv_vss_msg`.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Message {
    operation: u8,
    reserved: [u8; 7],
    flags: U32,
}

/// See the module.
pub struct Vss {
    link: Arc<Link>,
}

impl Default for Vss {
    fn default() -> Self {
        Self::with_instance(INSTANCE)
    }
}

impl Vss {
    /// The service as another device than the one that every virtual machine has.
    pub fn with_instance(instance: Guid) -> Self {
        let versions = [(4, 0), (5, 0)].map(|(a, b)| Version::new(a, b));
        Self {
            link: Link::new(
                CLASS,
                instance,
                kind::VSS,
                Versions::with_messages(&versions),
            ),
        }
    }

    /// The channel.
    pub fn link(&self) -> &Arc<Link> {
        &self.link
    }

    /// Asks whether the running guest can be backed up; the flags of the answer.
    ///
    /// # Errors
    ///
    /// Those of [`Link::transact`].
    pub fn hot_backup(&self, limit: Duration) -> Result<u32, Error> {
        self.flags(Operation::HotBackup, limit)
    }

    /// Asks about dynamic memory; the flags of the answer.
    ///
    /// # Errors
    ///
    /// Those of [`Link::transact`].
    pub fn dm_info(&self, limit: Duration) -> Result<u32, Error> {
        self.flags(Operation::GetDmInfo, limit)
    }

    /// Has the file systems written out and frozen.
    ///
    /// # Errors
    ///
    /// Those of [`Link::transact`].
    pub fn freeze(&self, limit: Duration) -> Result<(), Error> {
        self.link
            .transact(&body(Operation::Freeze as u8), limit)
            .map(drop)
    }

    /// Lets the file systems go on.
    ///
    /// # Errors
    ///
    /// Those of [`Link::transact`].
    pub fn thaw(&self, limit: Duration) -> Result<(), Error> {
        self.link
            .transact(&body(Operation::Thaw as u8), limit)
            .map(drop)
    }

    /// Sends any operation and returns the answer, whatever its status.
    ///
    /// # Errors
    ///
    /// Those of [`Link::begin`] and [`Link::finish`].
    pub fn ask(&self, operation: u8, limit: Duration) -> Result<Answer, Error> {
        let ticket = self.begin(operation, limit)?;
        self.link.finish(ticket, limit)
    }

    /// Sends any operation without waiting for the answer.
    ///
    /// # Errors
    ///
    /// As [`Link::begin`].
    pub fn begin(&self, operation: u8, limit: Duration) -> Result<Ticket, Error> {
        self.link.begin(&body(operation), limit)
    }

    fn flags(&self, operation: Operation, limit: Duration) -> Result<u32, Error> {
        let answer = self.ask(operation as u8, limit)?;
        if answer.status != wire::status::OK {
            return Err(Error::Status(answer.status));
        }
        match Message::read_from_prefix(&answer.body) {
            Ok((message, _)) => Ok(message.flags.get()),
            Err(_) => Err(Error::Malformed),
        }
    }
}

/// The body of a request. Flags are what no answer has, so that an answer's are the guest's own.
pub fn body(operation: u8) -> Vec<u8> {
    let message = Message {
        operation,
        reserved: [0; 7],
        flags: U32::MAX_VALUE,
    };
    let mut body = message.as_bytes().to_vec();
    if operation == Operation::Freeze as u8 {
        body.resize(FREEZE - HEADERS, 0);
    }
    body
}
