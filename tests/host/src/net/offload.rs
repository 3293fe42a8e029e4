// SPDX-License-Identifier: GPL-2.0

//! What a card can do for the guest, and what of it the guest has switched on: the values of two
//! objects of NDIS. Facts from drivers/net/hyperv/hyperv_net.h.

use zerocopy::little_endian::{U16, U32};
use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, KnownLayout, Unaligned};

/// What a card can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offloads {
    /// Checksums of TCP, both ways.
    pub tcp_checksum: bool,
    /// Checksums of UDP, both ways.
    pub udp_checksum: bool,
    /// The largest frame to cut into segments, 0 for none.
    pub large_send: u32,
    /// Joining segments for the guest.
    pub coalescing: bool,
}

impl Default for Offloads {
    fn default() -> Self {
        Self {
            tcp_checksum: true,
            udp_checksum: true,
            large_send: 62780,
            coalescing: true,
        }
    }
}

impl Offloads {
    /// A card that does nothing for the guest.
    pub const NONE: Self = Self {
        tcp_checksum: false,
        udp_checksum: false,
        large_send: 0,
        coalescing: false,
    };

    /// The value of the object with the capabilities, as long as the guest wants it: 112 bytes for
    /// NDIS 6.0, 144 for 6.1, 156 for 6.30.
    pub fn capabilities(&self, revision: u8, size: u16) -> Vec<u8> {
        let mut value = Capabilities::new_zeroed();
        value.header = [0xa7, revision];
        value.size = size.into();
        let udp = if self.udp_checksum { 0x40 } else { 0 };
        if self.tcp_checksum {
            let v4 = U32::new(0x115 | udp);
            let v6 = U32::new(0x015 | udp);
            value.checksum = [
                ENCAPSULATION,
                v4,
                ENCAPSULATION,
                v4,
                ENCAPSULATION,
                v6,
                ENCAPSULATION,
                v6,
            ];
        }
        if self.large_send != 0 {
            let (max, min) = (U32::new(self.large_send), U32::new(2));
            value.large_send = [
                ENCAPSULATION,
                max,
                min,
                ENCAPSULATION,
                max,
                min,
                U32::new(5),
            ];
        }
        value.coalescing = [self.coalescing.into(); 2];
        let mut bytes = value.as_bytes().to_vec();
        bytes.truncate(size.into());
        bytes
    }
}

/// Ethernet, as in `NDIS_OFFLOAD_ENCAP_8023`.
const ENCAPSULATION: U32 = U32::new(2);

/// `NDIS_OFFLOAD`.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Capabilities {
    header: [u8; 2],
    size: U16,
    /// For IPv4 and IPv6, sending and receiving: encapsulation, checksums.
    checksum: [U32; 8],
    large_send_v1: [U32; 4],
    ipsec_v1: [U32; 7],
    /// For IPv4: encapsulation, maximum, minimum of segments; for IPv6 also options.
    large_send: [U32; 7],
    flags: U32,
    ipsec_v2: [U32; 8],
    /// For IPv4 and IPv6.
    coalescing: [u8; 2],
    padding: [u8; 2],
    encapsulated: [U32; 2],
}

/// A checksum that is computed for packets to and from the guest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Both {
    /// For packets of the guest.
    pub transmit: bool,
    /// For packets to the guest.
    pub receive: bool,
}

/// What the guest has switched on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Enabled {
    /// Checksums of IPv4 headers.
    pub ip4: Both,
    /// Checksums of TCP over IPv4 and IPv6.
    pub tcp: [Both; 2],
    /// Checksums of UDP over IPv4 and IPv6.
    pub udp: [Both; 2],
    /// Segmentation of TCP over IPv4 and IPv6.
    pub large_send: [bool; 2],
    /// Coalescing of TCP over IPv4 and IPv6.
    pub coalescing: [bool; 2],
}

impl Enabled {
    /// Changes it as the value of the object `NDIS_OFFLOAD_PARAMETERS` says, where it is sound and
    /// within `can`.
    pub fn set(&mut self, value: &[u8], can: &Offloads) -> Result<(), &'static str> {
        let header = value.get(..4).ok_or("too short")?;
        let size = usize::from(u16::from_le_bytes([header[2], header[3]]));
        if header[0] != 0x80 || size > value.len() || size < 22 {
            return Err("a wrong header");
        }
        let mut new = *self;
        let field = |at: usize| value.get(at).filter(|_| at < size).copied().unwrap_or(0);
        both(&mut new.ip4, field(4))?;
        both(&mut new.tcp[0], field(5))?;
        both(&mut new.udp[0], field(6))?;
        both(&mut new.tcp[1], field(7))?;
        both(&mut new.udp[1], field(8))?;
        single(&mut new.large_send[0], field(11))?;
        single(&mut new.large_send[1], field(12))?;
        single(&mut new.coalescing[0], field(22))?;
        single(&mut new.coalescing[1], field(23))?;
        if new.exceeds(can) {
            return Err("more than the card can do");
        }
        *self = new;
        Ok(())
    }

    fn exceeds(&self, can: &Offloads) -> bool {
        let any = |both: &[Both]| both.iter().any(|it| it.transmit || it.receive);
        (any(&self.tcp) && !can.tcp_checksum)
            || (any(&self.udp) && !can.udp_checksum)
            || (self.large_send.contains(&true) && can.large_send == 0)
            || (self.coalescing.contains(&true) && !can.coalescing)
    }
}

fn both(it: &mut Both, value: u8) -> Result<(), &'static str> {
    let (transmit, receive) = match value {
        0 => return Ok(()),
        1..=4 => (value & 1 == 0, value >= 3),
        _ => return Err("a value that there is not"),
    };
    *it = Both { transmit, receive };
    Ok(())
}

fn single(it: &mut bool, value: u8) -> Result<(), &'static str> {
    match value {
        0 => {}
        1 => *it = false,
        2 => *it = true,
        _ => return Err("a value that there is not"),
    }
    Ok(())
}
