// SPDX-License-Identifier: GPL-2.0

//! What every message begins with.

use zerocopy::{
    little_endian::{
        U16,
        U32, //
    },
    FromBytes as _, //
};
use zerocopy_derive::{
    FromBytes,
    Immutable,
    IntoBytes,
    KnownLayout,
    Unaligned, //
};

/// What a message is about. Open, because the host chooses it.
#[repr(transparent)]
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
pub(crate) struct Kind(U16);

impl Kind {
    /// The choice of versions.
    pub(crate) const NEGOTIATE: Self = Self::new(0);
    /// A sign of life.
    pub(crate) const HEARTBEAT: Self = Self::new(1);
    /// Something about key-value pairs.
    pub(crate) const KVP_EXCHANGE: Self = Self::new(2);
    /// The end of the guest.
    pub(crate) const SHUTDOWN: Self = Self::new(3);
    /// The time.
    pub(crate) const TIMESYNC: Self = Self::new(4);
    /// Something about snapshots.
    pub(crate) const VSS: Self = Self::new(5);

    const fn new(number: u16) -> Self {
        Self(U16::new(number))
    }

    /// The number, for the log.
    pub(crate) const fn get(self) -> u16 {
        self.0.get()
    }
}

/// How the guest fared, as an HRESULT.
#[repr(transparent)]
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
pub(crate) struct Status(U32);

impl Status {
    /// Success.
    pub(crate) const OK: Self = Self::new(0);
    /// Failure, for no reason in particular.
    pub(crate) const FAIL: Self = Self::new(0x8000_4005);
    /// There is no such thing; ends an enumeration.
    pub(crate) const NO_MORE: Self = Self::new(0x8007_0103);

    /// The status with this number.
    pub(crate) const fn new(number: u32) -> Self {
        Self(U32::new(number))
    }
}

/// A version, of the framework or of a service.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
pub(crate) struct Version {
    major: U16,
    minor: U16,
}

impl Version {
    /// A version.
    pub(crate) const fn new(major: u16, minor: u16) -> Self {
        Self {
            major: U16::new(major),
            minor: U16::new(minor),
        }
    }

    /// The major number.
    pub(crate) const fn major(self) -> u16 {
        self.major.get()
    }

    /// The minor number.
    pub(crate) const fn minor(self) -> u16 {
        self.minor.get()
    }

    /// The version as one number; newer ones are greater.
    pub(crate) fn number(self) -> u32 {
        u32::from(self.major()) << 16 | u32::from(self.minor())
    }
}

/// The start of a message.
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
pub(crate) struct Header {
    pub(crate) pipe_flags: U32,
    pub(crate) pipe_len: U32,
    pub(crate) framework: Version,
    /// What the message is about.
    pub(crate) kind: Kind,
    pub(crate) service: Version,
    /// The length of what follows the header, if the sender tells.
    pub(crate) len: U16,
    /// In an answer: how the guest fared.
    pub(crate) status: Status,
    pub(crate) transaction: u8,
    pub(crate) flags: u8,
    pub(crate) reserved: [u8; 2],
}

impl Header {
    /// The flags of an answer: part of a transaction (1), response (4).
    pub(crate) const ANSWER: u8 = 1 | 4;
}

/// The message is shorter than it has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooShort;

/// A message of the host that is being made its answer, in private memory.
pub(crate) struct Message<'a> {
    /// What it begins with.
    pub(crate) header: &'a mut Header,
    /// What follows. The host may have filled it up with zeros.
    pub(crate) body: &'a mut [u8],
}

impl<'a> Message<'a> {
    /// Takes a packet for a message.
    ///
    /// # Errors
    ///
    /// The packet is shorter than a header.
    pub(crate) fn parse(packet: &'a mut [u8]) -> Result<Self, TooShort> {
        let (header, body) = Header::mut_from_prefix(packet).map_err(|_| TooShort)?;
        Ok(Self { header, body })
    }

    /// Makes the message an answer, if it is not one yet.
    pub(crate) fn make_answer(&mut self) {
        self.header.flags = Header::ANSWER;
    }
}
