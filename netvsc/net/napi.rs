// SPDX-License-Identifier: GPL-2.0

//! NAPI: polling a queue outside of the interrupt that says that there is something in it.
//!
//! C header: [`include/linux/netdevice.h`](srctree/include/linux/netdevice.h)

use super::{
    rtnl::{
        self,
        Held, //
    },
    skb::Skb,
    Device, //
};
use core::{
    cell::Cell,
    mem::{
        offset_of,
        MaybeUninit, //
    },
    ptr::{
        self,
        NonNull, //
    },
};
use kernel::{
    prelude::*,
    sync::{
        aref::ARef,
        atomic::{
            Acquire,
            Full,
            Release, //
        },
        Arc, //
    },
    types::{
        NotThreadSafe,
        Opaque, //
    },
};
use vmbus::bindings;
use vmbus::sync::Atomic;

/// A queue that is polled.
pub(crate) trait Poll: Sized + Send + Sync + 'static {
    /// Handles what is in the queue, but no more packets than [`Round::left`] says.
    ///
    /// Runs in softirq context or in a thread of its own with softirqs off. From the call of this to
    /// [`Round::complete`] it does not run a second time for one [`Napi`], and none of that runs
    /// after the [`Enabled`] was dropped.
    fn poll(&self, round: Round<'_>) -> Polled;
}

/// What one call of [`Poll::poll`] came to. Made by [`Round::complete`] and [`Idle::done`].
///
/// It belongs to that call, and cannot be kept for another one: what is polled is `Send`.
#[must_use = "the stack has to be told"]
pub(crate) struct Polled(c_int, NotThreadSafe);

/// One call of [`Poll::poll`].
///
/// # Invariants
///
/// `napi` is being polled by this thread with this `budget`; `used` is not more than that.
pub(crate) struct Round<'a> {
    napi: &'a Opaque<bindings::napi_struct>,
    budget: u32,
    used: u32,
    redirected: Cell<bool>,
}

/// What [`Round::complete`] found.
pub(crate) enum Completed<'a> {
    /// Nobody polls any more: interrupts are to be let through again.
    Idle(Idle<'a>),
    /// It will be polled again; interrupts are not to be let through.
    Busy(Polled),
}

/// The end of a call of [`Poll::poll`] that found the queue empty.
pub(crate) struct Idle<'a>(Round<'a>);

impl<'a> Round<'a> {
    /// How many packets may be handled yet. At times that is 0 from the start, and nothing but
    /// clearing up after sending may be done.
    #[inline]
    pub(crate) fn left(&self) -> u32 {
        self.budget.wrapping_sub(self.used)
    }

    /// Whether packets may be received at all. They may not if it is the sending of a message of the
    /// kernel, in whatever context, that waits for room.
    #[inline]
    pub(super) fn may_receive(&self) -> bool {
        self.budget != 0
    }

    /// Notes that so many packets were handled.
    #[inline]
    pub(crate) fn use_up(&mut self, packets: u32) {
        // INVARIANT: Not more than the budget.
        self.used = self.used.saturating_add(packets).min(self.budget);
    }

    /// Notes that packets were redirected, which takes place at the end of the call.
    #[inline]
    pub(super) fn flush_redirected(&self) {
        self.redirected.set(true);
    }

    #[inline]
    fn flush(&self) {
        if self.redirected.get() {
            // SAFETY: By the type invariants, this is within a poll.
            unsafe { bindings::xdp_do_flush() };
        }
    }

