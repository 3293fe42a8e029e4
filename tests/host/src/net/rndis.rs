// SPDX-License-Identifier: GPL-2.0

//! RNDIS: the messages inside NVSP's packets. Facts from include/linux/rndis.h and
//! drivers/net/hyperv/hyperv_net.h. Offsets in messages count from behind the header.

use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::violation::Violation;

/// The length of kind and length, with which each message begins.
pub const HEADER: usize = 8;

/// The bit that makes the kind of an answer out of that of a request.
pub const COMPLETION: u32 = 1 << 31;

/// The kinds of message.
pub mod kind {
    #![expect(missing_docs, reason = "the names are the protocol's")]
    pub const PACKET: u32 = 1;
    pub const INITIALIZE: u32 = 2;
    pub const HALT: u32 = 3;
    pub const QUERY: u32 = 4;
    pub const SET: u32 = 5;
    pub const RESET: u32 = 6;
    pub const INDICATE_STATUS: u32 = 7;
    pub const KEEPALIVE: u32 = 8;
}

/// The status values of answers and indications.
pub mod status {
    #![expect(missing_docs, reason = "the names are the protocol's")]
    pub const SUCCESS: u32 = 0;
    pub const FAILURE: u32 = 0xc000_0001;
    pub const NOT_SUPPORTED: u32 = 0xc000_00bb;
    pub const INVALID_LENGTH: u32 = 0xc001_0014;
    pub const INVALID_DATA: u32 = 0xc001_0015;
    pub const NETWORK_CHANGE: u32 = 0x4001_0018;
    pub const MEDIA_CONNECT: u32 = 0x4001_000b;
    pub const MEDIA_DISCONNECT: u32 = 0x4001_000c;
    pub const LINK_SPEED_CHANGE: u32 = 0x4001_0013;
}

/// Which RNDIS channel an NVSP packet belongs to.
pub mod channel {
    /// Packets.
    pub const DATA: u32 = 0;
    /// Everything else.
    pub const CONTROL: u32 = 1;
}

/// What follows the header of a packet.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct PacketBody {
    /// Where the frame is.
    pub data_offset: U32,
    /// How long it is.
    pub data_len: U32,
    /// Out-of-band data, which nobody uses: offset, length, number of elements.
    pub out_of_band: [U32; 3],
    /// Where the per-packet information is.
    pub info_offset: U32,
    /// How long it is.
    pub info_len: U32,
    /// Of connection-oriented media.
    pub vc_handle: U32,
    /// Nothing.
    pub reserved: U32,
}

/// A frame with its per-packet information, as a guest sends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// The frame.
    pub data: &'a [u8],
    /// The per-packet information.
    pub info: &'a [u8],
    /// The length of the whole message.
    pub message_len: usize,
}

/// Splits a message into its kind and what is behind the header; also the message's length.
pub fn split(bytes: &[u8]) -> Result<(u32, &[u8], usize), Violation> {
    let too_short = Violation::RndisLength(bytes.len());
    let (header, _) = <[U32; 2]>::read_from_prefix(bytes).map_err(|_| too_short.clone())?;
    let len = header[1].get() as usize;
    let body = bytes.get(HEADER..len).ok_or(too_short)?;
    Ok((header[0].get(), body, len))
}

impl<'a> Packet<'a> {
    /// Parses the message that `bytes` begin with, which must be a packet.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Violation> {
        let (kind, body, message_len) = split(bytes)?;
        if kind != kind::PACKET {
            return Err(Violation::RndisKind(kind));
        }
        let (packet, _) =
            PacketBody::read_from_prefix(body).map_err(|_| Violation::RndisLength(bytes.len()))?;
        let part = |what, offset: U32, len: U32| {
            let (offset, len) = (offset.get() as usize, len.get() as usize);
            let end = offset.checked_add(len);
            let inside = offset >= size_of::<PacketBody>() || len == 0;
            end.filter(|_| inside)
                .and_then(|end| body.get(offset..end))
                .ok_or(Violation::RndisPacket(what))
        };
        Ok(Self {
            data: part("data", packet.data_offset, packet.data_len)?,
            info: part("information", packet.info_offset, packet.info_len)?,
            message_len,
        })
    }

    /// Parses all packets of an NVSP message.
    pub fn parse_all(
        bytes: &'a [u8],
        max: usize,
        alignment: usize,
    ) -> Result<Vec<Self>, Violation> {
        let mut packets = Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            let packet = Self::parse(rest)?;
            rest = &rest[packet.message_len..];
            if !rest.is_empty() && !packet.message_len.is_multiple_of(alignment) {
                return Err(Violation::Alignment(packet.message_len));
            }
            packets.push(packet);
        }
        if packets.is_empty() || packets.len() > max {
            return Err(Violation::PacketCount(packets.len()));
        }
        Ok(packets)
    }
}

/// A packet for the guest: header and per-packet information, then the frame.
pub fn packet(info: &[u8], data: &[u8]) -> Vec<u8> {
    let body_len = size_of::<PacketBody>();
    let body = PacketBody {
        data_offset: ((body_len + info.len()) as u32).into(),
        data_len: (data.len() as u32).into(),
        out_of_band: [U32::ZERO; 3],
        info_offset: if info.is_empty() { 0 } else { body_len as u32 }.into(),
        info_len: (info.len() as u32).into(),
        vc_handle: U32::ZERO,
        reserved: U32::ZERO,
    };
    let mut bytes = message(kind::PACKET, body.as_bytes());
    bytes.extend_from_slice(info);
    bytes.extend_from_slice(data);
    let len = bytes.len() as u32;
    bytes[4..8].copy_from_slice(&len.to_le_bytes());
    bytes
}

/// Any message.
pub fn message(kind: u32, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER + body.len());
    bytes.extend(kind.to_le_bytes());
    bytes.extend(((HEADER + body.len()) as u32).to_le_bytes());
    bytes.extend_from_slice(body);
    bytes
}

/// A message whose body consists of words.
pub fn words(kind: u32, words: &[u32]) -> Vec<u8> {
    let body: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    message(kind, &body)
}

/// An indication of `status`, with a buffer of words.
pub fn indicate_status(status: u32, buffer: &[u32]) -> Vec<u8> {
    const BODY: u32 = 12;
    let offset = if buffer.is_empty() { 0 } else { BODY };
    let mut body = vec![status, 4 * buffer.len() as u32, offset];
    body.extend_from_slice(buffer);
    words(kind::INDICATE_STATUS, &body)
}
