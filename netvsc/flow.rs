// SPDX-License-Identifier: GPL-2.0

//! Which queue a frame is sent on.
//!
//! The host says so by a table from hashes of flows to queues. Whether ports are part of a flow is
//! up to the user: not all hosts can see them in all frames.

use super::{
    adapter::Adapter,
    net::{
        skb::Borrowed,
        Device,
        IpVersion, //
    },
};
use kernel::sync::atomic::Relaxed;

/// TCP over IPv4.
pub(crate) const TCP4: u32 = 1;
/// TCP over IPv6.
pub(crate) const TCP6: u32 = 2;
/// UDP over IPv4.
pub(crate) const UDP4: u32 = 4;
/// UDP over IPv6.
pub(crate) const UDP6: u32 = 8;
/// All of these.
pub(crate) const ALL_TRANSPORTS: u32 = TCP4 | TCP6 | UDP4 | UDP6;

/// TCP, in the header of an internet protocol.
pub(crate) const IPPROTO_TCP: u8 = 6;
/// UDP, likewise.
pub(crate) const IPPROTO_UDP: u8 = 17;

fn transport_of(skb: &Borrowed<'_>) -> u32 {
    match skb.transport() {
        Some((IpVersion::V4, IPPROTO_TCP)) => TCP4,
        Some((IpVersion::V6, IPPROTO_TCP)) => TCP6,
        Some((IpVersion::V4, IPPROTO_UDP)) => UDP4,
        Some((IpVersion::V6, IPPROTO_UDP)) => UDP6,
        _ => 0,
    }
}

impl Adapter {
    /// Chooses the queue for a frame: that of its socket, that which it came from, or what the host
    /// wants.
    pub(crate) fn pick_queue(&self, device: &Device, mut skb: Borrowed<'_>) -> u16 {
        let queues = device.tx_queues();
        if queues <= 1 {
            return 0;
        }
        let of_socket = skb.socket_queue();
        if let Some(queue) = of_socket.filter(|&queue| u32::from(queue) < queues) {
            return queue;
        }
        if let Some(queue) = skb.rx_queue() {
            return queue;
        }
        let hash = if transport_of(&skb) & self.port_hash.load(Relaxed) != 0 {
            skb.hash()
        } else {
            skb.address_hash()
        };
        // CAST: Widening.
        let wanted = self.send_queue(hash as usize);
        let queue = u16::try_from(wanted).unwrap_or(0);
        if of_socket != Some(queue) {
            skb.set_socket_queue(queue);
        }
        queue
    }
}
