// SPDX-License-Identifier: GPL-2.0

//! A device of another driver below one of ours: what it receives the upper device receives, and the
//! upper device can send through it.
//!
//! C header: [`include/linux/netdevice.h`](srctree/include/linux/netdevice.h)

use super::{
    addresses::Addresses,
    any::AnyDevice,
    rtnl::Held,
    skb::{
        Borrowed,
        Skb, //
    },
    Device, //
};
use core::{
    mem::ManuallyDrop,
    ptr, //
};
use kernel::{
    error::to_result,
    prelude::*,
    sync::{
        aref::ARef,
        atomic::{
            Full,
            Relaxed, //
        },
        Arc, //
    },
};
use vmbus::bindings;
use vmbus::sync::Atomic;

type Handler = unsafe extern "C" fn(*mut *mut bindings::sk_buff) -> bindings::rx_handler_result_t;

/// Who is told of what comes in.
pub(crate) trait Receiver: Send + Sync + 'static {
    /// The lower device received a packet of so many bytes. In softirq context, on several CPUs.
    fn received(&self, len: u32);
}

/// A device below another.
///
/// # Invariants
///
/// While `is_joined`, the handler for what the lower device receives is [`Self::handle`], and owns
/// a reference to this.
pub(crate) struct Lower<R: Receiver> {
    upper: ARef<Device>,
    device: ARef<AnyDevice>,
    receiver: Arc<R>,
    is_joined: Atomic<bool>,
}

impl<R: Receiver> Lower<R> {
    /// Puts a device below another, until [`leave`](Self::leave), which is due before either is
    /// unregistered.
    ///
    /// # Errors
    ///
    /// `EBUSY` if it is below another already, `EINVAL` if it cannot be, and `ENOMEM`.
    pub(crate) fn join(
        upper: ARef<Device>,
        device: &AnyDevice,
        receiver: Arc<R>,
        held: Held<'_>,
    ) -> Result<Arc<Self>> {
        let this = Arc::new(
            Self {
                upper,
                device: ARef::from(device),
                receiver,
                is_joined: Atomic::new(false),
            },
            GFP_KERNEL,
        )?;
        let data = Arc::into_raw(this.clone());
        // INVARIANT: This is where the handler gets its reference.
        //
        // SAFETY: The device is valid, the RTNL is held, and the data live until `leave()`.
        to_result(unsafe {
            bindings::netdev_rx_handler_register(
                device.as_raw(),
                Some(Self::handler()),
                data.cast_mut().cast(),
            )
        })
        .inspect_err(|_| {
            // SAFETY: It came from `Arc::into_raw` just now, and nobody has it.
            drop(unsafe { Arc::from_raw(data) });
        })?;
        this.is_joined.store(true, Relaxed);
        // SAFETY: Both are valid, and the RTNL is held.
        to_result(unsafe { bindings::hv_rust_net_link(device.as_raw(), this.upper.as_raw()) })
            .inspect_err(|_| this.stop_receiving(held))?;
        Ok(this)
    }

    /// What a device is below others of this kind, if it is.
    pub(crate) fn of(device: &AnyDevice, _held: Held<'_>) -> Option<Arc<Self>> {
        let raw = device.as_raw();
        // SAFETY: The device is valid, and both change under the RTNL.
        let (handler, data) = unsafe { ((*raw).rx_handler, (*raw).rx_handler_data) };
        if handler.map(|handler| handler as usize) != Some(Self::handler() as usize) {
            return None;
        }
        // SAFETY: By the type invariants, these are the data of that handler, whose reference is
        // given up under the RTNL only.
        let owner = ManuallyDrop::new(unsafe { Arc::from_raw(data.cast::<Self>().cast_const()) });
        Some(Arc::clone(&owner))
    }

    /// The one place of the handler, by whose address such devices are known.
    #[inline(never)]
    fn handler() -> Handler {
        Self::handle
    }

    /// Who is told of what comes in.
    pub(crate) fn receiver(&self) -> &Arc<R> {
        &self.receiver
    }

