// SPDX-License-Identifier: GPL-2.0

//! Frames that were redirected from another device.
//!
//! C header: [`include/net/xdp.h`](srctree/include/net/xdp.h)

use crate::net::{
    skb::Skb,
    Device, //
};
use core::{
    marker::PhantomData,
    ptr::NonNull, //
};
use vmbus::bindings;

/// Frames, to be sent by a driver as packets.
///
/// # Invariants
///
/// There are `count` frames at `frames`, of which the first `taken` are not the stack's any more.
pub(crate) struct Frames<'a> {
    device: &'a Device,
    frames: *mut *mut bindings::xdp_frame,
    count: u32,
    taken: u32,
    _frames: PhantomData<&'a ()>,
}

impl<'a> Frames<'a> {
    /// # Safety
    ///
    /// There must be `count` valid frames at `frames`, which the stack gives to the driver as far
    /// as the driver takes them.
    pub(in crate::net) unsafe fn from_raw(
        device: &'a Device,
        frames: *mut *mut bindings::xdp_frame,
        count: u32,
    ) -> Self {
        // INVARIANT: By the safety requirements.
        Self {
            device,
            frames,
            count,
            taken: 0,
            _frames: PhantomData,
        }
    }

    /// How many frames were taken.
    pub(in crate::net) fn taken(&self) -> u32 {
        self.taken
    }
}

impl Iterator for Frames<'_> {
    type Item = Skb;

    /// The next frame as a packet that starts with its Ethernet header; [`None`] at the end, or if
    /// there is no memory.
    fn next(&mut self) -> Option<Skb> {
        if self.taken >= self.count {
            return None;
        }
        // SAFETY: By the type invariants, there is such a frame.
        // CAST: From 32 to 64 bits.
        let frame = unsafe { *self.frames.add(self.taken as usize) };
        // SAFETY: By the type invariants, the frame is valid and the stack's still.
        let raw = unsafe { bindings::hv_rust_net_frame_to_skb(frame, self.device.as_raw()) };
        let raw = NonNull::new(raw)?;
        // INVARIANT: The packet has taken the frame over.
        self.taken += 1;
        // SAFETY: A new packet has no other user.
        Some(unsafe { Skb::from_raw(raw) })
    }
}
