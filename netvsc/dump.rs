// SPDX-License-Identifier: GPL-2.0

//! RNDIS messages of the host in words, for users who have asked for that with `ethtool -s ...
//! msglvl rx_status on` and with dynamic debugging.

use super::{
    net::{
        log::{
            message,
            netdev_dbg, //
        },
        Device, //
    },
    wire::{
        frame::Head,
        rndis::MessageType, //
    },
};
use zerocopy::IntoBytes;

/// Says what is in a message that begins so, if somebody wants to know.
#[inline(always)]
pub(crate) fn received(device: &Device, head: Head) {
    if device.message_level() & message::RX_STATUS != 0 {
        dump(device, head);
    }
}

#[cold]
fn dump(device: &Device, head: Head) {
    let (header, bytes) = (head.header, head.as_bytes());
    let len = header.len;
    let word = |index: usize| {
        let bytes = bytes.get(index * size_of::<u32>()..);
        let word = bytes.and_then(<[u8]>::first_chunk).copied();
        word.map_or(0, u32::from_le_bytes)
    };
    match header.kind {
        MessageType::PACKET => netdev_dbg!(
            device,
            "RNDIS_MSG_PACKET (len {}, data offset {} data len {}, # oob {}, oob offset {}, oob len {}, pkt offset {}, pkt len {}\n",
            len, word(2), word(3), word(6), word(4), word(5), word(7), word(8)
        ),
        MessageType::INITIALIZE_COMPLETE => netdev_dbg!(
            device,
            "RNDIS_MSG_INIT_C (len {}, id 0x{:x}, status 0x{:x}, major {}, minor {}, device flags {}, max xfer size 0x{:x}, max pkts {}, pkt aligned {})\n",
            len, word(2), word(3), word(4), word(5), word(6), word(9), word(8), word(10)
        ),
        MessageType::QUERY_COMPLETE => netdev_dbg!(
            device,
            "RNDIS_MSG_QUERY_C (len {}, id 0x{:x}, status 0x{:x}, buf len {}, buf offset {})\n",
            len, word(2), word(3), word(4), word(5)
        ),
        MessageType::SET_COMPLETE => netdev_dbg!(
            device,
            "RNDIS_MSG_SET_C (len {}, id 0x{:x}, status 0x{:x})\n",
            len, word(2), word(3)
        ),
        MessageType::INDICATE => netdev_dbg!(
            device,
            "RNDIS_MSG_INDICATE (len {}, status 0x{:x}, buf len {}, buf offset {})\n",
            len, word(2), word(3), word(4)
        ),
        MessageType(other) => netdev_dbg!(device, "0x{:x} (len {})\n", other, len),
    }
}
