// SPDX-License-Identifier: GPL-2.0

//! Channel messages: what they have in common, and the list of them.
//!
//! A message is a [`Header`] and a fixed structure, in at most [`MAX_LEN`] bytes. The structures
//! are in the modules that are re-exported here.

use zerocopy::{
    FromBytes,
    Immutable,
    IntoBytes, //
};
use zerocopy_derive::{
    FromBytes,
    Immutable,
    IntoBytes,
    KnownLayout, //
};

pub use super::contact::{
    InitiateContact,
    Unload,
    VersionResponse, //
};
pub use super::gpadl::{
    GpadlCreated,
    GpadlTeardown,
    GpadlTorndown, //
};
pub use super::offer::{
    OfferChannel,
    RelidReleased,
    RequestOffers,
    RescindOffer, //
};
pub use super::open::{
    CloseChannel,
    ModifyChannel,
    ModifyChannelResponse,
    OpenChannel,
    OpenResult,
    TlConnectRequest, //
};

/// The longest message, header included: the payload of a SynIC message.
pub const MAX_LEN: usize = 240;

open_enum! {
    /// The kind of a message.
    pub struct MessageType(u32) {
        /// Host: a channel is there.
        OFFER_CHANNEL = 1,
        /// Host: a channel goes away.
        RESCIND_OFFER = 2,
        /// Guest: send the offers.
        REQUEST_OFFERS = 3,
        /// Host: the offers of the present configuration have been sent.
        ALL_OFFERS_DELIVERED = 4,
        /// Guest: open a channel.
        OPEN_CHANNEL = 5,
        /// Host: the answer to [`Self::OPEN_CHANNEL`].
        OPEN_RESULT = 6,
        /// Guest: a channel is closed.
        CLOSE_CHANNEL = 7,
        /// Guest: memory to share, with the first page numbers.
        GPADL_HEADER = 8,
        /// Guest: more page numbers.
        GPADL_BODY = 9,
        /// Host: the answer to [`Self::GPADL_HEADER`].
        GPADL_CREATED = 10,
        /// Guest: no longer share memory.
        GPADL_TEARDOWN = 11,
        /// Host: the answer to [`Self::GPADL_TEARDOWN`].
        GPADL_TORNDOWN = 12,
        /// Guest: the relid of a rescinded channel may be used again.
        RELID_RELEASED = 13,
        /// Guest: the first message of a connection.
        INITIATE_CONTACT = 14,
        /// Host: the answer to [`Self::INITIATE_CONTACT`].
        VERSION_RESPONSE = 15,
        /// Guest: the connection ends.
        UNLOAD = 16,
        /// Host: the answer to [`Self::UNLOAD`], its last message.
        UNLOAD_RESPONSE = 17,
        /// Guest: connect a socket to a service of the host.
        TL_CONNECT_REQUEST = 21,
        /// Guest: move a channel to another virtual processor.
        MODIFY_CHANNEL = 22,
        /// Host: the answer to [`Self::TL_CONNECT_REQUEST`].
        TL_CONNECT_RESULT = 23,
        /// Host: the answer to [`Self::MODIFY_CHANNEL`].
        MODIFY_CHANNEL_RESPONSE = 24,
    }
}

impl MessageType {
    /// The shortest message of this type that a host may send; [`None`] for a type that no host
    /// sends or that we have no use for.
    pub fn min_len(self) -> Option<usize> {
        match self {
            Self::OFFER_CHANNEL => Some(size_of::<OfferChannel>()),
            Self::RESCIND_OFFER => Some(size_of::<RescindOffer>()),
            Self::ALL_OFFERS_DELIVERED | Self::UNLOAD_RESPONSE => Some(size_of::<Header>()),
            Self::OPEN_RESULT => Some(size_of::<OpenResult>()),
            Self::GPADL_CREATED => Some(size_of::<GpadlCreated>()),
            Self::GPADL_TORNDOWN => Some(size_of::<GpadlTorndown>()),
            Self::VERSION_RESPONSE => Some(size_of::<VersionResponse>()),
            Self::MODIFY_CHANNEL_RESPONSE => Some(size_of::<ModifyChannelResponse>()),
            _ => None,
        }
    }
}

/// What every message begins with.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Header {
    /// The kind of message.
    pub kind: MessageType,
    padding: u32,
}

impl Header {
    /// The header of a message of type `kind`.
    pub const fn new(kind: MessageType) -> Self {
        Self { kind, padding: 0 }
    }

    /// The header of the message in `bytes`, where its length is right for its type.
    ///
    /// # Errors
    ///
    /// Says what is wrong with the message; none of these is to be answered.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let (header, _) = Self::read_from_prefix(bytes).map_err(|_| Malformed::NoHeader)?;
        let kind = header.kind;
        let min = kind.min_len().ok_or(Malformed::Unexpected(kind))?;
        if bytes.len() < min || bytes.len() > MAX_LEN {
            return Err(Malformed::Length {
                kind,
                len: bytes.len(),
            });
        }
        Ok(header)
    }
}

/// What can be wrong with a message of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// Too short for a header.
    NoHeader,
    /// Of a type that is not for us.
    Unexpected(MessageType),
    /// Too short for its type, or too long for any.
    Length {
        /// The type.
        kind: MessageType,
        /// The length.
        len: usize,
    },
}

/// A message with a fixed structure.
pub trait Message: Sized + FromBytes + IntoBytes + Immutable {
    /// Its type.
    const KIND: MessageType;

    /// Reads the message from a private copy of what the host sent. Bytes after the structure are
    /// of a later protocol and ignored.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let header = Header::parse(bytes).ok()?;
        if header.kind != Self::KIND {
            return None;
        }
        let (message, _) = Self::read_from_prefix(bytes).ok()?;
        Some(message)
    }
}

/// Declares that `$name` is the structure of messages of type `$kind`.
macro_rules! message {
    ($name:ty, $kind:ident) => {
        impl super::message::Message for $name {
            const KIND: MessageType = MessageType::$kind;
        }
        const _: () = assert!(size_of::<$name>() <= super::message::MAX_LEN);
    };
}
pub(super) use message;
