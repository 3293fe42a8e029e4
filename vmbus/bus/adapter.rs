// SPDX-License-Identifier: GPL-2.0

//! From what the bus calls to the methods of a driver, whatever its type.

use super::{
    device::Device,
    driver::{
        Description,
        Driver,
        Operations,
        RawDriver, //
    },
    id::{
        DeviceId,
        Table, //
    }, //
};
use core::mem::offset_of;
use kernel::{
    device::CoreInternal,
    device_id::RawDeviceIdIndex,
    driver,
    prelude::*,
    types::Opaque, //
};

/// Makes a driver of the driver core from a [`Driver`].
pub struct Adapter<T: Driver>(T);

// SAFETY:
// - `RawDriver` is `repr(C)` and embeds a `device_driver` at that offset.
// - `T::Data` is what `Adapter::probe` makes the data of a device.
unsafe impl<T: Driver> driver::DriverLayout for Adapter<T> {
    type DriverType = RawDriver;
    type DriverData<'bound> = T::Data<'bound>;
    const DEVICE_DRIVER_OFFSET: usize = offset_of!(RawDriver, driver);
}

// SAFETY: `unregister` is right for what `register` has registered.
unsafe impl<T: Driver> driver::RegistrationOps for Adapter<T> {
    unsafe fn register(
        this: &Opaque<RawDriver>,
        name: &'static CStr,
        module: &'static ThisModule,
    ) -> Result {
        let description = Description {
            name: T::NAME,
            probe_type: T::PROBE,
            table: Table::new(T::ID_TABLE),
            operations: &Self::OPERATIONS,
        };
        // SAFETY: By the safety requirement; a new driver is not registered.
        unsafe { RawDriver::register(this, description, name, module) }
    }

    unsafe fn unregister(this: &Opaque<RawDriver>) {
        // SAFETY: By the safety requirement.
        unsafe { RawDriver::unregister(this) };
    }
}

impl<T: Driver> Adapter<T> {
    const OPERATIONS: Operations = Operations {
        probe: Self::probe,
        unbind: Self::unbind,
        suspend: Self::suspend,
        resume: Self::resume,
        shutdown: Self::shutdown,
    };

    fn probe(dev: &Device<CoreInternal<'_>>, id: Option<&'static DeviceId>) -> Result {
        // SAFETY: The id is from `T::ID_TABLE`.
        let info = id.map(|id| unsafe { id.info_unchecked::<T::IdInfo>() });
        let data = T::probe(dev, info);
        dev.as_ref().set_drvdata(data)
    }

    fn unbind(dev: &Device<CoreInternal<'_>>) {
        // SAFETY: The bus calls this after `probe` succeeded, and the data is dropped later.
        let data = unsafe { dev.as_ref().drvdata_borrow::<T::Data<'_>>() };
        T::unbind(dev, data);
    }

    fn suspend(dev: &Device<CoreInternal<'_>>) -> Result {
        // SAFETY: The bus calls this for a device that is bound to this driver, and stays so while
        // the system hibernates.
        let data = unsafe { dev.as_ref().drvdata_borrow::<T::Data<'_>>() };
        T::suspend(dev, data)
    }

    fn resume(dev: &Device<CoreInternal<'_>>) -> Result {
        // SAFETY: As in `suspend`.
        let data = unsafe { dev.as_ref().drvdata_borrow::<T::Data<'_>>() };
        T::resume(dev, data)
    }

    fn shutdown(dev: &Device<CoreInternal<'_>>) {
        // SAFETY: The bus calls this for a device that is bound to this driver, with the lock of the
        // device held, so that it stays bound.
        let data = unsafe { dev.as_ref().drvdata_borrow::<T::Data<'_>>() };
        T::shutdown(dev, data);
    }
}
