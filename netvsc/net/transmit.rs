// SPDX-License-Identifier: GPL-2.0

//! Packets that are to be sent: where they are in memory, and what the device is to do to them.
//!
//! C header: [`include/linux/skbuff.h`](srctree/include/linux/skbuff.h)

use super::skb::{
    Headers,
    Skb,
    VlanTci, //
};
use core::mem::MaybeUninit;
use kernel::{
    error::to_result,
    prelude::*, //
};
use vmbus::bindings;

/// A part of a packet that is contiguous in physical memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub(crate) struct Segment {
    /// The physical address.
    pub(crate) address: u64,
    /// The number of bytes, never 0.
    pub(crate) len: u32,
    _padding: u32,
}

const _: () = assert!(size_of::<Segment>() == size_of::<bindings::hv_rust_net_segment>());

/// The version of the Internet Protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IpVersion {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// What the device is to do about the checksum of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offload {
    /// Nothing.
    None,
    /// Compute the checksum of the transport protocol.
    Checksum {
        /// The network protocol; [`None`] for others than IP.
        ip: Option<IpVersion>,
        /// The transport protocol, as in the header of the network protocol.
        protocol: u8,
        /// Where the transport header starts, in bytes from the start of the packet.
        transport: u16,
    },
    /// Cut the TCP packet into segments.
    Segments {
        /// The network protocol.
        ip: IpVersion,
        /// Where the TCP header starts, in bytes from the start of the packet.
        transport: u16,
        /// How much payload goes into a segment, in bytes.
        size: u16,
    },
}

/// Memory that a packet is copied to.
///
/// # Safety
///
/// `address()` and `len()` must describe memory that stays valid for writing as long as the value
/// is borrowed, and that no Rust reference to ordinary memory covers.
pub(crate) unsafe trait Target {
    /// Where the memory is.
    fn address(&self) -> *mut u8;
    /// The number of bytes.
    fn len(&self) -> usize;
}

impl Skb {
    /// Makes sure that there is room in front of the data, and returns its first `len` bytes.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    #[inline]
    pub(crate) fn head_mut(&mut self, len: usize) -> Result<&mut [u8]> {
        let raw = self.raw();
        // SAFETY: By the type invariants.
        let room = unsafe { (*raw).data.addr().wrapping_sub((*raw).head.addr()) };
        // SAFETY: As above.
        if room < len || unsafe { bindings::sk_buff::cloned_raw(raw) } != 0 {
            let wanted = u32::try_from(len)?;
            // SAFETY: By the type invariants; nobody else uses the packet.
            to_result(unsafe { bindings::hv_rust_net_cow_head(raw, wanted) })?;
        }
        // SAFETY: There is so much room now, it was initialised as far as anybody can tell, and
        // the header of the packet is not shared.
        Ok(unsafe { core::slice::from_raw_parts_mut((*raw).head, len) })
    }

