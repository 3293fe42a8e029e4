// SPDX-License-Identifier: GPL-2.0

//! What the host does of what a network stack does: checksums, segmentation, coalescing.

use super::{
    info::Transports,
    nvsp::Version, //
};
use core::mem::offset_of;
use zerocopy::{
    FromZeros,
    IntoBytes, //
};
use zerocopy_derive::{
    FromBytes,
    Immutable,
    IntoBytes,
    KnownLayout, //
};

/// What an object of NDIS begins with.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub(crate) struct ObjectHeader {
    pub(crate) kind: u8,
    pub(crate) revision: u8,
    pub(crate) len: u16,
}

/// Which checksums the host can do.
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub(crate) struct ChecksumCapabilities {
    pub(crate) v4_send_encapsulation: u32,
    pub(crate) v4_send: u32,
    pub(crate) v4_receive_encapsulation: u32,
    pub(crate) v4_receive: u32,
    pub(crate) v6_send_encapsulation: u32,
    pub(crate) v6_send: u32,
    pub(crate) v6_receive_encapsulation: u32,
    pub(crate) v6_receive: u32,
}

impl ChecksumCapabilities {
    const TCP4: u32 = 0x010 | Self::TCP_OPTIONS;
    const UDP4: u32 = 0x040;
    const TCP6: u32 = 0x010 | Self::TCP_OPTIONS | Self::IP6_EXTENSIONS;
    const UDP6: u32 = 0x040;
    const TCP_OPTIONS: u32 = 0x004;
    const IP6_EXTENSIONS: u32 = 0x001;
}

/// Which segmentation the host can do.
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub(crate) struct LargeSendCapabilities {
    pub(crate) v4_encapsulation: u32,
    pub(crate) v4_max_len: u32,
    pub(crate) v4_min_segments: u32,
    pub(crate) v6_encapsulation: u32,
    pub(crate) v6_max_len: u32,
    pub(crate) v6_min_segments: u32,
    pub(crate) v6_options: u32,
}

impl LargeSendCapabilities {
    const ETHERNET: u32 = 2;
    /// Extension headers and TCP options.
    const V6_ALL: u32 = 5;
}

/// What the host can do. What is not of interest has no name.
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub(crate) struct Capabilities {
    pub(crate) header: ObjectHeader,
    pub(crate) checksum: ChecksumCapabilities,
    large_send_v1: [u32; 4],
    ipsec_v1: [u32; 7],
    pub(crate) large_send: LargeSendCapabilities,
    flags: u32,
    /// From NDIS 6.1 on.
    pub(crate) ipsec_v2: [u32; 8],
    /// From NDIS 6.30 on.
    pub(crate) coalesce_v4: u8,
    pub(crate) coalesce_v6: u8,
    padding: u16,
    encapsulation: [u32; 2],
}

impl Capabilities {
    const OBJECT: u8 = 0xa7;

    /// The length in NDIS 6.0.
    pub(crate) const LEN_6_0: usize = offset_of!(Self, ipsec_v2);

    /// The length in NDIS 6.1.
    pub(crate) const LEN_6_1: usize = offset_of!(Self, coalesce_v4);

    /// What a question for them must contain, and its length.
    pub(crate) fn query(version: Version) -> (Self, usize) {
        let (revision, len) = if version >= Version::V5 {
            (3, size_of::<Self>())
        } else if version >= Version::V4 {
            (2, Self::LEN_6_1)
        } else {
            (1, Self::LEN_6_0)
        };
        let mut query = Self::new_zeroed();
        query.header = ObjectHeader {
            kind: Self::OBJECT,
            revision,
            // CAST: A small constant.
            len: len as u16,
        };
        (query, len)
    }

    /// Reads the answer; [`None`] if it makes no sense. What is missing at its end is 0.
    pub(crate) fn parse(value: &[u8]) -> Option<Self> {
        let mut capabilities = Self::new_zeroed();
        let room = capabilities.as_mut_bytes();
        let len = value.len();
        room.get_mut(..len)?.copy_from_slice(value);
        let header = &capabilities.header;
        let said = usize::from(header.len);
        let is_right = header.kind == Self::OBJECT
            && header.revision >= 1
            && said <= len
            && said >= Self::LEN_6_0;
        is_right.then_some(capabilities)
    }
}

/// What we have the host do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Offloads {
    /// The transports whose checksums it computes.
    pub(crate) checksums: Transports,
    /// Whether it cuts TCP over IPv4 into segments.
    pub(crate) segments_v4: bool,
    /// Whether it cuts TCP over IPv6 into segments.
    pub(crate) segments_v6: bool,
    /// The longest frame that it cuts into segments, if it says so.
    pub(crate) max_segments_len: Option<u32>,
    /// Whether it can coalesce frames.
    pub(crate) coalesces: bool,
}

impl Offloads {
    /// What a host of these capabilities and this version can do for us.
    pub(crate) fn of(capabilities: &Capabilities, version: Version) -> Self {
        let mut offloads = Self::default();
        offloads.add_v4(capabilities);
        offloads.add_v6(capabilities);
        if !knows_udp(version) {
            offloads.checksums = offloads.checksums & (Transports::TCP4 | Transports::TCP6);
        }
        offloads.coalesces = capabilities.coalesce_v4 != 0 && capabilities.coalesce_v6 != 0;
        offloads
    }

