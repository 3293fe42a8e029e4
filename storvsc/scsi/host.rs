// SPDX-License-Identifier: GPL-2.0

//! A SCSI host as anyone may hold it: to scan it and to look after its devices.
//!
//! C header: [`include/scsi/scsi_host.h`](srctree/include/scsi/scsi_host.h)

use super::Address;
use core::ptr::{
    self,
    NonNull, //
};
use kernel::{
    error::to_result,
    prelude::*,
    sync::aref::{
        ARef,
        AlwaysRefCounted, //
    },
    time::msecs_to_jiffies,
    types::Opaque, //
};
use vmbus::bindings;

/// `struct Scsi_Host`, reference counted.
#[repr(transparent)]
pub(crate) struct Host(Opaque<bindings::Scsi_Host>);

// SAFETY: All methods may be called from any thread.
unsafe impl Send for Host {}
// SAFETY: As above.
unsafe impl Sync for Host {}

// SAFETY: The host's device counts its references.
unsafe impl AlwaysRefCounted for Host {
    fn inc_ref(&self) {
        // SAFETY: The reference shows that the count is not 0.
        unsafe { bindings::get_device(&raw mut (*self.as_raw()).shost_gendev) };
    }

    unsafe fn dec_ref(host: NonNull<Self>) {
        // SAFETY: By the safety requirements, there is a reference to give up.
        unsafe { bindings::scsi_host_put(host.cast().as_ptr()) };
    }
}

/// A device of a host, with a reference.
///
/// # Invariants
///
/// The pointer is valid and has a reference of its own.
struct Device(NonNull<bindings::scsi_device>);

impl Drop for Device {
    fn drop(&mut self) {
        // SAFETY: By the type invariants.
        unsafe { bindings::scsi_device_put(self.0.as_ptr()) };
    }
}

impl Host {
    /// How long a device may take to say that it is there, in milliseconds.
    const PROBE_TIMEOUT: u32 = 30_000;

    /// # Safety
    ///
    /// `raw` must be valid for `'a`.
    pub(super) unsafe fn from_raw<'a>(raw: *mut bindings::Scsi_Host) -> &'a Self {
        // SAFETY: By the safety requirements; the type is transparent.
        unsafe { &*raw.cast() }
    }

    /// Takes over a reference.
    ///
    /// # Safety
    ///
    /// The caller must have a reference to the host and give it up.
    pub(super) unsafe fn adopt(raw: NonNull<bindings::Scsi_Host>) -> ARef<Self> {
        // SAFETY: By the safety requirements; the type is transparent.
        unsafe { ARef::from_raw(raw.cast()) }
    }

    pub(super) fn as_raw(&self) -> *mut bindings::Scsi_Host {
        self.0.get()
    }

    /// The number in the host's name.
    pub(crate) fn number(&self) -> u32 {
        // SAFETY: Never changes.
        unsafe { (*self.as_raw()).host_no }
    }

    /// How many commands a hardware queue takes.
    pub(super) fn can_queue(&self) -> i32 {
        // SAFETY: Does not change after the registration.
        unsafe { (*self.as_raw()).can_queue }
    }

    /// Looks for devices. May return before it has finished.
    pub(crate) fn scan(&self) {
        // SAFETY: The host is valid; one that is not registered is left alone.
        unsafe { bindings::scsi_scan_host(self.as_raw()) };
    }

    /// Adds the device at an address that is not looked at otherwise.
    ///
    /// # Errors
    ///
    /// `ENODEV` if the host is not registered any more; that nothing is there is no error.
    pub(crate) fn add_device(&self, address: Address) -> Result {
        let Address {
            channel,
            target,
            lun,
        } = address;
        // SAFETY: The host is valid.
        to_result(unsafe { bindings::scsi_add_device(self.as_raw(), channel, target, lun) })
    }

    /// Asks each device whether it is there, so that the driver hears of those that are not.
    pub(crate) fn probe_devices(&self) {
        // SAFETY: The host is valid.
        let lock = unsafe { &raw mut (*self.as_raw()).scan_mutex };
        // SAFETY: The mutex is valid, and this is process context.
        unsafe { bindings::mutex_lock(lock) };
        let mut device = ptr::null_mut();
        loop {
            // SAFETY: The host is valid. The function takes a reference to the device that it
            // returns and gives up the one to the device that it is given.
            device = unsafe { bindings::__scsi_iterate_devices(self.as_raw(), device) };
            if device.is_null() {
                break;
            }
            let timeout = c_int::try_from(msecs_to_jiffies(Self::PROBE_TIMEOUT));
            // SAFETY: There is a reference to the device.
            unsafe {
                bindings::scsi_test_unit_ready(
                    device,
                    timeout.unwrap_or(c_int::MAX),
                    1,
                    ptr::null_mut(),
                )
            };
        }
        // SAFETY: Locked above.
        unsafe { bindings::mutex_unlock(lock) };
    }

    /// Looks again at what the device is.
    pub(crate) fn rescan_device(&self, address: Address) {
        if let Some(device) = self.device(address) {
            // SAFETY: There is a reference to the device.
            unsafe { bindings::scsi_rescan_device(device.0.as_ptr()) };
        }
    }

    /// Removes the device.
    pub(crate) fn remove_device(&self, address: Address) {
        if let Some(device) = self.device(address) {
            // SAFETY: There is a reference to the device.
            unsafe { bindings::scsi_remove_device(device.0.as_ptr()) };
        }
    }

    fn device(&self, address: Address) -> Option<Device> {
        let Address {
            channel,
            target,
            lun,
        } = address;
        // SAFETY: The host is valid.
        let raw = unsafe { bindings::scsi_device_lookup(self.as_raw(), channel, target, lun) };
        // INVARIANT: The function took a reference.
        NonNull::new(raw).map(Device)
    }
}