    /// Takes the device away again. Nothing that it receives is the upper device's any more.
    pub(crate) fn leave(&self, held: Held<'_>) {
        if self.is_joined.load(Relaxed) {
            self.stop_receiving(held);
            // SAFETY: Both are valid, the RTNL is held, and they were linked by `join()`.
            unsafe { bindings::netdev_upper_dev_unlink(self.device.as_raw(), self.upper.as_raw()) };
        }
    }

    fn stop_receiving(&self, _held: Held<'_>) {
        if self.is_joined.xchg(false, Full) {
            // SAFETY: By the type invariants, the handler is ours, and the RTNL is held.
            unsafe { bindings::netdev_rx_handler_unregister(self.device.as_raw()) };
            // SAFETY: By the type invariants, this is the reference of the handler, which does not
            // run any more.
            drop(unsafe { Arc::from_raw(ptr::from_ref(self)) });
        }
    }

    /// The device itself.
    #[inline]
    pub(crate) fn device(&self) -> &AnyDevice {
        &self.device
    }

    /// Whether packets can be sent through it now.
    #[inline]
    pub(crate) fn is_usable(&self) -> bool {
        self.device.is_running()
            && self.device.has_carrier()
            // SAFETY: The device is valid.
            && !unsafe { bindings::hv_rust_net_is_polled(self.upper.as_raw()) }
    }

    /// Chooses a queue of it for a packet of the upper device.
    #[inline]
    pub(crate) fn pick_queue(&self, skb: &mut Borrowed<'_>) -> u16 {
        // SAFETY: Both are valid, and nobody else uses the packet.
        unsafe { bindings::hv_rust_net_pick_queue(self.device.as_raw(), skb.raw()) }
    }

    /// Sends a packet of the upper device. In softirq context.
    ///
    /// # Errors
    ///
    /// `EIO`, `EINVAL`: the packet was dropped.
    #[inline]
    pub(crate) fn send(&self, skb: Skb) -> Result {
        let skb = skb.into_raw();
        // SAFETY: Both are valid, and the packet is given up.
        let code =
            unsafe { bindings::hv_rust_net_send_through(self.device.as_raw(), skb.as_ptr()) };
        // It was sent, or the queue is congested, which is as good.
        match u32::try_from(code)? {
            bindings::NET_XMIT_SUCCESS | bindings::NET_XMIT_CN => Ok(()),
            _ => Err(EIO),
        }
    }

    /// Has it receive what is for the addresses of the upper device.
    pub(crate) fn copy_addresses(&self, addresses: &Addresses<'_>) {
        if !ptr::eq(addresses.device(), &raw const *self.upper) {
            return;
        }
        let (to, from) = (self.device.as_raw(), self.upper.as_raw());
        // What it has no memory for it gets with the next change.
        //
        // SAFETY: Both are valid, and the addresses of the upper device are locked.
        unsafe { bindings::dev_uc_sync(to, from) };
        // SAFETY: As above.
        unsafe { bindings::dev_mc_sync(to, from) };
    }

    /// Ends that.
    pub(crate) fn remove_addresses(&self, _held: Held<'_>) {
        let (to, from) = (self.device.as_raw(), self.upper.as_raw());
        // SAFETY: Both are valid; lockdep checks that the lists are not locked.
        unsafe { bindings::dev_uc_unsync(to, from) };
        // SAFETY: As above.
        unsafe { bindings::dev_mc_unsync(to, from) };
    }

    /// Makes a packet that the lower device received one of the upper device's.
    ///
    /// # Safety
    ///
    /// As called by the stack for a device that this was joined with.
    unsafe extern "C" fn handle(skb: *mut *mut bindings::sk_buff) -> bindings::rx_handler_result_t {
        // SAFETY: By the safety requirements.
        let data = unsafe { bindings::hv_rust_net_handled(skb) };
        // SAFETY: By the type invariants, the data are this, at least as long as the handler runs.
        let Some(this) = (unsafe { data.cast::<Self>().as_ref() }) else {
            return bindings::rx_handler_result_RX_HANDLER_CONSUMED;
        };
        // SAFETY: The packet is valid and nobody else's; the device is valid.
        unsafe { bindings::hv_rust_net_set_device(*skb, this.upper.as_raw()) };
        // SAFETY: As above.
        this.receiver.received(unsafe { (**skb).len });
        bindings::rx_handler_result_RX_HANDLER_ANOTHER
    }
}
