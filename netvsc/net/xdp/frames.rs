// SPDX-License-Identifier: GPL-2.0

//! Frames that were redirected from another device.
//!
//! C header: [`include/net/xdp.h`](srctree/include/net/xdp.h)

use crate::net::{
    skb::Skb,
    AnyDevice,
    Device, //
};
use core::{
    marker::PhantomData,
    ptr::NonNull, //
};
use kernel::{
    error::to_result,
    prelude::*, //
};
use vmbus::bindings;

/// Frames, to be sent by a driver as packets, or by another driver as they are.
///
/// # Invariants
///
/// There are `count` frames at `frames`, of which the first `taken` are not the stack's any more.
pub(crate) struct Frames<'a> {
    device: &'a Device,
    frames: *mut *mut bindings::xdp_frame,
    count: u32,
    taken: u32,
    flags: u32,
    _frames: PhantomData<&'a ()>,
}

impl<'a> Frames<'a> {
    /// # Safety
    ///
    /// There must be `count` valid frames at `frames`, which the stack gives to the driver as far
    /// as the driver takes them, in softirq context.
    pub(in crate::net) unsafe fn from_raw(
        device: &'a Device,
        frames: *mut *mut bindings::xdp_frame,
        count: u32,
        flags: u32,
    ) -> Self {
        // INVARIANT: By the safety requirements.
        Self {
            device,
            frames,
            count,
            taken: 0,
            flags,
            _frames: PhantomData,
        }
    }

    /// How many frames were taken.
    pub(in crate::net) fn taken(&self) -> u32 {
        self.taken
    }

    /// Has another device send those that are left, if its driver takes such frames: returns whether
    /// it does. Those that it does not take are dropped. Only while that device is up.
    ///
    /// # Errors
    ///
    /// Those of the driver, which took none then.
    pub(crate) fn send_through(&mut self, device: &AnyDevice) -> Result<bool> {
        // SAFETY: The device is valid, and this does not change while it is up.
        let Some(send) = (unsafe { (*(*device.as_raw()).netdev_ops).ndo_xdp_xmit }) else {
            return Ok(false);
        };
        // CAST: Not more than the count, which came as an `int`.
        let left = (self.count - self.taken) as c_int;
        // CAST: From 32 to 64 bits.
        let first = self.frames.wrapping_add(self.taken as usize);
        // SAFETY: The device is valid. By the type invariants, so many frames are the stack's still.
        let sent = unsafe { send(device.as_raw(), left, first, self.flags) };
        to_result(sent)?;
        // INVARIANT: The driver has taken so many over.
        self.taken += sent.min(left).unsigned_abs();
        Ok(true)
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
