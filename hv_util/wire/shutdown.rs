// SPDX-License-Identifier: GPL-2.0

//! How the host has the guest shut down, restart or hibernate.

use super::{
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

/// The versions of the service, the best first.
pub(crate) const VERSIONS: &[Version] = &[
    Version::new(3, 2),
    Version::new(3, 1),
    Version::new(3, 0),
    Version::new(1, 0),
];

/// The body of a message.
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
pub(crate) struct Body {
    pub(crate) reason: U32,
    pub(crate) timeout_seconds: U32,
    pub(crate) flags: U32,
    pub(crate) display_message: [u8; 2048],
}

/// What the host wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// That the guest shuts down.
    PowerOff,
    /// That it restarts.
    Restart,
    /// That it hibernates.
    Hibernate,
}

impl Request {
    /// Reads a request; [`None`] if there is no such one. Whether the host wants it done by force
    /// makes no difference.
    ///
    /// # Errors
    ///
    /// The body is too short.
    pub(crate) fn parse(body: &[u8]) -> Result<Option<Self>, TooShort> {
        const FORCE: u32 = 1;

        let (body, _) = Body::ref_from_prefix(body).map_err(|_| TooShort)?;
        Ok(match body.flags.get() & !FORCE {
            0 => Some(Self::PowerOff),
            2 => Some(Self::Restart),
            4 => Some(Self::Hibernate),
            _ => None,
        })
    }
}
