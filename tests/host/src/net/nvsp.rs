// SPDX-License-Identifier: GPL-2.0

//! NVSP: the messages between a network card and its driver. Facts from
//! drivers/net/hyperv/hyperv_net.h.

use std::fmt;

use zerocopy::FromBytes;
use zerocopy::little_endian::U32;

/// The class of network cards, f8615163-df3e-46c5-913f-f2d2f965ed0e.
pub const CLASS: [u8; 16] = [
    0x63, 0x51, 0x61, 0xf8, 0x3e, 0xdf, 0xc5, 0x46, 0x91, 0x3f, 0xf2, 0xd2, 0xf9, 0x65, 0xed, 0x0e,
];

/// The length of the largest message, which guests send whatever the kind.
pub const MESSAGE_LEN: usize = 40;

/// The id of the receive buffer, which transfer-page packets repeat.
pub const RECEIVE_BUFFER: u16 = 0xcafe;

/// The section index of a message whose data are not in the send buffer.
pub const NO_SECTION: u32 = u32::MAX;

/// The number of entries in a send indirection table.
pub const SEND_TABLE: usize = 16;

/// The kinds of message.
pub mod kind {
    #![expect(missing_docs, reason = "the names are the protocol's")]
    pub const INIT: u32 = 1;
    pub const INIT_COMPLETE: u32 = 2;
    pub const SEND_NDIS_VERSION: u32 = 100;
    pub const SEND_RECEIVE_BUFFER: u32 = 101;
    pub const SEND_RECEIVE_BUFFER_COMPLETE: u32 = 102;
    pub const REVOKE_RECEIVE_BUFFER: u32 = 103;
    pub const SEND_SEND_BUFFER: u32 = 104;
    pub const SEND_SEND_BUFFER_COMPLETE: u32 = 105;
    pub const REVOKE_SEND_BUFFER: u32 = 106;
    pub const SEND_RNDIS_PACKET: u32 = 107;
    pub const SEND_RNDIS_PACKET_COMPLETE: u32 = 108;
    pub const SEND_NDIS_CONFIG: u32 = 125;
    pub const SEND_VF_ASSOCIATION: u32 = 128;
    pub const SWITCH_DATA_PATH: u32 = 129;
    pub const SUBCHANNEL: u32 = 133;
    pub const SEND_INDIRECTION_TABLE: u32 = 134;
}

/// The status values of answers.
pub mod status {
    #![expect(missing_docs, reason = "the names are the protocol's")]
    pub const SUCCESS: u32 = 1;
    pub const FAIL: u32 = 2;
    pub const TOO_NEW: u32 = 3;
    pub const TOO_OLD: u32 = 4;
    pub const INVALID_RNDIS_PACKET: u32 = 5;
}

/// What a guest may say in `SEND_NDIS_CONFIG` that it can do.
pub mod capability {
    #![expect(missing_docs, reason = "the names are the protocol's")]
    pub const SRIOV: u64 = 1 << 2;
    pub const VLAN: u64 = 1 << 3;
    pub const TEAMING: u64 = 1 << 5;
    pub const RSC: u64 = 1 << 7;
}

/// A version of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u32);

impl Version {
    /// The first one.
    pub const V1: Self = Self(2);
    /// With `SEND_NDIS_CONFIG`.
    pub const V2: Self = Self(0x3_0002);
    /// With virtual functions.
    pub const V4: Self = Self(0x4_0000);
    /// With sub-channels and receive side scaling.
    pub const V5: Self = Self(0x5_0000);
    /// With packet-direct messages, which nobody uses.
    pub const V6: Self = Self(0x6_0000);
    /// With receive segment coalescing.
    pub const V6_1: Self = Self(0x6_0001);

    /// All of them, the oldest first.
    pub const ALL: [Self; 6] = [Self::V1, Self::V2, Self::V4, Self::V5, Self::V6, Self::V6_1];
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::V1 => f.write_str("1"),
            Self::V2 => f.write_str("2"),
            Self(version) if version & 0xffff == 0 => write!(f, "{}", version >> 16),
            Self(version) => write!(f, "{}.{}", version >> 16, version & 0xffff),
        }
    }
}

/// Word `index` of a message, 0 being its kind.
pub fn word(message: &[u8], index: usize) -> Option<u32> {
    let rest = message.get(4 * index..)?;
    U32::read_from_prefix(rest).ok().map(|(word, _)| word.get())
}

/// A message of words, filled up to the full length.
pub fn message(kind: u32, words: &[u32]) -> Vec<u8> {
    let mut bytes = short_message(kind, words);
    bytes.resize(bytes.len().max(MESSAGE_LEN), 0);
    bytes
}

/// A message of nothing but these words.
pub fn short_message(kind: u32, words: &[u32]) -> Vec<u8> {
    let mut bytes = kind.to_le_bytes().to_vec();
    bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
    bytes
}

/// The send indirection table, behind a message of full length.
pub fn send_table(channels: u32) -> Vec<u8> {
    let mut bytes = message(
        kind::SEND_INDIRECTION_TABLE,
        &[SEND_TABLE as u32, MESSAGE_LEN as u32],
    );
    for entry in 0..SEND_TABLE as u32 {
        bytes.extend((entry % channels.max(1)).to_le_bytes());
    }
    bytes
}