    fn add_v4(&mut self, capabilities: &Capabilities) {
        let checksum = capabilities.checksum.v4_send;
        let large_send = &capabilities.large_send;
        if checksum & ChecksumCapabilities::TCP4 != ChecksumCapabilities::TCP4 {
            return;
        }
        self.checksums = self.checksums | Transports::TCP4;
        if large_send.v4_encapsulation & LargeSendCapabilities::ETHERNET != 0 {
            self.segments_v4 = true;
            self.limit(large_send.v4_max_len);
        }
        if checksum & ChecksumCapabilities::UDP4 != 0 {
            self.checksums = self.checksums | Transports::UDP4;
        }
    }

    fn add_v6(&mut self, capabilities: &Capabilities) {
        let checksum = capabilities.checksum.v6_send;
        let large_send = &capabilities.large_send;
        if checksum & ChecksumCapabilities::TCP6 != ChecksumCapabilities::TCP6 {
            return;
        }
        self.checksums = self.checksums | Transports::TCP6;
        let can_all =
            large_send.v6_options & LargeSendCapabilities::V6_ALL == LargeSendCapabilities::V6_ALL;
        if large_send.v6_encapsulation & LargeSendCapabilities::ETHERNET != 0 && can_all {
            self.segments_v6 = true;
            self.limit(large_send.v6_max_len);
        }
        if checksum & ChecksumCapabilities::UDP6 != 0 {
            self.checksums = self.checksums | Transports::UDP6;
        }
    }

    fn limit(&mut self, len: u32) {
        self.max_segments_len = Some(self.max_segments_len.map_or(len, |other| other.min(len)));
    }
}

/// Whether a host of this version can be told to compute checksums of UDP.
fn knows_udp(version: Version) -> bool {
    version > Version::V4
}

/// What the host shall do. A field that is 0 leaves things as they are.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub(crate) struct Parameters {
    pub(crate) header: ObjectHeader,
    pub(crate) ip_checksum: u8,
    pub(crate) tcp4_checksum: u8,
    pub(crate) udp4_checksum: u8,
    pub(crate) tcp6_checksum: u8,
    pub(crate) udp6_checksum: u8,
    large_send_v1: u8,
    ipsec_v1: u8,
    pub(crate) large_send_v4: u8,
    pub(crate) large_send_v6: u8,
    connection_v4: u8,
    connection_v6: u8,
    padding: u8,
    flags: u32,
    ipsec_v2: u8,
    ipsec_v2_v4: u8,
    pub(crate) coalesce_v4: u8,
    pub(crate) coalesce_v6: u8,
    encapsulation: [u8; 2],
    padding2: [u8; 2],
}

impl Parameters {
    const OBJECT: u8 = 0x80;
    const REVISION: u8 = 3;
    /// The length for hosts that do not know the last fields.
    pub(crate) const OLD_LEN: usize = 22;

    const OFF: u8 = 1;
    const ON: u8 = 2;
    const NEITHER_WAY: u8 = 1;
    const BOTH_WAYS: u8 = 4;

    /// Has the host do all of `offloads`, and coalesce frames if `coalesce`. Of checksums of IP
    /// headers it keeps off: they are always computed by the kernel.
    pub(crate) fn new(offloads: &Offloads, coalesce: bool) -> Self {
        let checksum = |transport| {
            if offloads.checksums.contains(transport) {
                Self::BOTH_WAYS
            } else {
                0
            }
        };
        let segments = |on| if on { Self::ON } else { 0 };
        let mut parameters = Self {
            ip_checksum: Self::NEITHER_WAY,
            tcp4_checksum: checksum(Transports::TCP4),
            udp4_checksum: checksum(Transports::UDP4),
            tcp6_checksum: checksum(Transports::TCP6),
            udp6_checksum: checksum(Transports::UDP6),
            large_send_v4: segments(offloads.segments_v4),
            large_send_v6: segments(offloads.segments_v6),
            ..Self::default()
        };
        if offloads.coalesces {
            parameters.set_coalesce(coalesce);
        }
        parameters
    }

    /// Changes only whether the host coalesces frames.
    pub(crate) fn coalesce(coalesce: bool) -> Self {
        let mut parameters = Self::default();
        parameters.set_coalesce(coalesce);
        parameters
    }

    fn set_coalesce(&mut self, coalesce: bool) {
        let value = if coalesce { Self::ON } else { Self::OFF };
        self.coalesce_v4 = value;
        self.coalesce_v6 = value;
    }

    /// What to send to a host of this version.
    pub(crate) fn for_version(mut self, version: Version) -> ParametersMessage {
        let len = if knows_udp(version) {
            size_of::<Self>()
        } else {
            Self::OLD_LEN
        };
        self.header = ObjectHeader {
            kind: Self::OBJECT,
            revision: Self::REVISION,
            // CAST: A small constant.
            len: len as u16,
        };
        ParametersMessage {
            parameters: self,
            len,
        }
    }
}

/// [`Parameters`] for a host of some version.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ParametersMessage {
    parameters: Parameters,
    len: usize,
}

impl ParametersMessage {
    /// The value to set.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        let all = self.parameters.as_bytes();
        all.get(..self.len).unwrap_or(all)
    }
}
