// SPDX-License-Identifier: GPL-2.0

//! Received packets in memory that programs may change.
//!
//! C header: [`include/net/xdp.h`](srctree/include/net/xdp.h)

use super::{
    program::Loaded,
    Slot, //
};
use crate::net::{
    napi::Round,
    skb::Skb,
    Device, //
};
use core::{
    mem::MaybeUninit,
    ptr::{
        self,
        NonNull, //
    },
};
use kernel::{
    error::to_result,
    page::PAGE_SIZE,
    prelude::*,
    sync::{
        aref::ARef,
        atomic::{
            Acquire,
            Full, //
        },
        rcu, //
    },
    types::Opaque, //
};
use vmbus::bindings;
use vmbus::sync::Atomic;

/// How much room programs get in front of a packet, in bytes.
// CAST: A small constant.
const HEADROOM: usize = bindings::XDP_PACKET_HEADROOM as usize;

/// The longest packet, in bytes: what the stack needs at the end of a page is left free.
// CAST: A small constant.
const MAX_FRAME: usize = PAGE_SIZE - HEADROOM - bindings::hv_rust_net_shared_info_size as usize;

/// What a program decided about a packet.
pub(crate) enum Verdict {
    /// It goes on to the stack.
    Pass(Buffer),
    /// It goes back out of the device.
    Send(Buffer),
    /// It went to somewhere else.
    Redirected,
    /// It is dropped, perhaps because it could not go where it was to go.
    Drop,
}

/// A page of memory.
///
/// # Invariants
///
/// The pointer is the start of a page that this owns.
struct Page(NonNull<u8>);

// SAFETY: A page belongs to no thread.
unsafe impl Send for Page {}

impl Page {
    fn alloc() -> Option<Self> {
        // SAFETY: Callable in any context.
        let raw = unsafe { bindings::hv_rust_net_page_alloc() };
        // INVARIANT: The page was allocated just now.
        NonNull::new(raw.cast()).map(Self)
    }

    fn into_raw(self) -> *mut u8 {
        core::mem::ManuallyDrop::new(self).0.as_ptr()
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        // SAFETY: By the type invariants.
        unsafe { bindings::hv_rust_net_page_free(self.0.as_ptr().cast()) };
    }
}

/// A packet, after a program saw it.
///
/// # Invariants
///
/// The packet is `len` bytes from `offset` on, within the page and before the place at its end that
/// the stack uses.
pub(crate) struct Buffer {
    page: Page,
    offset: u32,
    len: u32,
}

impl Buffer {
    /// Makes it a packet of the stack; [`None`] if there is no memory.
    pub(crate) fn into_skb(self) -> Option<Skb> {
        let (offset, len) = (self.offset, self.len);
        let page = self.page.into_raw();
        // SAFETY: By the type invariants; the page is given up, whatever happens.
        let raw = unsafe { bindings::hv_rust_net_page_to_skb(page.cast(), offset, len) };
        // SAFETY: A new packet has no other user.
        NonNull::new(raw).map(|raw| unsafe { Skb::from_raw(raw) })
    }
}

/// What is needed to run programs on what a queue receives.
///
/// # Invariants
///
/// `spare` is null or comes from a [`Page`] that this owns.
#[pin_data(PinnedDrop)]
pub(crate) struct RxQueue {
    device: ARef<Device>,
    spare: Atomic<*mut u8>,
    #[pin]
    info: Opaque<bindings::xdp_rxq_info>,
}

// SAFETY: It may be used by any thread.
unsafe impl Send for RxQueue {}
// SAFETY: As above; `spare` is changed atomically, and `info` not at all.
unsafe impl Sync for RxQueue {}

impl RxQueue {
    /// The largest MTU with which packets fit.
    // CAST: Small constants.
    pub(crate) const MAX_MTU: u32 = (MAX_FRAME - bindings::ETH_HLEN as usize) as u32;

