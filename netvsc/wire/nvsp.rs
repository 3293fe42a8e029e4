// SPDX-License-Identifier: GPL-2.0

//! NVSP: the set-up of a channel, and the wrapping of RNDIS messages. What the host says is in
//! [`answer`](super::answer).
//!
//! All messages of the guest have the same length. Those of the host are as long as they need to be,
//! and filled up to a multiple of 8 bytes.

pub(crate) use super::answer::{
    expect_rndis,
    Answer,
    Notice,
    Sections, //
};
use zerocopy::{
    little_endian::{
        U16,
        U32,
        U64, //
    },
    Immutable as _Immutable,
    IntoBytes, //
};
use zerocopy_derive::{
    FromBytes,
    Immutable,
    IntoBytes,
    KnownLayout, //
};

/// The number of entries in the table that says which channel a flow is sent on.
pub(crate) const SEND_TABLE_LEN: usize = 16;

/// How the guest calls its receive buffer.
pub(crate) const RECEIVE_BUFFER_ID: u16 = 0xcafe;

/// How the guest calls its send buffer.
pub(crate) const SEND_BUFFER_ID: u16 = 0;

/// The most ranges of a packet of the host.
const MAX_RANGES: usize = 562;

/// The longest packet of the host, descriptor included: one with all ranges, or with a table.
pub(crate) const MAX_PACKET: usize = 24 + 8 * MAX_RANGES + MESSAGE_LEN + 4 * SEND_TABLE_LEN;

/// The length of a message of the guest.
pub(crate) const MESSAGE_LEN: usize = size_of::<Message>();

const BODY_LEN: usize = 36;

open_enum! {
    /// A version of the protocol.
    pub(crate) struct Version(u32) {
        /// The first.
        V1 = 2,
        /// Windows Server 2008 R2.
        V2 = 0x3_0002,
        /// Windows Server 2012.
        V4 = 0x4_0000,
        /// Windows Server 2012 R2.
        V5 = 0x5_0000,
        /// Windows Server 2016.
        V6 = 0x6_0000,
        /// Windows Server 2019.
        V6_1 = 0x6_0001,
    }
}

impl Version {
    /// The versions in the order in which they are proposed.
    pub(crate) const PREFERRED: [Self; 6] =
        [Self::V6_1, Self::V6, Self::V5, Self::V4, Self::V2, Self::V1];

    /// The version of NDIS that goes with it: major and minor number.
    pub(crate) const fn ndis(self) -> (u32, u32) {
        if self.0 <= Self::V4.0 {
            (6, 1)
        } else {
            (6, 30)
        }
    }
}

open_enum! {
    /// The kind of a message.
    pub(crate) struct MessageType(u32) {
        /// Proposes a version.
        INIT = 1,
        /// The answer.
        INIT_COMPLETE = 2,
        /// Tells the version of NDIS.
        SEND_NDIS_VERSION = 100,
        /// Offers the receive buffer.
        SEND_RECEIVE_BUFFER = 101,
        /// The answer.
        SEND_RECEIVE_BUFFER_COMPLETE = 102,
        /// Takes it back.
        REVOKE_RECEIVE_BUFFER = 103,
        /// Offers the send buffer.
        SEND_SEND_BUFFER = 104,
        /// The answer.
        SEND_SEND_BUFFER_COMPLETE = 105,
        /// Takes it back.
        REVOKE_SEND_BUFFER = 106,
        /// Wraps RNDIS messages, in both directions.
        SEND_RNDIS_PACKET = 107,
        /// Ends their use, likewise.
        SEND_RNDIS_PACKET_COMPLETE = 108,
        /// Tells what the guest is capable of.
        SEND_NDIS_CONFIG = 125,
        /// There is a virtual function, or no longer.
        SEND_VF_ASSOCIATION = 128,
        /// Says which way frames are to take.
        SWITCH_DATA_PATH = 129,
        /// Asks for sub-channels; also the answer.
        SUBCHANNEL = 133,
        /// Says which channel a flow is to be sent on.
        SEND_INDIRECTION_TABLE = 134,
    }
}

open_enum! {
    /// How a message fared.
    pub(crate) struct Status(u32) {
        /// Well.
        SUCCESS = 1,
        /// Not well.
        FAIL = 2,
    }
}

open_enum! {
    /// What the guest is capable of.
    pub(crate) struct Capabilities(u64) {
        /// Virtual functions.
        SRIOV = 1 << 2,
        /// VLAN tags beside the frame.
        IEEE8021Q = 1 << 3,
        /// Changes of the link's speed.
        TEAMING = 1 << 5,
        /// Coalesced frames.
        RSC = 1 << 7,
    }
}

impl Capabilities {
    /// Both.
    pub(crate) const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// A message of the guest.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub(crate) struct Message {
    /// The kind.
    pub(crate) kind: MessageType,
    pub(crate) body: [u8; BODY_LEN],
}

