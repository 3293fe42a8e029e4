// SPDX-License-Identifier: GPL-2.0

//! Addresses, `struct hv_kvp_ip_msg` in include/uapi/linux/hyperv.h. Lists are text with a
//! semicolon between the items.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::message::{Operation, room, utf16};

/// The addresses of a network card, and what belongs to them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IpInfo {
    /// Which card.
    pub adapter: String,
    /// Bit 0: IPv4, bit 1: IPv6.
    pub family: u8,
    /// Whether the addresses come from a DHCP server.
    pub dhcp: bool,
    /// The addresses.
    pub addresses: String,
    /// Their masks (IPv4) or prefix lengths (IPv6).
    pub subnets: String,
    /// The gateways.
    pub gateways: String,
    /// The name servers.
    pub name_servers: String,
}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Message {
    operation: u8,
    pool: u8,
    adapter: [u8; 256],
    family: u8,
    dhcp: u8,
    addresses: [u8; 2048],
    subnets: [u8; 2048],
    gateways: [u8; 1024],
    name_servers: [u8; 2048],
}

impl IpInfo {
    /// The body of a request.
    pub fn encode(&self, operation: Operation) -> Vec<u8> {
        let message = Message {
            operation: operation as u8,
            pool: 0,
            adapter: room(&utf16(&self.adapter)),
            family: self.family,
            dhcp: self.dhcp.into(),
            addresses: room(&utf16(&self.addresses)),
            subnets: room(&utf16(&self.subnets)),
            gateways: room(&utf16(&self.gateways)),
            name_servers: room(&utf16(&self.name_servers)),
        };
        message.as_bytes().to_vec()
    }

    /// Reads the body of an answer.
    ///
    /// # Errors
    ///
    /// The field that is not text with a zero at its end.
    pub(super) fn decode(body: &[u8]) -> Result<Self, &'static str> {
        let (message, _) =
            Message::ref_from_prefix(body).map_err(|_| "length of an answer about addresses")?;
        Ok(Self {
            adapter: text(&message.adapter).ok_or("adapter")?,
            family: message.family,
            dhcp: message.dhcp != 0,
            addresses: text(&message.addresses).ok_or("addresses")?,
            subnets: text(&message.subnets).ok_or("subnets")?,
            gateways: text(&message.gateways).ok_or("gateways")?,
            name_servers: text(&message.name_servers).ok_or("name servers")?,
        })
    }
}

/// UTF-16 up to the first zero, which must be there.
fn text(bytes: &[u8]) -> Option<String> {
    let units: Vec<u16> = bytes
        .as_chunks::<2>()
        .0
        .iter()
        .map(|unit| u16::from_le_bytes(*unit))
        .collect();
    let end = units.iter().position(|&unit| unit == 0)?;
    String::from_utf16(&units[..end]).ok()
}
