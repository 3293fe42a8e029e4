// SPDX-License-Identifier: GPL-2.0

//! From an allocated network device to a registered one, and back.

use super::{
    any::AnyDevice,
    callbacks::Callbacks,
    device::Common,
    ethtool,
    ops::Operations,
    rtnl::Held,
    Device, //
};
use core::{
    marker::PhantomData,
    ptr::{
        self,
        NonNull, //
    },
};
use kernel::{
    device,
    device::Bound,
    error::to_result,
    prelude::*,
    sync::{
        aref::ARef,
        Arc,
        ArcBorrow, //
    },
};
use vmbus::bindings;

/// What is kept within a device.
///
/// # Invariants
///
/// `data` is null or from [`Arc::into_raw`], and owns the reference. From the registration of the
/// device to the end of its removal it is not null, and does not change.
#[repr(C)]
pub(super) struct Private<T: Operations> {
    common: Common,
    data: *const T::Data,
}

impl<T: Operations> Private<T> {
    const ALIGNED: () = assert!(align_of::<Self>() <= 32);

    #[inline]
    fn of(raw: *mut bindings::net_device) -> *mut Self {
        Device::private_of(raw).cast()
    }

    /// The driver's data.
    ///
    /// # Safety
    ///
    /// The device must be a registered one of this driver for `'a`.
    #[inline]
    pub(super) unsafe fn data<'a>(raw: *mut bindings::net_device) -> ArcBorrow<'a, T::Data> {
        // SAFETY: By the type invariants and the safety requirements.
        unsafe { ArcBorrow::from_raw((*Self::of(raw)).data) }
    }
}

impl AnyDevice {
    /// The device as one of this driver, and the driver's data, if it is a registered one of them.
    pub(crate) fn as_driven_by<'a, T: Operations>(
        &'a self,
        _held: Held<'a>,
    ) -> Option<(&'a Device, ArcBorrow<'a, T::Data>)> {
        let raw = self.as_raw();
        // SAFETY: The device is valid, and this changes under the RTNL.
        let (operations, state) = unsafe { ((*raw).netdev_ops, (*raw).reg_state) };
        let is_one = ptr::eq(operations, Callbacks::<T>::table())
            && u32::from(state) == bindings::netdev_reg_state_NETREG_REGISTERED;
        // SAFETY: It is a registered device of this driver as long as the RTNL is held.
        is_one.then(|| unsafe { Callbacks::<T>::parts(raw) })
    }
}

/// A device that is not registered yet.
pub(crate) struct NewDevice<'bound, T: Operations> {
    device: ARef<Device>,
    _driver: PhantomData<(T, &'bound device::Device<Bound>)>,
}

impl<'bound, T: Operations> NewDevice<'bound, T> {
    /// Allocates an Ethernet device below the device `parent`, with as many queues as it will ever
    /// use.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn new(
        parent: &'bound device::Device<Bound>,
        tx_queues: u32,
        rx_queues: u32,
    ) -> Result<Self> {
        const { Private::<T>::ALIGNED };
        // CAST: A few bytes.
        let size = size_of::<Private<T>>() as c_int;
        // SAFETY: Callable in process context.
        let raw = unsafe { bindings::alloc_etherdev_mqs(size, tx_queues, rx_queues) };
        let raw = NonNull::new(raw).ok_or(ENOMEM)?;
        let private = Private {
            common: Common::new(ARef::from(parent)),
            data: ptr::null(),
        };
        // INVARIANT: Null, and the device is not registered.
        // SAFETY: The device was allocated with room for it, suitably aligned.
        unsafe { Private::<T>::of(raw.as_ptr()).write(private) };
        // SAFETY: Nobody else uses the device. The parent lives as long as the device's memory.
        unsafe { (*raw.as_ptr()).dev.parent = ptr::from_ref(parent).cast_mut().cast() };
        // The stack looks at the tables before it calls anything that is in them.
        let (operations, ethtool): (&'static _, &'static _) =
            (Callbacks::<T>::table(), &ethtool::Callbacks::<T>::TABLE);
        // SAFETY: Nobody else uses the device; the tables live as long as the module.
        unsafe { (*raw.as_ptr()).netdev_ops = operations };
        // SAFETY: As above.
        unsafe { (*raw.as_ptr()).ethtool_ops = ethtool };
        // SAFETY: The count of references started with this one.
        let device = unsafe { ARef::from_raw(raw.cast::<Device>()) };
        device.carrier_off();
        Ok(Self {
            device,
            _driver: PhantomData,
        })
    }

    /// The device.
    pub(crate) fn device(&self) -> &ARef<Device> {
        &self.device
    }

    /// Registers the device: from here on users see it.
    ///
    /// # Errors
    ///
    /// Those of `register_netdevice()`.
    pub(crate) fn register(
        self,
        data: Arc<T::Data>,
        _held: Held<'_>,
    ) -> Result<Registration<'bound, T>> {
        let raw = self.device.as_raw();
        let private = Private::<T>::of(raw);
        // INVARIANT: It is what the invariants ask for.
        // SAFETY: `new()` set it up, and nobody uses it in a device that is not registered.
        unsafe { (*private).data = Arc::into_raw(data) };
        // SAFETY: The device is not registered yet, and the RTNL is held.
        let registered = to_result(unsafe { bindings::hv_rust_net_register(raw) });
        let registration = Registration {
            device: self.device,
            registered: registered.is_ok(),
            _driver: PhantomData,
        };
        registered.map(|()| registration)
    }
}

/// A registered device, to be taken away when this is dropped.
///
/// That stops it first, waits until nobody uses it any more, and must not be done with the RTNL
/// held.
pub(crate) struct Registration<'bound, T: Operations> {
    device: ARef<Device>,
    registered: bool,
    _driver: PhantomData<(T, &'bound device::Device<Bound>)>,
}

// SAFETY: A registration may be dropped by any thread.
unsafe impl<T: Operations> Send for Registration<'_, T> {}
// SAFETY: A shared reference allows nothing.
unsafe impl<T: Operations> Sync for Registration<'_, T> {}

impl<T: Operations> Drop for Registration<'_, T> {
    fn drop(&mut self) {
        let raw = self.device.as_raw();
        self.device.set_dead();
        if self.registered {
            // SAFETY: The device is registered.
            unsafe { bindings::unregister_netdev(raw) };
        } else {
            // What saw the device while its registration failed.
            // SAFETY: Callable in process context.
            unsafe { bindings::synchronize_net() };
        }
        // INVARIANT: Nothing refers to the data any more.
        // SAFETY: `NewDevice` set it up, and nobody uses it in a device that is not registered.
        let data = unsafe { ptr::replace(&raw mut (*Private::<T>::of(raw)).data, ptr::null()) };
        // SAFETY: By the type invariants of `Private`; `register()` put it there.
        drop(unsafe { Arc::from_raw(data) });
    }
}