impl Message {
    #[inline]
    fn new<T: IntoBytes + _Immutable>(kind: MessageType, body: T) -> Self {
        const { assert!(size_of::<T>() <= BODY_LEN) };
        let mut message = Self {
            kind,
            body: [0; BODY_LEN],
        };
        let bytes = body.as_bytes();
        if let Some(start) = message.body.get_mut(..bytes.len()) {
            start.copy_from_slice(bytes);
        }
        message
    }

    /// Proposes a version.
    pub(crate) fn init(version: Version) -> Self {
        Self::new(MessageType::INIT, [version.0, version.0])
    }

    /// Tells the version of NDIS.
    pub(crate) fn ndis_version(version: Version) -> Self {
        let (major, minor) = version.ndis();
        Self::new(MessageType::SEND_NDIS_VERSION, [major, minor])
    }

    /// Tells what the guest is capable of; `frame` is the length of the longest frame.
    pub(crate) fn ndis_config(frame: u32, capabilities: Capabilities) -> Self {
        Self::new(
            MessageType::SEND_NDIS_CONFIG,
            NdisConfig {
                frame: U32::new(frame),
                reserved: U32::ZERO,
                capabilities: U64::new(capabilities.0),
            },
        )
    }

    /// Offers the receive buffer.
    pub(crate) fn send_receive_buffer(gpadl: u32) -> Self {
        let body = BufferOffer::new(gpadl, RECEIVE_BUFFER_ID);
        Self::new(MessageType::SEND_RECEIVE_BUFFER, body)
    }

    /// Offers the send buffer.
    pub(crate) fn send_send_buffer(gpadl: u32) -> Self {
        let body = BufferOffer::new(gpadl, SEND_BUFFER_ID);
        Self::new(MessageType::SEND_SEND_BUFFER, body)
    }

    /// Takes the receive buffer back.
    pub(crate) fn revoke_receive_buffer() -> Self {
        Self::new(
            MessageType::REVOKE_RECEIVE_BUFFER,
            U16::new(RECEIVE_BUFFER_ID),
        )
    }

    /// Takes the send buffer back.
    pub(crate) fn revoke_send_buffer() -> Self {
        Self::new(MessageType::REVOKE_SEND_BUFFER, U16::new(SEND_BUFFER_ID))
    }

    /// Says whether frames are to take the way of the virtual function. The answer is empty.
    pub(crate) fn switch_data_path(to_function: bool) -> Self {
        Self::new(MessageType::SWITCH_DATA_PATH, U32::new(to_function.into()))
    }

    /// Asks for `count` sub-channels.
    pub(crate) fn allocate_subchannels(count: u32) -> Self {
        const ALLOCATE: u32 = 1;

        Self::new(MessageType::SUBCHANNEL, [ALLOCATE, count])
    }

    /// Wraps RNDIS messages.
    #[inline]
    pub(crate) fn rndis(packet: RndisPacket) -> Self {
        Self::new(MessageType::SEND_RNDIS_PACKET, packet)
    }
}

#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub(crate) struct NdisConfig {
    pub(crate) frame: U32,
    reserved: U32,
    pub(crate) capabilities: U64,
}

#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub(crate) struct BufferOffer {
    pub(crate) gpadl: U32,
    pub(crate) id: U16,
}

impl BufferOffer {
    fn new(gpadl: u32, id: u16) -> Self {
        Self {
            gpadl: U32::new(gpadl),
            id: U16::new(id),
        }
    }
}

/// Where an RNDIS message of the guest is.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub(crate) struct RndisPacket {
    /// 0 for frames, 1 for requests.
    pub(crate) channel: u32,
    /// The section of the send buffer, or [`Self::NO_SECTION`].
    pub(crate) section: u32,
    /// How much of that section is used.
    pub(crate) section_len: u32,
}

impl RndisPacket {
    const NO_SECTION: u32 = u32::MAX;

    /// A request, which is in the pages that the packet is about.
    pub(crate) const CONTROL: Self = Self {
        channel: 1,
        section: Self::NO_SECTION,
        section_len: 0,
    };

    /// A frame, likewise.
    pub(crate) const DIRECT: Self = Self {
        channel: 0,
        section: Self::NO_SECTION,
        section_len: 0,
    };

    /// Frames in a section of the send buffer. Pages that the packet is about come after it.
    #[inline]
    pub(crate) const fn in_section(section: u32, section_len: u32) -> Self {
        Self {
            channel: 0,
            section,
            section_len,
        }
    }
}

/// The answer to an RNDIS message of the host.
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub(crate) struct ReceiveComplete {
    kind: MessageType,
    status: Status,
}

impl ReceiveComplete {
    /// The answer.
    #[inline]
    pub(crate) const fn new(status: Status) -> Self {
        Self {
            kind: MessageType::SEND_RNDIS_PACKET_COMPLETE,
            status,
        }
    }
}
