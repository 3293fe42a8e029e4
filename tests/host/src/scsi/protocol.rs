// SPDX-License-Identifier: GPL-2.0

//! The storage protocol's packets and numbers. Facts from drivers/scsi/storvsc_drv.c.

use std::fmt;

use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// The class of SCSI controllers, ba6163d9-04a1-4d29-b605-72e2ffb1dc7f.
pub const CLASS: [u8; 16] = [
    0xd9, 0x63, 0x61, 0xba, 0xa1, 0x04, 0x29, 0x4d, 0xb6, 0x05, 0x72, 0xe2, 0xff, 0xb1, 0xdc, 0x7f,
];

/// The class of the channels of IDE disks, 32412632-86cb-44a2-9b5c-50d1417354f5.
pub const IDE_CLASS: [u8; 16] = [
    0x32, 0x26, 0x41, 0x32, 0xcb, 0x86, 0xa2, 0x44, 0x9b, 0x5c, 0x50, 0xd1, 0x41, 0x73, 0x54, 0xf5,
];

/// The length of every packet.
pub const PACKET_LEN: usize = 64;

/// The length of the part of a packet that depends on the operation.
pub const BODY_LEN: usize = 52;

/// The longest command descriptor block.
pub const MAX_CDB_LEN: usize = 16;

/// The room for sense data in a request block.
pub const SENSE_LEN: usize = 20;

/// The length of the properties.
pub const PROPERTIES_LEN: usize = 24;

/// `flags` of [`Properties`]: the host has more than one channel to give.
pub const MULTI_CHANNEL: u32 = 1;

/// A version of the storage protocol.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u16);

impl Version {
    /// Windows 8.1 and Windows Server 2012 R2.
    pub const V6_0: Version = Version(0x0600);
    /// Windows 10, Windows Server 2016 and later.
    pub const V6_2: Version = Version(0x0602);
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0 >> 8, self.0 & 0xff)
    }
}

/// Operations.
#[expect(missing_docs, reason = "the protocol's own names")]
pub mod operation {
    pub const COMPLETE_IO: u32 = 1;
    pub const REMOVE_DEVICE: u32 = 2;
    pub const EXECUTE_SRB: u32 = 3;
    pub const RESET_BUS: u32 = 6;
    pub const BEGIN_INITIALIZATION: u32 = 7;
    pub const END_INITIALIZATION: u32 = 8;
    pub const QUERY_PROTOCOL_VERSION: u32 = 9;
    pub const QUERY_PROPERTIES: u32 = 10;
    pub const ENUMERATE_BUS: u32 = 11;
    pub const CREATE_SUB_CHANNELS: u32 = 13;
}

/// NTSTATUS values that stand in a packet's status.
#[expect(missing_docs, reason = "the system's own names")]
pub mod status {
    pub const SUCCESS: u32 = 0;
    pub const UNSUCCESSFUL: u32 = 0xc000_0001;
    pub const INVALID_PARAMETER: u32 = 0xc000_000d;
    pub const INVALID_DEVICE_REQUEST: u32 = 0xc000_0010;
    pub const REVISION_MISMATCH: u32 = 0xc000_0059;
    pub const INVALID_DEVICE_STATE: u32 = 0xc000_0184;
}

/// SRB status values: a number in the low six bits, flags above.
#[expect(missing_docs, reason = "the protocol's own names")]
pub mod srb_status {
    pub const SUCCESS: u8 = 0x01;
    pub const ERROR: u8 = 0x04;
    pub const INVALID_REQUEST: u8 = 0x06;
    pub const BUS_RESET: u8 = 0x0e;
    pub const DATA_OVERRUN: u8 = 0x12;
    pub const INVALID_LUN: u8 = 0x20;
    pub const AUTOSENSE_VALID: u8 = 0x80;
}

/// SRB flags.
#[expect(missing_docs, reason = "the protocol's own names")]
pub mod srb_flags {
    pub const DATA_IN: u32 = 0x40;
    pub const DATA_OUT: u32 = 0x80;
}

/// SCSI status values.
#[expect(missing_docs, reason = "the standard's own names")]
pub mod scsi_status {
    pub const GOOD: u8 = 0x00;
    pub const CHECK_CONDITION: u8 = 0x02;
}

/// A packet, either way.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct VstorPacket {
    /// The operation.
    pub operation: U32,
    /// Bit 0: a completion is wanted.
    pub flags: U32,
    /// How it went, in an answer.
    pub status: U32,
    /// What the operation needs.
    pub body: [u8; BODY_LEN],
}

/// A request block: the body of EXECUTE_SRB and of its completion.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Srb {
    /// The length of this structure.
    pub length: U16,
    /// How the request went.
    pub srb_status: u8,
    /// How the command went.
    pub scsi_status: u8,
    /// The adapter, as the guest numbers it.
    pub port: u8,
    /// The bus.
    pub path: u8,
    /// The target.
    pub target: u8,
    /// The logical unit.
    pub lun: u8,
    /// The bytes of the command descriptor block in use.
    pub cdb_length: u8,
    /// The bytes of sense data.
    pub sense_length: u8,
    /// 0 from the guest, 1 to the guest, 2 neither.
    pub data_in: u8,
    /// Not used.
    pub reserved: u8,
    /// The bytes to transfer; in an answer, the bytes transferred.
    pub data_transfer_length: U32,
    /// The command descriptor block; in an answer, the sense data.
    pub payload: [u8; SENSE_LEN],
    /// Not used.
    pub reserved2: U16,
    /// The tag of the request.
    pub queue_tag: u8,
    /// The kind of tag.
    pub queue_action: u8,
    /// Flags.
    pub flags: U32,
    /// Seconds until the guest's port driver gives up.
    pub time_out: U32,
    /// Not used by Linux.
    pub queue_sort_key: U32,
}

/// The body of the answer to QUERY_PROPERTIES.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Properties {
    /// Not used.
    pub reserved: U32,
    /// The most sub-channels that the guest may ask for.
    pub max_channel_count: U16,
    /// Not used.
    pub reserved1: U16,
    /// [`MULTI_CHANNEL`].
    pub flags: U32,
    /// The largest transfer of one request.
    pub max_transfer_bytes: U32,
    /// Not used.
    pub reserved2: U64,
}

const _: () = assert!(size_of::<VstorPacket>() == PACKET_LEN);
const _: () = assert!(size_of::<Srb>() == BODY_LEN);
const _: () = assert!(size_of::<Properties>() == PROPERTIES_LEN);
