// SPDX-License-Identifier: GPL-2.0

//! What every packet of a service begins with: the pipe's header and the component's header.
//! Facts from include/linux/hyperv.h, `struct vmbuspipe_hdr`, `struct icmsg_hdr` and
//! `struct icmsg_negotiate`.

use std::fmt;

use zerocopy::little_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// The length of both headers.
pub const HEADERS: usize = size_of::<PipeHeader>() + size_of::<Header>();

/// `flags` of the pipe's header: the packet carries data.
pub const PIPE_DATA: u32 = 1;

/// Kinds of messages.
#[expect(missing_docs, reason = "the protocol's own names")]
pub mod kind {
    pub const NEGOTIATE: u16 = 0;
    pub const HEARTBEAT: u16 = 1;
    pub const KVP_EXCHANGE: u16 = 2;
    pub const SHUTDOWN: u16 = 3;
    pub const TIME_SYNC: u16 = 4;
    pub const VSS: u16 = 5;
    pub const FCOPY: u16 = 7;
}

/// Flags of a message.
#[expect(missing_docs, reason = "the protocol's own names")]
pub mod flag {
    pub const TRANSACTION: u8 = 1;
    pub const REQUEST: u8 = 2;
    pub const RESPONSE: u8 = 4;
}

/// What the host puts into a message's flags.
pub const REQUEST_FLAGS: u8 = flag::TRANSACTION | flag::REQUEST;
/// What the guest puts there.
pub const RESPONSE_FLAGS: u8 = flag::TRANSACTION | flag::RESPONSE;

/// Results, in an answer's status.
#[expect(missing_docs, reason = "the protocol's own names")]
pub mod status {
    pub const OK: u32 = 0;
    pub const FAIL: u32 = 0x8000_4005;
    /// There are no more items.
    pub const CONTINUE: u32 = 0x8007_0103;
    pub const GUID_NOT_FOUND: u32 = 0x8004_1002;
    pub const INVALID_ARGUMENT: u32 = 0x8007_0057;
}

/// A version, of the framework or of a service's messages.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub struct Version {
    major: U16,
    minor: U16,
}

impl Version {
    /// Version `major.minor`.
    pub const fn new(major: u16, minor: u16) -> Self {
        Self {
            major: U16::new(major),
            minor: U16::new(minor),
        }
    }

    /// Major and minor number, for comparisons.
    pub fn numbers(self) -> (u16, u16) {
        (self.major.get(), self.minor.get())
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// The header of a message on a pipe.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub struct PipeHeader {
    /// [`PIPE_DATA`].
    pub flags: U32,
    /// The length of what follows this header, without padding.
    pub size: U32,
}

/// The header of a message.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub struct Header {
    /// The framework's version.
    pub framework: Version,
    /// One of [`kind`].
    pub kind: U16,
    /// The version of the service's messages.
    pub message: Version,
    /// The length of what follows this header.
    pub size: U16,
    /// One of [`status`], in an answer.
    pub status: U32,
    /// What an answer repeats.
    pub transaction: u8,
    /// Of [`flag`].
    pub flags: u8,
    /// Zero.
    pub reserved: [u8; 2],
}

/// What a negotiation begins with. The versions follow, first the framework's, then the messages'.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub struct Negotiate {
    /// How many versions of the framework follow.
    pub frameworks: U16,
    /// How many versions of the messages follow those.
    pub messages: U16,
    /// Zero.
    pub reserved: U32,
}

/// The length that the header of an answer to a negotiation states: two versions.
pub const NEGOTIATED_SIZE: u16 = 16;

/// A packet's payload: both headers and `body`.
pub fn encode(header: Header, body: &[u8]) -> Vec<u8> {
    let length = size_of::<Header>() + body.len();
    let pipe = PipeHeader {
        flags: PIPE_DATA.into(),
        size: u32::try_from(length).unwrap_or(u32::MAX).into(),
    };
    let header = Header {
        size: u16::try_from(body.len()).unwrap_or(u16::MAX).into(),
        ..header
    };
    [pipe.as_bytes(), header.as_bytes(), body].concat()
}

/// The body of a negotiation.
pub fn negotiation(frameworks: &[Version], messages: &[Version]) -> Vec<u8> {
    let count = |versions: &[Version]| u16::try_from(versions.len()).unwrap_or(u16::MAX).into();
    let counts = Negotiate {
        frameworks: count(frameworks),
        messages: count(messages),
        reserved: U32::ZERO,
    };
    [
        counts.as_bytes(),
        frameworks.as_bytes(),
        messages.as_bytes(),
    ]
    .concat()
}

/// Takes a payload apart: both headers, and what follows them, padding included.
pub fn decode(payload: &[u8]) -> Option<(PipeHeader, Header, &[u8])> {
    let (pipe, rest) = PipeHeader::read_from_prefix(payload).ok()?;
    let (header, body) = Header::read_from_prefix(rest).ok()?;
    Some((pipe, header, body))
}

/// A class or instance as it is in memory, from its four parts in print.
pub(super) const fn guid(first: u32, second: u16, third: u16, rest: [u8; 8]) -> [u8; 16] {
    let (a, b, c, d) = (
        first.to_le_bytes(),
        second.to_le_bytes(),
        third.to_le_bytes(),
        rest,
    );
    [
        a[0], a[1], a[2], a[3], b[0], b[1], c[0], c[1], d[0], d[1], d[2], d[3], d[4], d[5], d[6],
        d[7],
    ]
}
