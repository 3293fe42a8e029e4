// SPDX-License-Identifier: GPL-2.0

//! Drivers: the trait that they implement, in the manner of `kernel::pci`, and how the bus calls it.
//!
//! Events of a channel do not come this way. A driver's data owns the channel that it has opened,
//! and the channel owns the handler of its events.
//!
//! C header: [`include/linux/device/driver.h`](srctree/include/linux/device/driver.h)

use super::{
    bus_type,
    device::Device,
    id::{
        DeviceId,
        DynamicIds,
        IdTable,
        Table, //
    }, //
};
use crate::bindings;
use core::{
    mem::offset_of,
    pin::Pin, //
};
use kernel::{
    device::{
        Core,
        CoreInternal, //
    },
    error::to_result,
    prelude::*,
    types::Opaque, //
};

/// When a driver's devices are probed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbeType {
    /// As the kernel likes.
    Default,
    /// Before the registration of the device, or of the driver, is over.
    Synchronous,
    /// In the background, several devices at a time.
    Asynchronous,
}

impl ProbeType {
    const fn as_raw(self) -> bindings::probe_type {
        match self {
            Self::Default => bindings::probe_type_PROBE_DEFAULT_STRATEGY,
            Self::Synchronous => bindings::probe_type_PROBE_FORCE_SYNCHRONOUS,
            Self::Asynchronous => bindings::probe_type_PROBE_PREFER_ASYNCHRONOUS,
        }
    }
}

/// A driver of devices on the bus.
///
/// # Examples
///
/// ```ignore
/// impl vmbus::Driver for MyDriver {
///     const NAME: &'static CStr = c"hv_mine";
///     type IdInfo = ();
///     type Data<'bound> = MyData<'bound>;
///     const ID_TABLE: vmbus::IdTable<Self::IdInfo> = &TABLE;
///
///     fn probe<'bound>(
///         dev: &'bound vmbus::Device<Core<'_>>,
///         _info: Option<&'bound Self::IdInfo>,
///     ) -> impl PinInit<Self::Data<'bound>, Error> + 'bound {
///         MyData::new(dev)
///     }
/// }
/// ```
pub trait Driver {
    /// The name in `/sys/bus/vmbus/drivers`, which need not be that of the module.
    const NAME: &'static CStr;

    /// What the table says about each class.
    type IdInfo: 'static;

    /// The driver's data of a device that it is bound to.
    type Data<'bound>: Send + 'bound;

    /// The classes of devices that the driver is for.
    const ID_TABLE: IdTable<Self::IdInfo>;

    /// When devices are probed.
    const PROBE: ProbeType = ProbeType::Default;

    /// Binds to a device.
    ///
    /// There is no `info` for a device that the administrator gave to the driver although its class
    /// is not in the table.
    fn probe<'bound>(
        dev: &'bound Device<Core<'_>>,
        info: Option<&'bound Self::IdInfo>,
    ) -> impl PinInit<Self::Data<'bound>, Error> + 'bound;

    /// Unbinds from a device: for what `Drop` of the data cannot do. The data is dropped next.
    fn unbind<'bound>(dev: &'bound Device<Core<'_>>, this: Pin<&Self::Data<'bound>>) {
        let _ = (dev, this);
    }

    /// Lets a device go while the system hibernates: its channel is closed when this returns.
    ///
    /// The connection to the host ends afterwards, and there is another one before
    /// [`resume`](Self::resume), of the same kernel, on this machine or a like one. The device stays
    /// bound meanwhile.
    ///
    /// # Errors
    ///
    /// The system does not hibernate, and the device goes on. `EOPNOTSUPP`, which this returns
    /// unless a driver has one of its own, if the driver cannot do that.
    fn suspend<'bound>(dev: &'bound Device<Core<'_>>, this: Pin<&Self::Data<'bound>>) -> Result {
        let _ = (dev, this);
        Err(EOPNOTSUPP)
    }

    /// Takes a device up again. If the host does not offer it any more its channel counts as
    /// rescinded.
    ///
    /// # Errors
    ///
    /// They are logged. The device stays bound, and of no use.
    fn resume<'bound>(dev: &'bound Device<Core<'_>>, this: Pin<&Self::Data<'bound>>) -> Result {
        let _ = (dev, this);
        Err(EOPNOTSUPP)
    }

    /// Makes a device quiet before the machine goes down.
    fn shutdown<'bound>(dev: &'bound Device<Core<'_>>, this: Pin<&Self::Data<'bound>>) {
        let _ = (dev, this);
    }
}

/// Declares a module that is one driver.
///
/// # Examples
///
/// ```ignore
/// vmbus::module_vmbus_driver! {
///     type: MyDriver,
///     name: "hv_mine_rust",
///     authors: ["..."],
///     description: "...",
///     license: "GPL",
/// }
/// ```
#[macro_export]
macro_rules! module_vmbus_driver {
    ($($f:tt)*) => {
        ::kernel::module_driver!(<T>, $crate::Adapter<T>, { $($f)* });
    };
}

