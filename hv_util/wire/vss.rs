// SPDX-License-Identifier: GPL-2.0

//! Snapshots: the host has the guest freeze its file systems, and thaw them.
//!
//! The messages of the host, those to the daemon and those of the daemon have the same layout, but
//! for the first bytes: there the daemon says how it fared.

use super::{
    Status,
    Support,
    TooShort,
    Version, //
};
use zerocopy::{
    little_endian::U32,
    FromBytes as _, //
};
use zerocopy_derive::{
    FromBytes,
    Immutable,
    IntoBytes,
    KnownLayout,
    Unaligned, //
};

/// The versions of the service, and those of the framework that go with them.
pub(crate) const SUPPORT: Support = Support {
    frameworks: &[Support::FRAMEWORK],
    services: &[Version::new(5, 0)],
};

/// The length of a message from or to the daemon.
pub(crate) const MESSAGE_BYTES: usize = size_of::<Body>();

/// What is to be done. Open, because the host chooses it.
#[repr(transparent)]
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
pub(crate) struct Operation(pub(crate) u8);

impl Operation {
    /// Tell what a backup of the running guest will be like.
    pub(crate) const HOT_BACKUP: Self = Self(2);
    /// Tell about the disks.
    pub(crate) const GET_DM_INFO: Self = Self(3);
    /// Freeze the file systems.
    pub(crate) const FREEZE: Self = Self(5);
    /// Thaw them.
    pub(crate) const THAW: Self = Self(6);
    /// From a daemon of old: here I am.
    pub(crate) const REGISTER_LEGACY: Self = Self(128);
    /// From a daemon: here I am, and who are you?
    pub(crate) const REGISTER: Self = Self(129);
}

/// The start of a body. The host adds to it what does not concern us: up to 6 KiB about disks.
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
pub(crate) struct Body {
    pub(crate) operation: Operation,
    pub(crate) reserved: [u8; 7],
    pub(crate) flags: U32,
}

/// In an answer to [`Operation::HOT_BACKUP`]: the guest will not have to recover.
const NO_AUTO_RECOVERY: u32 = 5;

/// What to do with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// The daemon is to see to it.
    ForDaemon(Operation),
    /// It has been seen to.
    Done,
}

impl Request {
    /// Looks at a request, and answers it where nobody has to be asked.
    ///
    /// # Errors
    ///
    /// The body is too short.
    pub(crate) fn parse(body: &mut [u8]) -> Result<Self, TooShort> {
        let (body, _) = Body::mut_from_prefix(body).map_err(|_| TooShort)?;
        Ok(match body.operation {
            Operation::FREEZE | Operation::THAW | Operation::HOT_BACKUP => {
                Self::ForDaemon(body.operation)
            }
            Operation::GET_DM_INFO => {
                body.flags = U32::ZERO;
                Self::Done
            }
            _ => Self::Done,
        })
    }
}

/// The message that asks the daemon for an operation.
pub(crate) fn question(operation: Operation) -> [u8; MESSAGE_BYTES] {
    let body = Body {
        operation,
        reserved: [0; 7],
        flags: U32::ZERO,
    };
    zerocopy::transmute!(body)
}

/// The message that tells a daemon who we are.
pub(crate) fn greeting() -> [u8; size_of::<u32>()] {
    u32::from(Operation::REGISTER.0).to_le_bytes()
}

/// The operation in a message of a daemon.
pub(crate) fn operation(message: &[u8]) -> Option<Operation> {
    Some(Operation::read_from_prefix(message).ok()?.0)
}

/// Makes a request the answer, with what the daemon says.
pub(crate) fn answer(message: &[u8], body: &mut [u8]) -> Status {
    let (Ok((status, _)), Ok((body, _))) = (
        Status::read_from_prefix(message),
        Body::mut_from_prefix(body),
    ) else {
        return Status::FAIL;
    };
    if body.operation == Operation::HOT_BACKUP && status == Status::OK {
        body.flags = U32::new(NO_AUTO_RECOVERY);
    }
    status
}
