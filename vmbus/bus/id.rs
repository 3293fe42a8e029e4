// SPDX-License-Identifier: GPL-2.0

//! Which classes of devices a driver takes: its table of ids, and the ids that the administrator adds
//! through its files `new_id` and `remove_id`.
//!
//! C header: [`include/linux/device-id/hv_vmbus.h`](srctree/include/linux/device-id/hv_vmbus.h)

use crate::{
    bindings,
    guid::Guid, //
};
use core::mem::offset_of;
use kernel::{
    device_id::{
        RawDeviceId,
        RawDeviceIdIndex, //
    },
    new_mutex,
    prelude::*,
    sync::Mutex, //
};

/// The number of characters in the text form of a GUID.
const GUID_LEN: usize = 36;

/// An entry in the table of a driver.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct DeviceId(bindings::hv_vmbus_device_id);

impl DeviceId {
    /// Devices of a class.
    pub const fn new(class: Guid) -> Self {
        Self(bindings::hv_vmbus_device_id {
            guid: bindings::guid_t {
                b: *class.as_bytes(),
            },
            driver_data: 0,
        })
    }

    /// The class.
    const fn class(&self) -> Guid {
        Guid::from_bytes(self.0.guid.b)
    }
}

// SAFETY: `DeviceId` is a transparent wrapper of its raw type.
unsafe impl RawDeviceId for DeviceId {
    type RawType = bindings::hv_vmbus_device_id;
}

// SAFETY: The offset is that of `driver_data`, which has the size of a pointer.
unsafe impl RawDeviceIdIndex for DeviceId {
    const DRIVER_DATA_OFFSET: usize = offset_of!(bindings::hv_vmbus_device_id, driver_data);
}

/// The table of a driver.
pub type IdTable<T> = &'static dyn kernel::device_id::IdTable<DeviceId, T>;

/// Declares the table of a driver, with an alias for each entry by which user space finds the module.
///
/// # Examples
///
/// ```ignore
/// vmbus::vmbus_device_table!(
///     TABLE,
///     <MyDriver as vmbus::Driver>::IdInfo,
///     [(vmbus::DeviceId::new(guid!("ba6163d9-04a1-4d29-b605-72e2ffb1dc7f")), ())]
/// );
/// ```
#[macro_export]
macro_rules! vmbus_device_table {
    ($($tt:tt)*) => {
        ::kernel::module_device_table!("vmbus", $crate::DeviceId, $($tt)*);
    };
}

/// The table of some driver.
///
/// # Invariants
///
/// The pointer is to the first entry of a static table that ends with an entry of the null class.
#[derive(Clone, Copy)]
pub(super) struct Table(*const bindings::hv_vmbus_device_id);

impl Table {
    /// Forgets what the type of the table says of its entries' data.
    pub(super) fn new<T>(table: IdTable<T>) -> Self {
        // INVARIANT: `IdTable` is static, and only implemented by arrays with such an end.
        Self(table.as_ptr())
    }

    /// The first entry for devices of `class`.
    pub(super) fn find(&self, class: Guid) -> Option<&'static DeviceId> {
        let mut entry = self.0.cast::<DeviceId>();
        loop {
            // SAFETY: By the type invariant, and because the last entry was not reached before.
            let id = unsafe { &*entry };
            if id.class() == Guid::NULL {
                return None;
            }
            if id.class() == class {
                return Some(id);
            }
            // SAFETY: This was not the last entry.
            entry = unsafe { entry.add(1) };
        }
    }
}

/// The classes that the administrator added to a driver.
#[pin_data]
pub(super) struct DynamicIds {
    #[pin]
    classes: Mutex<KVec<Guid>>,
}

impl DynamicIds {
    /// None.
    pub(super) fn new() -> impl PinInit<Self> {
        pin_init!(Self { classes <- new_mutex!(KVec::new(), "vmbus::DynamicIds") })
    }

    /// Whether `class` is one of them.
    pub(super) fn contains(&self, class: Guid) -> bool {
        self.classes.lock().contains(&class)
    }

    /// Adds the class that was written to `new_id`.
    ///
    /// # Errors
    ///
    /// `EINVAL` where it is no GUID, `EEXIST` where the class was added before.
    pub(super) fn add(&self, text: &[u8]) -> Result {
        let class = parse(text)?;
        let mut classes = self.classes.lock();
        if classes.contains(&class) {
            return Err(EEXIST);
        }
        Ok(classes.push(class, GFP_KERNEL)?)
    }

    /// Removes the class that was written to `remove_id`.
    ///
    /// # Errors
    ///
    /// `EINVAL` where it is no GUID, `ENODEV` where the class is not one of them.
    pub(super) fn remove(&self, text: &[u8]) -> Result {
        let class = parse(text)?;
        let mut classes = self.classes.lock();
        let mut others = classes.iter();
        let index = others.position(|other| *other == class).ok_or(ENODEV)?;
        classes.remove(index)?;
        Ok(())
    }
}

/// The GUID that the text begins with; what follows does not count, like the newline of `echo`.
fn parse(text: &[u8]) -> Result<Guid> {
    let text = text.get(..GUID_LEN).ok_or(EINVAL)?;
    let text = core::str::from_utf8(text).map_err(|_| EINVAL)?;
    Guid::parse(text).ok_or(EINVAL)
}