    /// Writes to `room` where in physical memory the first `head` bytes of the room in front of the
    /// data are, then the linear data, then the fragments; [`None`] if there is not enough room.
    ///
    /// The memory stays in place as long as the packet is owned and not changed.
    #[inline]
    pub(crate) fn segments<'a>(
        &self,
        head: u32,
        room: &'a mut [MaybeUninit<Segment>],
    ) -> Option<&'a [Segment]> {
        let most = u32::try_from(room.len()).ok()?;
        // SAFETY: By the type invariants; `room` has place for so many segments.
        let count = unsafe {
            bindings::hv_rust_net_segments(self.raw(), head, room.as_mut_ptr().cast(), most)
        };
        let count = usize::try_from(count).ok()?;
        let written: *const [MaybeUninit<Segment>] = room.get(..count)?;
        // SAFETY: So many were written.
        Some(unsafe { &*(written as *const [Segment]) })
    }

    /// Puts all data into one piece.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn linearize(&mut self) -> Result {
        // SAFETY: By the type invariants; nobody else uses the packet.
        to_result(unsafe { bindings::hv_rust_net_linearize(self.raw()) })
    }

    /// Copies `len` bytes of the packet, from `offset` on, to `target`, from `at` on.
    ///
    /// # Errors
    ///
    /// `EINVAL` if there are not so many bytes or not so much room.
    #[inline(always)]
    pub(crate) fn copy_to<T: Target>(
        &self,
        offset: u32,
        len: u32,
        target: &T,
        at: usize,
    ) -> Result {
        // CAST: From 32 to 64 bits.
        let end = at.checked_add(len as usize).ok_or(EINVAL)?;
        if end > target.len() || offset.checked_add(len).is_none_or(|end| end > self.len()) {
            return Err(EINVAL);
        }
        let to = target.address().wrapping_add(at);
        // SAFETY: By the type invariants, and the contract of `Target`. All of it is within the
        // packet and the target.
        match unsafe { bindings::hv_rust_net_copy(self.raw(), offset, to.cast(), len) } {
            0 => Ok(()),
            error => to_result(error),
        }
    }

    /// The transport protocol, if the packet is IP, with the version of IP.
    #[inline]
    pub(crate) fn transport(&self) -> Option<(IpVersion, u8)> {
        let (ip, at) = match u32::from(self.protocol()) {
            bindings::ETH_P_IP => (IpVersion::V4, 9),
            bindings::ETH_P_IPV6 => (IpVersion::V6, 6),
            _ => return None,
        };
        // SAFETY: By the type invariants.
        let offset = usize::from(unsafe { (*self.headers()).network_header });
        let byte = self.offset_in_packet(offset)?.checked_add(at)?;
        self.linear().get(byte).map(|&protocol| (ip, protocol))
    }

    /// An offset from the start of the buffer as one from the start of the packet.
    #[inline]
    fn offset_in_packet(&self, offset: usize) -> Option<usize> {
        // SAFETY: By the type invariants.
        let room = unsafe {
            (*self.raw())
                .data
                .addr()
                .wrapping_sub((*self.raw()).head.addr())
        };
        offset.checked_sub(room)
    }

    /// What the device is to do to the packet.
    #[inline]
    pub(crate) fn offload(&self) -> Offload {
        // SAFETY: By the type invariants.
        let size = unsafe { (*self.shared_info()).gso_size };
        // SAFETY: As above.
        let summed = unsafe { Headers::ip_summed_raw(self.headers()) };
        if size == 0 && u32::from(summed) != bindings::CHECKSUM_PARTIAL {
            return Offload::None;
        }
        // SAFETY: As above.
        let header = usize::from(unsafe { (*self.headers()).transport_header });
        let transport = self
            .offset_in_packet(header)
            .and_then(|offset| u16::try_from(offset).ok())
            .unwrap_or(0);
        let found = self.transport();
        match found {
            Some((ip, _)) if size != 0 => Offload::Segments {
                ip,
                transport,
                size,
            },
            found => Offload::Checksum {
                ip: found.map(|(ip, _)| ip),
                protocol: found.map_or(0, |(_, protocol)| protocol),
                transport,
            },
        }
    }

    /// Sets the lengths and checksums in the headers of a packet that is to be cut into segments to
    /// what devices want to see that fill them in from nothing: no length, no checksum of IPv4, and
    /// the sum of a pseudo header without a length for TCP.
    ///
    /// # Errors
    ///
    /// `ENOMEM`, if the headers could not be made writable; `EINVAL` if they are not there.
    pub(crate) fn prepare_segmentation(&mut self) -> Result {
        // SAFETY: By the type invariants; nobody else uses the packet.
        to_result(unsafe { bindings::hv_rust_net_prepare_gso(self.raw()) })
    }

    /// Computes the checksum that the device was to compute.
    ///
    /// # Errors
    ///
    /// `ENOMEM`, and `EINVAL` if the packet makes no sense.
    pub(crate) fn compute_checksum(&mut self) -> Result {
        // SAFETY: By the type invariants; nobody else uses the packet.
        to_result(unsafe { bindings::skb_checksum_help(self.raw().cast()) })
    }

    /// Takes the tag of a VLAN out of the data, where there is one.
    ///
    /// # Errors
    ///
    /// `ENOMEM`, and others if the packet makes no sense.
    pub(crate) fn take_vlan(&mut self) -> Result<Option<VlanTci>> {
        let tag = self.linear().get(12..14);
        // CAST: 16 bits.
        if tag != Some(&(bindings::ETH_P_8021Q as u16).to_be_bytes()[..]) {
            return Ok(None);
        }
        let mut tci = 0;
        // SAFETY: By the type invariants; nobody else uses the packet.
        to_result(unsafe { bindings::hv_rust_net_pop_vlan(self.raw(), &mut tci) })?;
        Ok(Some(tci))
    }

    /// Notes the time of sending, for who wants to know. To be called right before the device is
    /// told about the packet.
    #[inline]
    pub(crate) fn timestamp(&mut self) {
        const WANTED: u32 = bindings::SKBTX_SW_TSTAMP | bindings::SKBTX_BPF;
        // SAFETY: By the type invariants.
        let flags = unsafe { (*self.shared_info()).tx_flags };
        if u32::from(flags) & WANTED != 0 {
            // SAFETY: By the type invariants; nobody else uses the packet.
            unsafe { bindings::skb_tstamp_tx(self.raw().cast(), core::ptr::null_mut()) };
        }
    }
}
