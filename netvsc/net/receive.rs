// SPDX-License-Identifier: GPL-2.0

//! Packets that were received, on their way to the stack.
//!
//! C header: [`include/linux/skbuff.h`](srctree/include/linux/skbuff.h)

use super::{
    skb::{
        Headers,
        Skb, //
    },
    Device, //
};
use core::mem::MaybeUninit;
use kernel::{
    error::to_result,
    prelude::*, //
};
use vmbus::bindings;

impl Skb {
    /// Makes the packet `len` bytes longer, and returns these.
    ///
    /// # Safety
    ///
    /// There is so much room in the buffer, and there are no fragments; `more` is the same number.
    /// The bytes are written before anyone reads them.
    #[inline(always)]
    pub(super) unsafe fn put(&mut self, len: usize, more: u32) -> &mut [MaybeUninit<u8>] {
        let raw = self.raw();
        // SAFETY: By the type invariants, and nobody else uses the packet.
        let new = unsafe {
            let tail = (*raw).tail;
            (*raw).tail = tail.wrapping_add(more);
            (*raw).len = (*raw).len.wrapping_add(more);
            // CAST: From 32 to 64 bits.
            (*raw).head.wrapping_add(tail as usize)
        };
        // SAFETY: By the safety requirements, there are so many bytes, and nobody else uses them.
        unsafe { core::slice::from_raw_parts_mut(new.cast(), len) }
    }

    /// Takes the Ethernet header off the front of the packet, which the `device` received: the
    /// packet starts with its payload afterwards.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the packet is shorter than that.
    #[inline]
    pub(crate) fn take_ethernet_header(&mut self, device: &Device) -> Result {
        // CAST: A small constant.
        if self.linear().len() < bindings::ETH_HLEN as usize {
            return Err(EINVAL);
        }
        // SAFETY: By the type invariants, and the packet is long enough; nobody else uses it.
        let protocol = unsafe { bindings::eth_type_trans(self.raw().cast(), device.as_raw()) };
        // SAFETY: By the type invariants, and there is no other user.
        unsafe { (*self.headers()).protocol = protocol };
        Ok(())
    }

    /// Whether the packet, whose Ethernet header was taken off, is for more than one.
    #[inline]
    pub(crate) fn is_for_many(&self) -> bool {
        // SAFETY: By the type invariants.
        let kind = unsafe { Headers::pkt_type_raw(self.headers()) };
        matches!(
            kind.into(),
            bindings::PACKET_BROADCAST | bindings::PACKET_MULTICAST
        )
    }

    /// Makes a packet that the `device` received, Ethernet header included, one that is to be sent by
    /// the same device.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the packet is shorter than an Ethernet header.
    pub(crate) fn turn_around(&mut self, device: &Device) -> Result {
        self.take_ethernet_header(device)?;
        // SAFETY: By the type invariants, and the header was taken off just now; nobody else uses
        // the packet.
        unsafe { bindings::skb_push(self.raw().cast(), bindings::ETH_HLEN) };
        Ok(())
    }

    /// Says that the device checked the checksum of the transport protocol.
    #[inline]
    pub(crate) fn set_checksum_good(&mut self) {
        // CAST: Two bits.
        // SAFETY: By the type invariants, and there is no other user.
        unsafe { Headers::set_ip_summed_raw(self.headers(), bindings::CHECKSUM_UNNECESSARY as u8) };
    }

    /// Computes the checksum of the IPv4 header at the start of the packet and writes it there.
    ///
    /// # Errors
    ///
    /// `EINVAL` if there is no such header.
    pub(crate) fn compute_ip_checksum(&mut self) -> Result {
        // SAFETY: By the type invariants; nobody else uses the packet.
        to_result(unsafe { bindings::hv_rust_net_ip_checksum(self.raw()) })
    }

    /// Says what the device found that the packet's flow hashes to, ports included.
    #[inline]
    pub(crate) fn set_hash(&mut self, hash: u32) {
        let headers = self.headers();
        // SAFETY: By the type invariants, and there is no other user.
        unsafe { Headers::set_l4_hash_raw(headers, 1) };
        // SAFETY: As above.
        unsafe { Headers::set_sw_hash_raw(headers, 0) };
        // SAFETY: As above.
        unsafe { (*headers).hash = hash };
    }

    /// Says which queue the packet was received from.
    #[inline]
    pub(crate) fn set_rx_queue(&mut self, queue: u16) {
        self.set_queue(queue.saturating_add(1));
    }
}
