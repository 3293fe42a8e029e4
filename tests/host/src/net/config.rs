// SPDX-License-Identifier: GPL-2.0

//! What a card is to be like.

use super::nvsp::Version;
use super::offload::Offloads;
use crate::vmbus::device::Guid;

/// What a card is to be like. The default is what a host of today gives, with one queue.
#[derive(Clone, Debug)]
pub struct CardConfig {
    /// The instance, which must differ from card to card.
    pub instance: Guid,
    /// The address.
    pub mac: [u8; 6],
    /// The protocol versions to accept.
    pub versions: Vec<Version>,
    /// The most receive queues, the primary channel's included.
    pub queues: u16,
    /// The entries of the receive indirection table, 0 to leave it to the guest.
    pub indirection_entries: u16,
    /// The largest MTU.
    pub max_mtu: u32,
    /// What the card is called; "Network Adapter" is what nobody named.
    pub name: String,
    /// Whether the cable is plugged in at first.
    pub link: bool,
    /// The speed at first, in Mbit/s.
    pub speed: u32,
    /// How many RNDIS packets a message may have.
    pub max_packets: u32,
    /// Packets before others in a message are multiples of 2 to this power long.
    pub alignment_shift: u32,
    /// The size of the send buffer's sections.
    pub send_section: u32,
    /// The size of the receive buffer's sections, where the MTU is not to decide.
    pub receive_section: Option<u32>,
    /// How many frames a packet to the guest may have.
    pub max_ranges: usize,
    /// What the card can do for the guest.
    pub offloads: Offloads,
    /// Whether the guest may change its address.
    pub mac_spoofing: bool,
    /// Whether a frame with a wrong checksum is on the wire as it is; else it breaks the protocol.
    pub any_checksum: bool,
}

impl Default for CardConfig {
    fn default() -> Self {
        Self {
            instance: *b"\x01\x00\x00\x00net\x00\x80\x00\x00\x00\x00\x00\x00\x01",
            mac: [0x00, 0x15, 0x5d, 0x00, 0x00, 0x01],
            versions: Version::ALL.to_vec(),
            queues: 1,
            indirection_entries: 128,
            max_mtu: 65521,
            name: "Network Adapter".to_owned(),
            link: true,
            speed: 10_000,
            max_packets: 8,
            alignment_shift: 3,
            send_section: 6144,
            receive_section: None,
            max_ranges: 64,
            offloads: Offloads::default(),
            mac_spoofing: true,
            any_checksum: false,
        }
    }
}

impl CardConfig {
    /// Card number `number` of several: its own instance and address, and a default for the rest.
    pub fn numbered(number: u8) -> Self {
        let mut config = Self::default();
        config.instance[15] = number;
        config.mac[5] = number;
        config
    }
}