    /// Sets up what is needed for queue `index` of the device. May sleep.
    ///
    /// The error is `ENOMEM`.
    pub(crate) fn new(device: ARef<Device>, index: u32) -> impl PinInit<Self, Error> {
        let owner = device.as_raw();
        try_pin_init!(Self {
            device,
            spare: Atomic::new(ptr::null_mut()),
            info <- Opaque::try_ffi_init(move |slot: *mut bindings::xdp_rxq_info| {
                // SAFETY: `slot` is valid for writing.
                unsafe { slot.write_bytes(0, 1) };
                // SAFETY: The device is alive, and `slot` stays in place until it is unregistered.
                to_result(unsafe { bindings::hv_rust_net_xdp_register(slot, owner, index) })
            }),
        })
    }

    fn page(&self) -> Option<Page> {
        let spare = self.spare.xchg(ptr::null_mut(), Acquire);
        // INVARIANT: The page is not `self`'s any more.
        NonNull::new(spare).map(Page).or_else(Page::alloc)
    }

    fn keep(&self, page: Page) {
        // INVARIANT: The page is `self`'s, and the one that was there is not any more.
        let old = self.spare.xchg(page.into_raw(), Full);
        drop(NonNull::new(old).map(Page));
    }

    /// Runs the program in the slot on a packet of `len` bytes, which `fill` writes; [`None`] if
    /// there is no program, so that `fill` was not called.
    ///
    /// A packet that is too long or for which there is no memory is dropped.
    #[inline]
    pub(crate) fn run(
        &self,
        slot: &Slot,
        round: &Round<'_>,
        len: usize,
        fill: impl FnOnce(&mut [MaybeUninit<u8>]) -> Result,
    ) -> Option<Verdict> {
        if slot.is_empty() {
            return None;
        }
        let guard = rcu::read_lock();
        let program = slot.load(&guard)?;
        if len > MAX_FRAME || !round.may_receive() {
            return Some(Verdict::Drop);
        }
        let Some(page) = self.page() else {
            return Some(Verdict::Drop);
        };
        let start = page.0.as_ptr().wrapping_add(HEADROOM).cast();
        // SAFETY: It is within the page, which nobody else uses.
        if fill(unsafe { core::slice::from_raw_parts_mut(start, len) }).is_err() {
            self.keep(page);
            return Some(Verdict::Drop);
        }
        Some(self.run_on(page, len, &program, round))
    }

    fn run_on(&self, page: Page, len: usize, program: &Loaded<'_>, round: &Round<'_>) -> Verdict {
        let mut run = bindings::hv_rust_net_xdp_run {
            // CAST: Less than a page.
            offset: HEADROOM as u32,
            // CAST: Less than a page.
            len: len as u32,
        };
        // SAFETY: The page has the packet in it, and is the program's if the answer is that it was
        // redirected. The program is alive, and this is within a poll.
        let action = unsafe {
            bindings::hv_rust_net_xdp_run_program(
                self.device.as_raw(),
                program.as_raw().cast(),
                self.info.get(),
                page.0.as_ptr().cast(),
                &raw mut run,
            )
        };
        // INVARIANT: The kernel keeps programs from moving the packet out of the page.
        let buffer = |page| Buffer {
            page,
            offset: run.offset,
            len: run.len,
        };
        match action {
            bindings::xdp_action_XDP_PASS => Verdict::Pass(buffer(page)),
            bindings::xdp_action_XDP_TX => Verdict::Send(buffer(page)),
            bindings::xdp_action_XDP_REDIRECT => {
                page.into_raw();
                round.flush_redirected();
                Verdict::Redirected
            }
            _ => {
                self.keep(page);
                Verdict::Drop
            }
        }
    }
}

#[pinned_drop]
impl PinnedDrop for RxQueue {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: It was registered in `new()`.
        unsafe { bindings::xdp_rxq_info_unreg(self.info.get()) };
        drop(NonNull::new(self.spare.xchg(ptr::null_mut(), Full)).map(Page));
    }
}
