// SPDX-License-Identifier: GPL-2.0

//! From an allocated host to a registered one, and back.

use super::{
    driver::Callbacks,
    Driver,
    Host, //
};
use core::{
    marker::PhantomData,
    ptr::{
        self,
        NonNull, //
    },
};
use kernel::{
    device::{
        self,
        Bound, //
    },
    error::to_result,
    new_mutex,
    prelude::*,
    sync::{
        aref::ARef,
        Arc,
        Mutex, //
    },
};
use vmbus::bindings;

/// What the SCSI layer keeps for the driver within a host.
///
/// # Invariants
///
/// From the registration of the host to the end of its removal, `borrowed` points to what `shared`
/// holds.
#[pin_data]
pub(super) struct HostData<T: Driver> {
    borrowed: *const T::Data,
    #[pin]
    shared: Mutex<Option<Arc<T::Data>>>,
}

impl<T: Driver> HostData<T> {
    const ALIGNED: () = assert!(align_of::<Self>() <= align_of::<c_ulong>());

    fn new() -> impl PinInit<Self> {
        const { Self::ALIGNED };
        // INVARIANT: The host is not registered.
        pin_init!(Self {
            borrowed: ptr::null(),
            shared <- new_mutex!(None),
        })
    }

    /// The data within a host.
    #[inline]
    pub(super) fn of(host: *mut bindings::Scsi_Host) -> *mut Self {
        // The flexible array at the end of a host: nothing is read here.
        host.cast::<u8>()
            .wrapping_add(core::mem::offset_of!(bindings::Scsi_Host, hostdata))
            .cast()
    }

    /// The driver's data, for callbacks that cannot outlast the removal of the host.
    ///
    /// # Safety
    ///
    /// The host must be registered, or being removed.
    #[inline]
    pub(super) unsafe fn borrow<'a>(&self) -> &'a T::Data {
        // SAFETY: By the type invariants and the safety requirements.
        unsafe { &*self.borrowed }
    }

    /// The driver's data, for callbacks that can; [`None`] if the host has been removed.
    pub(super) fn share(&self) -> Option<Arc<T::Data>> {
        self.shared.lock().clone()
    }
}

/// What a host can do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// How many commands a hardware queue takes.
    pub(crate) commands: u16,
    /// The number of hardware queues.
    pub(crate) queues: u32,
    /// The number of buses.
    pub(crate) channels: u32,
    /// The number of targets on a bus.
    pub(crate) targets: u32,
    /// The number of logical units of a target.
    pub(crate) luns: u64,
    /// The longest command descriptor block.
    pub(crate) cdb_bytes: u16,
    /// The most data of a command, in sectors of 512 bytes.
    pub(crate) sectors: u32,
    /// In how many pieces the data of a command may be.
    pub(crate) segments: u16,
    /// The bits of an address that are to be kept where data is copied to a bounce buffer.
    pub(crate) offset_mask: u32,
}

/// A host that is not registered yet.
pub(crate) struct NewHost<T: Driver> {
    host: ARef<Host>,
    _driver: PhantomData<T>,
}

impl<T: Driver> NewHost<T> {
    /// Allocates a host.
    ///
    /// # Errors
    ///
    /// `ENOMEM`; `EINVAL` if the kernel's template is not what this was written for.
    pub(crate) fn alloc() -> Result<Self> {
        let template: &'static _ = &Callbacks::<T>::TEMPLATE;
        if template.track_queue_depth() != 1 {
            return Err(EINVAL);
        }
        // CAST: A few bytes.
        let size = size_of::<HostData<T>>() as c_int;
        // SAFETY: The template lives as long as the module, which outlives its hosts.
        let raw = unsafe { bindings::scsi_host_alloc(template, size) };
        let raw = NonNull::new(raw).ok_or(ENOMEM)?;
        // SAFETY: The reference that `scsi_host_alloc()` returned is given up.
        let host = unsafe { Host::adopt(raw) };
        let data = HostData::<T>::of(raw.as_ptr());
        // SAFETY: The host was allocated with room for the data, which never moves.
        unsafe { pin_init::raw_init(data, HostData::<T>::new()) };
        Ok(Self {
            host,
            _driver: PhantomData,
        })
    }

    /// The host.
    pub(crate) fn host(&self) -> &ARef<Host> {
        &self.host
    }

    /// Registers the host below the device `parent`, which does the DMA.
    ///
    /// # Errors
    ///
    /// Those of `scsi_add_host()`.
    pub(crate) fn register<'bound>(
        self,
        parent: &'bound device::Device<Bound>,
        data: Arc<T::Data>,
        limits: &Limits,
    ) -> Result<Registration<'bound, T>> {
        self.set_limits(limits);
        let host_data = HostData::<T>::of(self.host.as_raw());
        let parent: *mut bindings::device = ptr::from_ref(parent).cast_mut().cast();
        // INVARIANT: `shared` is set right below, and the registration comes after that.
        // SAFETY: `alloc()` set the data up, and nobody uses a host that is not registered.
        unsafe { (*host_data).borrowed = Arc::as_ptr(&data) };
        // SAFETY: As above.
        *unsafe { &(*host_data).shared }.lock() = Some(data);
        // SAFETY: The device is bound.
        unsafe { bindings::hv_rust_dma_set_min_align_mask(parent, limits.offset_mask) };
        // From here on dropping this takes the data back.
        let mut registration = Registration {
            host: self.host,
            registered: false,
            _driver: PhantomData,
        };
        // SAFETY: The host is valid, and the parent outlives it as a registered host.
        to_result(unsafe {
            bindings::scsi_add_host_with_dma(registration.host.as_raw(), parent, parent)
        })?;
        registration.registered = true;
        Ok(registration)
    }

    fn set_limits(&self, limits: &Limits) {
        let raw = self.host.as_raw();
        // SAFETY: The host is valid, and nobody else uses a host that is not registered.
        unsafe {
            (*raw).can_queue = limits.commands.into();
            (*raw).nr_hw_queues = limits.queues;
            (*raw).max_channel = limits.channels.saturating_sub(1);
            (*raw).max_id = limits.targets;
            (*raw).max_lun = limits.luns;
            (*raw).max_cmd_len = limits.cdb_bytes;
            (*raw).max_sectors = limits.sectors;
            (*raw).sg_tablesize = limits.segments;
        }
    }
}

/// A registered host, to be removed when this is dropped.
///
/// The removal waits until all commands have ended.
pub(crate) struct Registration<'bound, T: Driver> {
    host: ARef<Host>,
    registered: bool,
    _driver: PhantomData<(T, &'bound device::Device<Bound>)>,
}

impl<T: Driver> Registration<'_, T> {
    /// The host.
    pub(crate) fn host(&self) -> &ARef<Host> {
        &self.host
    }
}

impl<T: Driver> Drop for Registration<'_, T> {
    fn drop(&mut self) {
        if self.registered {
            // SAFETY: The host is registered.
            unsafe { bindings::scsi_remove_host(self.host.as_raw()) };
        }
        // SAFETY: `NewHost::alloc()` set the data up.
        let shared = unsafe { &(*HostData::<T>::of(self.host.as_raw())).shared };
        // The lock is not held while the data is dropped.
        let data = shared.lock().take();
        drop(data);
    }
}
