// SPDX-License-Identifier: GPL-2.0

//! The packet that everything travels in, and its operations.

use super::{
    ChannelProperties,
    ProtocolVersion,
    Srb, //
};
use zerocopy::{
    FromBytes as _,
    IntoBytes as _, //
};
use zerocopy_derive::{
    FromBytes,
    Immutable,
    IntoBytes,
    KnownLayout, //
};

/// The size of a packet.
pub(crate) const PACKET_BYTES: usize = 64;

/// The transaction id of the packets that set a channel up.
pub(crate) const INIT_TRANSACTION: u64 = u64::MAX - 2;

/// The transaction id of a bus reset.
pub(crate) const RESET_TRANSACTION: u64 = u64::MAX - 3;

/// The transaction id of what the host sends on its own account.
pub(crate) const UNSOLICITED_TRANSACTION: u64 = 0;

/// What a packet is about. Open, because the host chooses it.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub(crate) struct Operation(pub(crate) u32);

impl Operation {
    /// The host's answer to any request.
    pub(crate) const COMPLETE_IO: Self = Self(1);
    /// The host removed a device.
    pub(crate) const REMOVE_DEVICE: Self = Self(2);
    /// Executes a SCSI command.
    pub(crate) const EXECUTE_SRB: Self = Self(3);
    /// Resets the bus.
    pub(crate) const RESET_BUS: Self = Self(6);
    /// Starts the set-up.
    pub(crate) const BEGIN_INITIALIZATION: Self = Self(7);
    /// Ends the set-up.
    pub(crate) const END_INITIALIZATION: Self = Self(8);
    /// Proposes a protocol version.
    pub(crate) const QUERY_PROTOCOL_VERSION: Self = Self(9);
    /// Asks for the properties of the channel.
    pub(crate) const QUERY_PROPERTIES: Self = Self(10);
    /// The host wants the bus to be scanned again.
    pub(crate) const ENUMERATE_BUS: Self = Self(11);
    /// World-wide names of a Fibre Channel adapter.
    pub(crate) const FCHBA_DATA: Self = Self(12);
    /// Asks for sub-channels.
    pub(crate) const CREATE_SUB_CHANNELS: Self = Self(13);
}

/// The start of a packet.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub(crate) struct Header {
    /// What the packet is about.
    pub(crate) operation: Operation,
    /// [`Header::WANT_COMPLETION`] or nothing.
    pub(crate) flags: u32,
    /// How the host fared; 0 is success.
    pub(crate) status: u32,
}

impl Header {
    /// The host shall answer.
    pub(crate) const WANT_COMPLETION: u32 = 1;
}

/// A whole packet.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub(crate) struct Packet {
    /// The start.
    pub(crate) header: Header,
    /// The payload, as a SCSI request. Other payloads are in its bytes.
    pub(crate) srb: Srb,
}

const _: () = assert!(size_of::<Packet>() == PACKET_BYTES);

impl Packet {
    /// A request with an empty payload.
    #[inline]
    pub(crate) fn request(operation: Operation) -> Self {
        Self::with_srb(operation, Srb::default())
    }

    #[inline]
    const fn with_srb(operation: Operation, srb: Srb) -> Self {
        Self {
            header: Header {
                operation,
                flags: Header::WANT_COMPLETION,
                status: 0,
            },
            srb,
        }
    }

    /// Proposes a protocol version.
    pub(crate) fn query_version(version: ProtocolVersion) -> Self {
        Self::request(Operation::QUERY_PROTOCOL_VERSION).with(&version.0.to_le_bytes())
    }

    /// Asks for `count` sub-channels.
    pub(crate) fn create_sub_channels(count: u16) -> Self {
        Self::request(Operation::CREATE_SUB_CHANNELS).with(&count.to_le_bytes())
    }

    /// Resets the bus `path`.
    pub(crate) fn reset_bus(path: u8) -> Self {
        let srb = Srb {
            path,
            ..Srb::default()
        };
        Self::with_srb(Operation::RESET_BUS, srb)
    }

    /// Reads a packet that the host sent; [`None`] if it is too short. What follows a packet is
    /// ignored.
    #[inline]
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        Some(Self::read_from_prefix(bytes).ok()?.0)
    }

    /// Reads the operation of an unsolicited message; [`None`] if it is too short for one.
    pub(crate) fn parse_operation(bytes: &[u8]) -> Option<Operation> {
        Some(Operation::read_from_prefix(bytes).ok()?.0)
    }

    /// Whether the host says that it did what a request asked for.
    pub(crate) fn is_success(&self) -> bool {
        self.header.operation == Operation::COMPLETE_IO && self.header.status == 0
    }

    /// The payload as the properties of a channel.
    pub(crate) fn properties(&self) -> Option<ChannelProperties> {
        Some(
            ChannelProperties::read_from_prefix(self.srb.as_bytes())
                .ok()?
                .0,
        )
    }

    fn with(mut self, bytes: &[u8]) -> Self {
        if let Some(start) = self.srb.as_mut_bytes().get_mut(..bytes.len()) {
            start.copy_from_slice(bytes);
        }
        self
    }
}
