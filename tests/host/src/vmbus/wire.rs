// SPDX-License-Identifier: GPL-2.0

//! Control messages, as they are on the wire.
//!
//! A message is eight bytes of header (the kind and a reserved word) and a body, 240 bytes at most.
//! Kinds and layouts are those of `include/linux/hyperv.h`.

use std::fmt;
use std::str::FromStr;

use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::device::Guid;

/// The longest message.
pub const MAX_MESSAGE: usize = 240;
/// Bytes of user data in offers and opens.
pub const USER_DATA: usize = 120;
/// Page numbers that fit a GPADL header message with one range.
pub const PFNS_IN_HEADER: usize = 26;
/// Page numbers that fit a GPADL body message.
pub const PFNS_IN_BODY: usize = 28;
/// The connection id on which guests that speak versions below 5.0 send messages.
pub const CONNECTION_OLD: u32 = 1;
/// The connection id on which guests initiate contact with versions from 5.0 on.
pub const CONNECTION_CONTACT: u32 = 4;
/// Relids are below this number.
pub const MAX_RELIDS: u32 = 2048;

/// A version of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub u32);

impl Version {
    /// Windows Server 2016.
    pub const V4_0: Self = Self(0x4_0000);
    /// The first with a message to move a channel to another virtual processor.
    pub const V4_1: Self = Self(0x4_0001);
    /// The first where the host names the connection id for messages.
    pub const V5_0: Self = Self(0x5_0000);
    /// Windows 10 1803.
    pub const V5_1: Self = Self(0x5_0001);
    /// Windows Server 2019.
    pub const V5_2: Self = Self(0x5_0002);
    /// The first that answers the message that moves a channel.
    pub const V5_3: Self = Self(0x5_0003);
    /// The first with confidential channels.
    pub const V6_0: Self = Self(0x6_0000);
    /// All of them, oldest first.
    pub const ALL: [Self; 7] = [
        Self::V4_0,
        Self::V4_1,
        Self::V5_0,
        Self::V5_1,
        Self::V5_2,
        Self::V5_3,
        Self::V6_0,
    ];
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0 >> 16, self.0 & 0xffff)
    }
}

impl FromStr for Version {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|version| version.to_string() == text)
            .ok_or_else(|| {
                let known: Vec<_> = Self::ALL.iter().map(Self::to_string).collect();
                format!("no VMBus version {text}; there are {}", known.join(", "))
            })
    }
}

/// Prints a GUID the usual way.
#[derive(Clone, Copy, Debug)]
pub struct ShowGuid<'a>(pub &'a Guid);

impl fmt::Display for ShowGuid<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const ORDER: [usize; 16] = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
        for (position, index) in ORDER.into_iter().enumerate() {
            let dash = if matches!(position, 4 | 6 | 8 | 10) {
                "-"
            } else {
                ""
            };
            write!(f, "{dash}{:02x}", self.0[index])?;
        }
        Ok(())
    }
}

