// SPDX-License-Identifier: GPL-2.0

//! Packets for tests, as the stack would make them.

use super::skb::{
    Headers,
    Skb, //
};
use core::ptr::NonNull;
use kernel::prelude::*;
use vmbus::bindings;

/// How much room there is in front of the data.
pub(super) const HEADROOM: usize = 64;

impl Skb {
    /// A packet with these bytes, the last `fragment` of which are in a page of their own.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(super) fn made_of(bytes: &[u8], fragment: usize) -> Result<Self> {
        let linear = bytes.len() - fragment;
        let mut error = 0;
        // SAFETY: The pointer is valid, and this is process context.
        let raw = unsafe {
            bindings::alloc_skb_with_frags(
                HEADROOM + linear + 64,
                fragment,
                0,
                &mut error,
                bindings::GFP_KERNEL,
            )
        };
        let raw = NonNull::new(raw.cast()).ok_or(ENOMEM)?;
        // SAFETY: The packet was just made.
        let mut skb = unsafe { Self::from_raw(raw) };
        let raw = skb.raw();
        // SAFETY: There is so much room, and nothing in the packet.
        unsafe {
            (*raw).data = (*raw).data.add(HEADROOM);
            (*raw).tail += HEADROOM as u32;
        }
        // SAFETY: There is so much room, no fragment yet, and all bytes are written here.
        let room = unsafe { skb.put(linear, u32::try_from(linear)?) };
        for (room, byte) in room.iter_mut().zip(bytes) {
            room.write(*byte);
        }
        // SAFETY: The fragment is there; it has as many bytes as `skb_store_bits` writes.
        unsafe {
            (*raw).len += fragment as u32;
            (*raw).data_len = fragment as u32;
            bindings::skb_store_bits(
                raw.cast(),
                linear as c_int,
                bytes[linear..].as_ptr().cast(),
                fragment as c_int,
            );
        }
        Ok(skb)
    }

    /// Says where the headers of the packet are, from its start, and which protocol it is of.
    pub(super) fn set_headers(&mut self, protocol: u16, network: u16, transport: u16) {
        let headers = self.headers();
        // SAFETY: By the type invariants.
        unsafe {
            (*headers).protocol = protocol.to_be();
            (*headers).network_header = HEADROOM as u16 + network;
            (*headers).transport_header = HEADROOM as u16 + transport;
        }
    }

    /// Has the device compute the checksum of the transport protocol.
    pub(super) fn want_checksum(&mut self) {
        // CAST: Two bits.
        let wanted = bindings::CHECKSUM_PARTIAL as u8;
        // SAFETY: By the type invariants.
        unsafe { Headers::set_ip_summed_raw(self.headers(), wanted) };
    }

    /// Has the device cut the packet into segments with `size` bytes of payload.
    pub(super) fn want_segments(&mut self, size: u16) {
        // SAFETY: By the type invariants.
        unsafe { (*self.shared_info()).gso_size = size };
    }

    /// A second reference to the data.
    pub(super) fn cloned(&self) -> Result<Self> {
        // SAFETY: By the type invariants.
        let raw = unsafe { bindings::skb_clone(self.raw().cast(), bindings::GFP_KERNEL) };
        let raw = NonNull::new(raw.cast()).ok_or(ENOMEM)?;
        // SAFETY: The packet was just made.
        Ok(unsafe { Self::from_raw(raw) })
    }
}

/// Where in physical memory some bytes are.
pub(super) fn physical(bytes: &[u8]) -> u64 {
    // SAFETY: The function only computes.
    unsafe { bindings::hv_rust_virt_to_phys(bytes.as_ptr().cast()) }
}
