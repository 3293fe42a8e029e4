// SPDX-License-Identifier: GPL-2.0

//! A packet: `struct sk_buff`, owned.
//!
//! What a driver does with packets that it is to send is in `transmit.rs`, with packets that it
//! received in `receive.rs`.
//!
//! C header: [`include/linux/skbuff.h`](srctree/include/linux/skbuff.h)

use core::{
    marker::PhantomData,
    mem::ManuallyDrop,
    ops::Deref,
    ptr::NonNull, //
};
use vmbus::bindings;

/// The part of a packet that is copied when a packet is copied.
pub(super) type Headers = bindings::sk_buff__bindgen_ty_4__bindgen_ty_2;

/// A tag of a VLAN, without its protocol, which is 802.1Q.
pub(crate) type VlanTci = u16;

/// A packet that the driver owns.
///
/// It is given up by sending it on or by [`consume`](Self::consume); a packet that is dropped
/// counts as lost in the kernel's statistics.
///
/// # Invariants
///
/// `0` points to a packet of which the owner of this has a reference that it does not share.
pub(crate) struct Skb(NonNull<bindings::sk_buff>);

// SAFETY: A packet belongs to no thread.
unsafe impl Send for Skb {}
// SAFETY: What a shared reference allows is reading.
unsafe impl Sync for Skb {}

impl Skb {
    /// Takes a packet over.
    ///
    /// # Safety
    ///
    /// The caller must have a reference to the packet that it does not share, and give it up.
    #[inline]
    pub(super) unsafe fn from_raw(raw: NonNull<bindings::sk_buff>) -> Self {
        // INVARIANT: By the safety requirements.
        Self(raw)
    }

    /// Gives the packet up without freeing it.
    #[inline]
    pub(super) fn into_raw(self) -> NonNull<bindings::sk_buff> {
        ManuallyDrop::new(self).0
    }

    #[inline]
    pub(super) fn raw(&self) -> *mut bindings::sk_buff {
        self.0.as_ptr()
    }

    #[inline]
    pub(super) fn headers(&self) -> *mut Headers {
        // SAFETY: By the type invariants, the packet is valid. The union starts with the headers.
        unsafe { (&raw mut (*self.raw()).__bindgen_anon_4).cast() }
    }

    #[inline]
    pub(super) fn shared_info(&self) -> *mut bindings::skb_shared_info {
        // SAFETY: By the type invariants, the packet is valid.
        let (head, end) = unsafe { ((*self.raw()).head, (*self.raw()).end) };
        // CAST: From 32 to 64 bits.
        head.wrapping_add(end as usize).cast()
    }

    /// The number of bytes in the packet.
    #[inline]
    pub(crate) fn len(&self) -> u32 {
        // SAFETY: By the type invariants.
        unsafe { (*self.raw()).len }
    }

    /// The bytes up to the first fragment.
    #[inline]
    pub(crate) fn linear(&self) -> &[u8] {
        // SAFETY: By the type invariants.
        let (data, len, fragments) = unsafe {
            (
                (*self.raw()).data,
                (*self.raw()).len,
                (*self.raw()).data_len,
            )
        };
        // SAFETY: There are so many bytes at `data`, which nobody else changes while the packet is
        // owned.
        // CAST: From 32 to 64 bits.
        unsafe { core::slice::from_raw_parts(data, len.wrapping_sub(fragments) as usize) }
    }

    /// The protocol of the payload, in the order of the machine.
    #[inline]
    pub(crate) fn protocol(&self) -> u16 {
        // SAFETY: By the type invariants.
        u16::from_be(unsafe { (*self.headers()).protocol })
    }

    /// The queue that the packet goes through.
    #[inline]
    pub(crate) fn queue(&self) -> u16 {
        // SAFETY: By the type invariants.
        unsafe { (*self.raw()).queue_mapping }
    }

    /// Sets the queue that the packet goes through.
    #[inline]
    pub(crate) fn set_queue(&mut self, queue: u16) {
        // SAFETY: By the type invariants, and there is no other user.
        unsafe { (*self.raw()).queue_mapping = queue };
    }

    /// What the flow of the packet hashes to, if that is known already, else 0.
    #[inline]
    pub(crate) fn known_hash(&self) -> u32 {
        // SAFETY: By the type invariants.
        unsafe { (*self.headers()).hash }
    }