macro_rules! messages {
    ($($(#[doc = $doc:literal])+ $name:ident = $number:literal,)+) => {
        /// The kinds of messages.
        #[allow(missing_docs, reason = "the names are those of the protocol")]
        pub mod kind {
            $($(#[doc = $doc])+ pub const $name: u32 = $number;)+
        }

        /// The name of a kind of message.
        pub fn kind_name(kind: u32) -> &'static str {
            match kind {
                $(kind::$name => stringify!($name),)+
                _ => "unknown",
            }
        }
    };
}

messages! {
    /// The host offers a channel.
    OFFER_CHANNEL = 1,
    /// The host takes an offer back.
    RESCIND_OFFER = 2,
    /// The guest asks for the offers.
    REQUEST_OFFERS = 3,
    /// The offers that were there at the request are all delivered.
    ALL_OFFERS_DELIVERED = 4,
    /// The guest opens a channel.
    OPEN_CHANNEL = 5,
    /// The answer to the open.
    OPEN_RESULT = 6,
    /// The guest closes a channel.
    CLOSE_CHANNEL = 7,
    /// The guest shares memory: the first pages.
    GPADL_HEADER = 8,
    /// Further pages.
    GPADL_BODY = 9,
    /// The answer to the last page.
    GPADL_CREATED = 10,
    /// The guest ends the sharing.
    GPADL_TEARDOWN = 11,
    /// The answer to that.
    GPADL_TORNDOWN = 12,
    /// The guest has forgotten a rescinded channel.
    RELID_RELEASED = 13,
    /// The guest proposes a version.
    INITIATE_CONTACT = 14,
    /// The answer to the proposal.
    VERSION_RESPONSE = 15,
    /// The guest ends the connection.
    UNLOAD = 16,
    /// The answer to that; the host touches guest memory no more.
    UNLOAD_RESPONSE = 17,
    /// The guest asks for a Hyper-V socket.
    TL_CONNECT_REQUEST = 21,
    /// The guest moves a channel's interrupts.
    MODIFY_CHANNEL = 22,
    /// The answer to a socket request.
    TL_CONNECT_RESULT = 23,
    /// The answer to the move, from version 5.3 on.
    MODIFY_CHANNEL_RESPONSE = 24,
}

macro_rules! bodies {
    ($($(#[doc = $doc:literal])+ $name:ident { $($(#[doc = $fdoc:literal])+ $field:ident: $ty:ty,)+ })+) => {
        $(
            $(#[doc = $doc])+
            #[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
            #[repr(C)]
            pub struct $name { $($(#[doc = $fdoc])+ pub $field: $ty,)+ }
        )+
    };
}

bodies! {
    /// The start of each message.
    Header {
        /// See [`kind`].
        kind: U32,
        /// Zero.
        padding: U32,
    }
    /// The body of [`kind::OFFER_CHANNEL`].
    OfferChannel {
        /// The device class.
        class: Guid,
        /// The device.
        instance: Guid,
        /// Zero.
        reserved: [u8; 16],
        /// Flags of the channel.
        flags: U16,
        /// MMIO space that the device wants.
        mmio_megabytes: U16,
        /// For the device's driver.
        user_defined: [u8; USER_DATA],
        /// 0 for a primary channel.
        subchannel_index: U16,
        /// Zero.
        reserved2: U16,
        /// The channel's number.
        relid: U32,
        /// The bit of the monitor page.
        monitor_id: u8,
        /// 1: signal through the monitor page.
        monitor_allocated: u8,
        /// 1: the connection belongs to this channel alone.
        dedicated: U16,
        /// Where to signal the host.
        connection: U32,
    }
    /// The body of messages that name a channel only.
    Relid {
        /// The channel.
        relid: U32,
    }
    /// The body of [`kind::OPEN_CHANNEL`].
    OpenChannel {
        /// The channel.
        relid: U32,
        /// Comes back in the result.
        open_id: U32,
        /// The GPADL with both rings.
        gpadl: U32,
        /// Where to signal the guest.
        target_vp: U32,
        /// The page where the ring to the guest starts.
        downstream_page: U32,
        /// For the device.
        user_data: [u8; USER_DATA],
    }
    /// The body of [`kind::OPEN_RESULT`].
    OpenResult {
        /// The channel.
        relid: U32,
        /// From the open.
        open_id: U32,
        /// 0 for success.
        status: U32,
    }
    /// The fixed part of [`kind::GPADL_HEADER`], with its first range.
    GpadlHeader {
        /// The channel.
        relid: U32,
        /// The name that the guest gives it.
        gpadl: U32,
        /// Bytes of all ranges with their page numbers, modulo 65536.
        range_bytes: U16,
        /// How many ranges.
        range_count: U16,
        /// Bytes of the first range.
        byte_count: U32,
        /// Where it starts in its first page.
        byte_offset: U32,
    }
    /// The fixed part of [`kind::GPADL_BODY`].
    GpadlBody {
        /// Not used.
        number: U32,
        /// The GPADL.
        gpadl: U32,
    }
    /// The body of [`kind::GPADL_CREATED`].
    GpadlCreated {
        /// The channel.
        relid: U32,
        /// The GPADL.
        gpadl: U32,
        /// 0 for success.
        status: U32,
    }
    /// The body of [`kind::GPADL_TEARDOWN`].
    GpadlTeardown {
        /// The channel.
        relid: U32,
        /// The GPADL.
        gpadl: U32,
    }
    /// The body of [`kind::GPADL_TORNDOWN`].
    GpadlTorndown {
        /// The GPADL.
        gpadl: U32,
    }
    /// The body of [`kind::INITIATE_CONTACT`].
    InitiateContact {
        /// The version proposed.
        version: U32,
        /// Where messages go.
        target_vp: U32,
        /// Below 5.0 the interrupt page; from 5.0 on SINT, VTL, and from 6.0 on feature flags.
        interrupt: U64,
        /// Triggers from the host.
        monitor_to_guest: U64,
        /// Triggers from the guest.
        monitor_to_host: U64,
    }
    /// The body of [`kind::VERSION_RESPONSE`].
    VersionResponse {
        /// 1: connected.
        supported: u8,
        /// 0 for success.
        state: u8,
        /// Zero.
        padding: U16,
        /// Where messages go from now on (from 5.0 on).
        connection: U32,
    }
    /// The body of [`kind::MODIFY_CHANNEL`].
    ModifyChannel {
        /// The channel.
        relid: U32,
        /// Where to signal the guest from now on.
        target_vp: U32,
    }
    /// The body of [`kind::MODIFY_CHANNEL_RESPONSE`].
    ModifyChannelResponse {
        /// The channel.
        relid: U32,
        /// 0 for success.
        status: U32,
    }
}

/// A message of `kind` with `body`.
pub fn message(kind: u32, body: &(impl IntoBytes + Immutable + ?Sized)) -> Vec<u8> {
    let header = Header {
        kind: kind.into(),
        padding: U32::ZERO,
    };
    [header.as_bytes(), body.as_bytes()].concat()
}

/// Splits a message into its kind and what follows the header.
pub fn split(message: &[u8]) -> Option<(u32, &[u8])> {
    let (header, body) = Header::read_from_prefix(message).ok()?;
    Some((header.kind.get(), body))
}

/// The relid that a message of `kind` with `body` is about.
pub fn relid_of(kind: u32, body: &[u8]) -> Option<u32> {
    let at = match kind {
        kind::OFFER_CHANNEL => size_of::<OfferChannel>() - 12,
        kind::RESCIND_OFFER
        | kind::OPEN_CHANNEL
        | kind::OPEN_RESULT
        | kind::CLOSE_CHANNEL
        | kind::GPADL_HEADER
        | kind::GPADL_CREATED
        | kind::GPADL_TEARDOWN
        | kind::RELID_RELEASED
        | kind::MODIFY_CHANNEL
        | kind::MODIFY_CHANNEL_RESPONSE => 0,
        _ => return None,
    };
    let (relid, _) = U32::read_from_prefix(body.get(at..)?).ok()?;
    Some(relid.get())
}

/// A message that the host is about to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutMessage {
    /// The virtual processor that gets it.
    pub vp: u32,
    /// Header and body.
    pub bytes: Vec<u8>,
}

impl OutMessage {
    /// See [`kind`].
    pub fn kind(&self) -> u32 {
        split(&self.bytes).map_or(0, |(kind, _)| kind)
    }

    /// The channel that it is about.
    pub fn relid(&self) -> Option<u32> {
        split(&self.bytes).and_then(|(kind, body)| relid_of(kind, body))
    }
}

/// Bytes from the start of the monitor page to the first group's trigger bits.
pub(super) const MONITOR_PENDING: u64 = 8;
/// Bytes from one group's trigger bits to the next one's.
pub(super) const MONITOR_GROUP: u64 = 8;
/// Bytes from the start of the monitor page to the latencies.
pub(super) const MONITOR_LATENCY: u64 = 0x240;
/// Bytes from the start of the monitor page to the parameters.
pub(super) const MONITOR_PARAMETER: u64 = 0x440;

/// An all-zero body.
pub fn zeroed<T: FromZeros>() -> T {
    T::new_zeroed()
}
