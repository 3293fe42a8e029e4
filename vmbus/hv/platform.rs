// SPDX-License-Identifier: GPL-2.0

//! The device that stands for the bus in the firmware's tables, ACPI's or a device tree. All devices
//! on the bus are its children, in the same place of sysfs whatever bus driver is used.

use core::pin::Pin;

use kernel::{
    acpi, device, driver,
    error::to_result,
    of, platform,
    prelude::*,
    sync::{
        aref::ARef,
        atomic::{
            Acquire,
            Release, //
        },
    },
};

use super::power::{
    Callbacks,
    Sleeper, //
};
use crate::{
    bindings,
    sync::Atomic, //
};

/// The device that the driver was bound to last, unless it has been taken.
static FOUND: Atomic<*mut bindings::device> = Atomic::new(core::ptr::null_mut());

kernel::acpi_device_table!(
    ACPI_TABLE,
    <RootPlatform as platform::Driver>::IdInfo,
    [
        (acpi::DeviceId::new(c"VMBUS"), ()),
        (acpi::DeviceId::new(c"VMBus"), ()),
    ]
);

kernel::of_device_table!(
    OF_TABLE,
    <RootPlatform as platform::Driver>::IdInfo,
    [(of::DeviceId::new(c"microsoft,vmbus"), ())]
);

/// The driver, from the moment on that it was bound.
static DRIVER: Atomic<*mut bindings::device_driver> = Atomic::new(core::ptr::null_mut());

struct RootPlatform;

impl platform::Driver for RootPlatform {
    type IdInfo = ();
    type Data<'bound> = Self;
    const ACPI_ID_TABLE: Option<acpi::IdTable<Self::IdInfo>> = Some(&ACPI_TABLE);
    const OF_ID_TABLE: Option<of::IdTable<Self::IdInfo>> = Some(&OF_TABLE);

    fn probe<'bound>(
        dev: &'bound platform::Device<device::Core<'_>>,
        _info: Option<&'bound Self::IdInfo>,
    ) -> impl PinInit<Self, Error> + 'bound {
        let dev: &device::Device<_> = dev.as_ref();
        // CAST: `device::Device` is transparent over the C structure.
        let raw = core::ptr::from_ref(dev)
            .cast::<bindings::device>()
            .cast_mut();
        // SAFETY: `raw` is a valid device, that of a platform device.
        to_result(unsafe { bindings::hv_rust_interrupt_find(raw) })?;
        // SAFETY: `raw` is a valid device.
        let root = unsafe { bindings::hv_rust_root_device(raw) };
        // SAFETY: As above; a device has its driver before it is probed.
        DRIVER.store(unsafe { (*raw).driver }, Release);
        FOUND.store(root, Release);
        Ok(Self)
    }
}

/// The device that all devices on the bus are children of.
#[derive(Clone)]
pub(crate) struct Root(ARef<device::Device>);

impl Root {
    /// Another device in its place.
    #[cfg(CONFIG_HYPERV_RUST_KUNIT_TEST)]
    pub(crate) fn instead(device: &device::Device) -> Self {
        Self(device.into())
    }

    /// The device.
    pub(crate) fn device(&self) -> &device::Device {
        &self.0
    }
}

/// The registered driver of the root device.
pub(crate) struct RootDriver {
    root: Root,
    _registration: Pin<KBox<driver::Registration<platform::Adapter<RootPlatform>>>>,
}

impl RootDriver {
    /// Registers the driver, and finds its device.
    ///
    /// # Errors
    ///
    /// `ENODEV` when there is none; errors of the registration.
    pub(crate) fn register(module: &'static ThisModule) -> Result<Self> {
        let registration = KBox::pin_init(driver::Registration::new(c"vmbus", module), GFP_KERNEL)?;
        let found = FOUND.load(Acquire);
        if found.is_null() {
            return Err(ENODEV);
        }
        // SAFETY: This is the platform device that the driver is bound to, or the ACPI device that it
        // was made from, which exists as long.
        let root = unsafe { device::Device::get_device(found) };
        Ok(Self {
            root: Root(root),
            _registration: registration,
        })
    }

    /// Has the bus take part in hibernation, which drivers of platform devices have no callbacks for
    /// in Rust.
    pub(crate) fn sleep_with<S: Sleeper>(&self) {
        let operations: &'static _ = &Callbacks::<S>::DRIVER;
        let driver = DRIVER.load(Acquire);
        // SAFETY: The driver is bound, so it is the one in `_registration`, which stays in place as
        // long as `self`. The system, which reads the field, does not hibernate before the task that
        // is here can be frozen.
        unsafe { (*driver).pm = operations };
    }

    /// The device.
    pub(crate) fn root(&self) -> &Root {
        &self.root
    }
}