/// How the bus calls a driver, whatever its type.
pub(super) struct Operations {
    pub(super) probe: fn(&Device<CoreInternal<'_>>, Option<&'static DeviceId>) -> Result,
    pub(super) unbind: fn(&Device<CoreInternal<'_>>),
    pub(super) suspend: fn(&Device<CoreInternal<'_>>) -> Result,
    pub(super) resume: fn(&Device<CoreInternal<'_>>) -> Result,
    pub(super) shutdown: fn(&Device<CoreInternal<'_>>),
}

/// What the bus has to know of a driver.
pub(super) struct Description {
    pub(super) name: &'static CStr,
    pub(super) probe_type: ProbeType,
    pub(super) table: Table,
    pub(super) operations: &'static Operations,
}

/// What is there of a driver while it is registered.
struct Registered {
    description: Description,
    dynamic_ids: Pin<KBox<DynamicIds>>,
}

/// A driver as the driver core knows it.
#[repr(C)]
pub struct RawDriver {
    pub(super) driver: Opaque<bindings::device_driver>,
    registered: Option<Registered>,
}

impl Default for RawDriver {
    fn default() -> Self {
        Self {
            driver: Opaque::zeroed(),
            registered: None,
        }
    }
}

/// Why a driver gets a device.
pub(super) enum Match {
    /// The class of the device is in the driver's table.
    Listed(&'static DeviceId),
    /// The administrator wants it.
    Wanted,
}

impl RawDriver {
    /// Gets back from the C structure.
    ///
    /// # Safety
    ///
    /// `driver` must be one of this bus that stays registered for `'a`.
    pub(super) unsafe fn from_raw<'a>(driver: *const bindings::device_driver) -> &'a Self {
        // SAFETY: All drivers of this bus are in a `RawDriver`, which is not written to while it is
        // registered, but for the `Opaque`.
        unsafe { &*driver.byte_sub(offset_of!(Self, driver)).cast() }
    }

    /// The classes that the administrator added.
    pub(super) fn dynamic_ids(&self) -> Result<&DynamicIds> {
        let registered = self.registered.as_ref().ok_or(ENODEV)?;
        Ok(&registered.dynamic_ids)
    }

    /// Whether the driver gets a device, and why: the override of the device decides, then what the
    /// administrator added, then the table.
    pub(super) fn matches(&self, dev: &Device) -> Option<Match> {
        let registered = self.registered.as_ref()?;
        // SAFETY: Both pointers are valid.
        let overridden = match unsafe {
            bindings::hv_rust_match_driver_override(dev.as_raw(), self.driver.get())
        } {
            0 => return None,
            result => result > 0,
        };
        if registered.dynamic_ids.contains(dev.class()) {
            return Some(Match::Wanted);
        }
        match registered.description.table.find(dev.class()) {
            Some(id) => Some(Match::Listed(id)),
            None => overridden.then_some(Match::Wanted),
        }
    }

    /// Probes a device that the driver got.
    pub(super) fn probe(&self, dev: &Device<CoreInternal<'_>>) -> Result {
        let id = match self.matches(dev).ok_or(ENODEV)? {
            Match::Listed(id) => Some(id),
            Match::Wanted => None,
        };
        (self.operations()?.probe)(dev, id)
    }

    /// How to call the driver.
    fn operations(&self) -> Result<&'static Operations> {
        let registered = self.registered.as_ref().ok_or(ENODEV)?;
        Ok(registered.description.operations)
    }

    /// Lets go of a device.
    pub(super) fn unbind(&self, dev: &Device<CoreInternal<'_>>) {
        if let Ok(operations) = self.operations() {
            (operations.unbind)(dev);
        }
    }

    /// Lets a device go while the system hibernates.
    pub(super) fn suspend(&self, dev: &Device<CoreInternal<'_>>) -> Result {
        (self.operations()?.suspend)(dev)
    }

    /// Takes a device up again.
    pub(super) fn resume(&self, dev: &Device<CoreInternal<'_>>) -> Result {
        (self.operations()?.resume)(dev)
    }

    /// Makes a device quiet.
    pub(super) fn shutdown(&self, dev: &Device<CoreInternal<'_>>) {
        if let Ok(operations) = self.operations() {
            (operations.shutdown)(dev);
        }
    }

    /// Registers a driver.
    ///
    /// # Safety
    ///
    /// `this` must not be registered. If this succeeds, it must stay in place until `unregister`.
    pub(super) unsafe fn register(
        this: &Opaque<Self>,
        description: Description,
        module_name: &'static CStr,
        module: &'static ThisModule,
    ) -> Result {
        if !bus_type::is_registered() {
            return Err(ENODEV);
        }
        pr_info!("registering driver {}\n", description.name);
        let dynamic_ids = KBox::pin_init(DynamicIds::new(), GFP_KERNEL)?;
        // SAFETY: The driver is valid.
        let driver = unsafe { Opaque::cast_into(&raw const (*this.get()).driver) };
        // SAFETY: The driver is not registered, so that nobody reads these fields.
        unsafe {
            (*driver).name = description.name.as_char_ptr();
            (*driver).bus = bus_type::as_raw();
            (*driver).owner = module.as_ptr();
            (*driver).mod_name = module_name.as_char_ptr();
            (*driver).probe_type = description.probe_type.as_raw();
        }
        let registered = Registered {
            description,
            dynamic_ids,
        };
        // SAFETY: As above.
        unsafe { (*this.get()).registered = Some(registered) };
        // SAFETY: The driver is filled in, and stays in place by the safety requirement.
        let result = to_result(unsafe { bindings::driver_register(driver) });
        if result.is_err() {
            // SAFETY: The driver is not registered.
            drop(unsafe { (*this.get()).registered.take() });
        }
        result
    }

    /// Unregisters a driver.
    ///
    /// # Safety
    ///
    /// `this` must be registered.
    pub(super) unsafe fn unregister(this: &Opaque<Self>) {
        // SAFETY: The driver is valid, and not written to until it is unregistered.
        if let Some(registered) = unsafe { &(*this.get()).registered } {
            pr_info!("unregistering driver {}\n", registered.description.name);
        }
        // SAFETY: The driver is valid.
        let driver = unsafe { Opaque::cast_into(&raw const (*this.get()).driver) };
        // SAFETY: By the safety requirement.
        unsafe { bindings::driver_unregister(driver) };
        // SAFETY: The driver is not registered any more, and its files in sysfs are gone.
        drop(unsafe { (*this.get()).registered.take() });
    }
}