    /// Ends the polling, if the queue is empty, the budget not used up and nobody else polls.
    #[inline]
    pub(crate) fn complete(self) -> Completed<'a> {
        self.flush();
        // CAST: Not more than the budget, which came as a positive `int`.
        let used = self.used as c_int;
        if self.used >= self.budget {
            return Completed::Busy(Polled(used, NotThreadSafe));
        }
        // SAFETY: By the type invariants, and the budget is not used up.
        if unsafe { bindings::napi_complete_done(self.napi.get(), used) } {
            Completed::Idle(Idle(self))
        } else {
            Completed::Busy(Polled(used, NotThreadSafe))
        }
    }

    /// Makes a packet of `len` bytes, which `fill` writes; [`None`] if there is no memory, or `fill`
    /// says that it has not written them all.
    #[inline(always)]
    pub(crate) fn new_skb(
        &self,
        len: usize,
        fill: impl FnOnce(&mut [MaybeUninit<u8>]) -> Option<()>,
    ) -> Option<Skb> {
        if !self.may_receive() {
            return None;
        }
        let room = u32::try_from(len).ok()?;
        // SAFETY: By the type invariants, and packets may be received.
        let raw = unsafe { bindings::napi_alloc_skb(self.napi.get().cast(), room) };
        // SAFETY: A new packet has no other user, is empty, and has so much room.
        let mut skb = NonNull::new(raw).map(|raw| unsafe { Skb::from_raw(raw.cast()) })?;
        // SAFETY: As above.
        fill(unsafe { skb.put(len, room) })?;
        Some(skb)
    }

    /// Hands a packet to the stack.
    #[inline]
    pub(crate) fn receive(&self, skb: Skb) {
        if !self.may_receive() {
            return;
        }
        let raw = skb.into_raw().as_ptr();
        // SAFETY: By the type invariants, and packets may be received; this one is given up.
        unsafe { bindings::gro_receive_skb(&raw mut (*self.napi.get()).gro, raw.cast()) };
    }

    /// Frees a packet that was sent.
    #[inline]
    pub(crate) fn consume(&self, skb: Skb) {
        let raw = skb.into_raw().as_ptr();
        // CAST: The budget came as a positive `int`.
        // SAFETY: The packet is given up; by the type invariants, this is the budget.
        unsafe { bindings::napi_consume_skb(raw.cast(), self.budget as c_int) };
    }
}

impl Idle<'_> {
    /// Has the queue be polled again after all; false if it will be anyway.
    #[inline]
    pub(crate) fn reschedule(&self, prepare: impl FnOnce()) -> bool {
        let raw = self.0.napi.get();
        // SAFETY: The `Napi` is alive.
        let ours = unsafe { bindings::napi_schedule_prep(raw) };
        if ours {
            prepare();
            // SAFETY: As above, and `napi_schedule_prep()` said that it is up to us.
            unsafe { bindings::__napi_schedule(raw) };
        }
        ours
    }

    /// Ends the call.
    #[inline]
    pub(crate) fn done(self) -> Polled {
        // CAST: Not more than the budget, which came as a positive `int`.
        Polled(self.0.used as c_int, NotThreadSafe)
    }
}

/// Which queues of the device a [`Napi`] serves, for users to see.
const UNLINKED: u32 = u32::MAX;

/// A NAPI context, with the queue that it polls.
#[pin_data(PinnedDrop)]
pub(crate) struct Napi<P: Poll> {
    device: ARef<Device>,
    enabled: Atomic<bool>,
    linked: Atomic<u32>,
    #[pin]
    queue: P,
    #[pin]
    raw: Opaque<bindings::napi_struct>,
}

// SAFETY: All methods may be called from any thread.
unsafe impl<P: Poll> Send for Napi<P> {}
// SAFETY: As above.
unsafe impl<P: Poll> Sync for Napi<P> {}

impl<P: Poll> Napi<P> {
    /// Makes a context of `device`, not enabled yet. May sleep.
    pub(crate) fn new<E>(
        device: ARef<Device>,
        queue: impl PinInit<P, E>,
    ) -> impl PinInit<Self, Error>
    where
        Error: From<E>,
    {
        let owner = device.as_raw();
        try_pin_init!(Self {
            device,
            enabled: Atomic::new(false),
            linked: Atomic::new(UNLINKED),
            queue <- queue,
            raw <- Opaque::ffi_init(|slot: *mut bindings::napi_struct| {
                // SAFETY: `slot` is valid for writing.
                unsafe { slot.write_bytes(0, 1) };
                // SAFETY: The device is alive; `slot` stays in place until `drop()` takes it away
                // again.
                unsafe { bindings::hv_rust_net_napi_add(owner, slot, Some(Self::poll)) };
            }),
        })
    }

    /// The queue that is polled.
    #[inline]
    pub(crate) fn queue(&self) -> &P {
        &self.queue
    }