    /// The VLAN that the packet belongs to, if that is not said in its data.
    #[inline]
    pub(crate) fn vlan(&self) -> Option<VlanTci> {
        // SAFETY: By the type invariants; the union is plain data.
        let tag = unsafe { (*self.headers()).__bindgen_anon_2.__bindgen_anon_1 };
        // SAFETY: As above.
        let present = unsafe { (*self.headers()).__bindgen_anon_2.vlan_all } != 0;
        present.then_some(tag.vlan_tci)
    }

    /// Has the packet belong to a VLAN, which is not said in its data.
    #[inline]
    pub(crate) fn set_vlan(&mut self, tci: VlanTci) {
        // CAST: 16 bits.
        let protocol = (bindings::ETH_P_8021Q as u16).to_be();
        // SAFETY: By the type invariants, and there is no other user.
        unsafe {
            (*self.headers())
                .__bindgen_anon_2
                .__bindgen_anon_1
                .vlan_proto = protocol
        };
        // SAFETY: As above.
        unsafe { (*self.headers()).__bindgen_anon_2.__bindgen_anon_1.vlan_tci = tci };
    }

    /// Frees a packet that is not lost, but has been dealt with. Callable in any context.
    #[inline]
    pub(crate) fn consume(self) {
        let raw = self.into_raw();
        // SAFETY: The reference is given up.
        unsafe {
            bindings::dev_kfree_skb_any_reason(raw.as_ptr(), bindings::skb_drop_reason_SKB_CONSUMED)
        };
    }
}

impl Drop for Skb {
    fn drop(&mut self) {
        // SAFETY: By the type invariants, there is a reference, and it is not used any more.
        unsafe {
            bindings::dev_kfree_skb_any_reason(
                self.raw(),
                bindings::skb_drop_reason_SKB_DROP_REASON_NOT_SPECIFIED,
            )
        };
    }
}

/// A packet that somebody else owns, but does not use at the moment.
pub(crate) struct Borrowed<'a>(ManuallyDrop<Skb>, PhantomData<&'a mut Skb>);

impl Borrowed<'_> {
    /// # Safety
    ///
    /// Nobody else may use the packet for as long as the result lives.
    #[inline]
    pub(super) unsafe fn from_raw(raw: NonNull<bindings::sk_buff>) -> Self {
        // SAFETY: The packet is not used otherwise, and is neither given up nor freed here.
        let skb = unsafe { Skb::from_raw(raw) };
        Self(ManuallyDrop::new(skb), PhantomData)
    }

    /// What the packet's flow hashes to: addresses and, where there are any, ports.
    #[inline]
    pub(crate) fn hash(&mut self) -> u32 {
        // SAFETY: The packet is valid and not used by anyone else.
        unsafe { bindings::hv_rust_net_hash(self.0.raw()) }
    }

    /// What the packet's flow hashes to if ports are left out.
    pub(crate) fn address_hash(&mut self) -> u32 {
        // SAFETY: As above.
        unsafe { bindings::hv_rust_net_address_hash(self.0.raw()) }
    }

    /// The transport protocol, if the packet is IP, with the version of IP.
    #[inline]
    pub(crate) fn transport(&self) -> Option<(super::IpVersion, u8)> {
        self.0.transport()
    }

    /// The queue that the packet's socket used before; [`None`] if there is none or the socket may
    /// change it now.
    #[inline]
    pub(crate) fn socket_queue(&self) -> Option<u16> {
        // SAFETY: The packet is valid.
        u16::try_from(unsafe { bindings::hv_rust_net_socket_queue(self.0.raw()) }).ok()
    }

    /// Has the packet's socket, if it has one, remember the queue.
    #[inline]
    pub(crate) fn set_socket_queue(&mut self, queue: u16) {
        // SAFETY: The packet is valid.
        unsafe { bindings::hv_rust_net_set_socket_queue(self.0.raw(), queue) };
    }

    /// The queue that a forwarded packet was received from.
    #[inline]
    pub(crate) fn rx_queue(&self) -> Option<u16> {
        // 0 says that it was not forwarded.
        self.0.queue().checked_sub(1)
    }
}

impl Deref for Borrowed<'_> {
    type Target = Skb;

    fn deref(&self) -> &Skb {
        &self.0
    }
}