    /// Has the queue be polled soon, on this CPU. Callable in any context; no effect as long as
    /// polling is not enabled. Returns whether it was not going to be polled already, after having
    /// called `prepare` in that case.
    #[inline]
    pub(crate) fn schedule(&self, prepare: impl FnOnce()) -> bool {
        // SAFETY: The context was set up, and is alive.
        let ours = unsafe { bindings::napi_schedule_prep(self.raw.get()) };
        if ours {
            prepare();
            // SAFETY: As above, and `napi_schedule_prep()` said that it is up to us.
            unsafe { bindings::__napi_schedule(self.raw.get()) };
        }
        ours
    }

    /// Lets polling begin. May sleep.
    ///
    /// # Errors
    ///
    /// `EBUSY` if it has begun already.
    pub(crate) fn enable(self: Arc<Self>) -> Result<Enabled<P>> {
        if self.enabled.xchg(true, Acquire) {
            return Err(EBUSY);
        }
        // SAFETY: The context was set up and is not enabled.
        unsafe { bindings::napi_enable(self.raw.get()) };
        Ok(Enabled(self))
    }

    /// # Safety
    ///
    /// `raw` must be the `raw` of a `Napi<P>` that is being polled.
    unsafe extern "C" fn poll(raw: *mut bindings::napi_struct, budget: c_int) -> c_int {
        let this = raw.wrapping_byte_sub(offset_of!(Self, raw)).cast::<Self>();
        // SAFETY: By the safety requirements; it is not freed before it is disabled, which waits
        // until it is not polled any more.
        let this = unsafe { &*this };
        // INVARIANT: It is this call.
        let round = Round {
            napi: &this.raw,
            budget: budget.unsigned_abs(),
            used: 0,
            redirected: Cell::new(false),
        };
        this.queue.poll(round).0
    }

    fn link(&self, index: u32, napi: *mut bindings::napi_struct, _held: Held<'_>) {
        // SAFETY: The device is alive and has such a queue; the RTNL is held.
        unsafe { bindings::hv_rust_net_link_napi(self.device.as_raw(), index, napi) };
    }
}

#[pinned_drop]
impl<P: Poll> PinnedDrop for Napi<P> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: The context was added in `new()`, and is disabled: an `Enabled` has a reference.
        unsafe { bindings::hv_rust_net_napi_del(self.raw.get()) };
    }
}

/// A [`Napi`] that polls, until this is dropped.
///
/// Dropping it sleeps until the queue is not being polled. It must not be dropped with the RTNL
/// held if [`show`](Self::show) was called and [`hide`](Self::hide) was not.
pub(crate) struct Enabled<P: Poll>(Arc<Napi<P>>);

impl<P: Poll> Enabled<P> {
    /// The context.
    #[inline]
    pub(crate) fn napi(&self) -> &Arc<Napi<P>> {
        &self.0
    }

    /// Has users see that this serves the queues with that index, for receiving and sending.
    ///
    /// # Errors
    ///
    /// `EINVAL` if there are no such queues in use.
    pub(crate) fn show(&self, index: u16, held: Held<'_>) -> Result {
        self.hide(held);
        // SAFETY: The device is alive, and the RTNL is held.
        if !unsafe { bindings::hv_rust_net_has_queue(self.0.device.as_raw(), index.into()) } {
            return Err(EINVAL);
        }
        self.0.link(index.into(), self.0.raw.get(), held);
        self.0.linked.store(index.into(), Release);
        Ok(())
    }

    /// The opposite of [`show`](Self::show).
    pub(crate) fn hide(&self, held: Held<'_>) {
        let index = self.0.linked.xchg(UNLINKED, Full);
        if index != UNLINKED {
            self.0.link(index, ptr::null_mut(), held);
        }
    }
}

impl<P: Poll> Drop for Enabled<P> {
    fn drop(&mut self) {
        if self.0.linked.load(Acquire) != UNLINKED {
            self.hide(rtnl::lock().held());
        }
        // SAFETY: It was enabled in `enable()`.
        unsafe { bindings::napi_disable(self.0.raw.get()) };
        self.0.enabled.store(false, Release);
    }
}
