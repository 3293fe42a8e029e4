// SPDX-License-Identifier: GPL-2.0

//! Devices: what a primary channel is to the driver model.
//!
//! A device keeps its channel alive. It is freed with its last reference, which may outlive its
//! registration, and only then lets go of the channel.
//!
//! # Order of appearance
//!
//! The directory `channels` and the primary channel's directory in it are made before user space
//! and drivers get to know the device (the bus is notified of a device between the two), so that a
//! driver that is offered sub-channels while it probes finds the place for their directories. They
//! are the first to be removed.
//!
//! C header: [`include/linux/device.h`](srctree/include/linux/device.h)

use super::{
    attribute,
    bus_type,
    kobject::Channels, //
};
use crate::{
    bindings,
    channel::Channel,
    guid::Guid, //
};
use core::{
    marker::PhantomData,
    mem::offset_of,
    ptr::{
        self,
        NonNull, //
    }, //
};
use kernel::{
    device,
    dma,
    error::to_result,
    new_mutex,
    prelude::*,
    sync::{
        aref::{
            ARef,
            AlwaysRefCounted, //
        },
        Arc,
        Mutex, //
    },
    types::{
        ForeignOwnable,
        Opaque, //
    }, //
};

/// The number that PCI has for the maker of all these devices.
pub(super) const VENDOR: u32 = bindings::PCI_VENDOR_ID_MICROSOFT;

/// What is in a device.
#[pin_data]
#[repr(C)]
struct Inner {
    #[pin]
    device: Opaque<bindings::device>,
    #[pin]
    dma_mask: Opaque<u64>,
    #[pin]
    dma_parms: Opaque<bindings::device_dma_parameters>,
    channel: Arc<Channel>,
    /// There are some while the device is registered.
    #[pin]
    channels: Mutex<Option<Channels>>,
}

impl Inner {
    fn new(channel: Arc<Channel>) -> impl PinInit<Self> {
        pin_init!(Self {
            device <- pin_init::init_zeroed(),
            dma_mask <- pin_init::init_zeroed(),
            dma_parms <- pin_init::init_zeroed(),
            channel,
            channels <- new_mutex!(None, "vmbus::Device::channels"),
        })
    }
}

/// A device on the bus.
///
/// # Invariants
///
/// The device was made by [`Device::new`], and its reference count is not zero.
#[repr(transparent)]
pub struct Device<Ctx: device::DeviceContext = device::Normal>(Inner, PhantomData<Ctx>);

impl<Ctx: device::DeviceContext> Device<Ctx> {
    /// Where the C structure is.
    const OFFSET: usize = offset_of!(Inner, device);

    /// The class of the device, which says what it does.
    pub fn class(&self) -> Guid {
        self.0.channel.class()
    }

    /// The name of the device, which is another one for each device.
    pub fn instance(&self) -> Guid {
        self.0.channel.instance()
    }

    /// The primary channel.
    pub fn channel(&self) -> &Arc<Channel> {
        &self.0.channel
    }

    /// The C structure.
    pub(super) fn as_raw(&self) -> *mut bindings::device {
        self.0.device.get()
    }

    /// Gets back from the C structure.
    ///
    /// # Safety
    ///
    /// `dev` must be a device of this bus, with a reference count that stays above zero for `'a`,
    /// and in the context of `Ctx` for as long.
    pub(super) unsafe fn from_raw<'a>(dev: *const bindings::device) -> &'a Self {
        // SAFETY: All devices of this bus are in a `Device`.
        unsafe { &*dev.byte_sub(Self::OFFSET).cast() }
    }
}

impl Device {
    /// Registers the device of a primary channel, below `parent`. Drivers that are there may probe
    /// it before this returns.
    ///
    /// # Errors
    ///
    /// `EEXIST` where there is a device of that name; `ENOMEM`. Nothing is left of the device.
    pub(crate) fn register(channel: Arc<Channel>, parent: &device::Device) -> Result<ARef<Self>> {
        let this = Self::new(channel, parent)?;
        this.add()
            .inspect_err(|_| pr_err!("Unable to register child device\n"))?;
        this.announce().inspect_err(|_| {
            pr_err!("Unable to register primary channel\n");
            // SAFETY: The device was registered above.
            unsafe { bindings::device_del(this.as_raw()) };
        })?;
        Ok(this)
    }

    /// Adds the device to the bus, unless there is one of the same name. That is an error of the
    /// host, and no reason for the driver core to dump the stack.
    fn add(&self) -> Result {
        let name = self.as_ref().name().as_char_ptr();
        // SAFETY: The bus is registered, and `name` is what the function compares names with.
        let other = unsafe {
            bindings::bus_find_device(
                bus_type::as_raw(),
                ptr::null_mut(),
                name.cast(),
                Some(bindings::device_match_name),
            )
        };
        if !other.is_null() {
            // SAFETY: The search made a reference, which is given up.
            unsafe { bindings::put_device(other) };
            return Err(EEXIST);
        }
        // SAFETY: The device is initialised and not registered.
        to_result(unsafe { bindings::device_add(self.as_raw()) })
    }

    /// Tells user space about the primary channel, if [`Self::make_channels`] has made its
    /// directory.
    fn announce(&self) -> Result {
        let channels = self.0.channels.lock();
        let channels = channels.as_ref().ok_or(ENOMEM)?;
        channels.announce(&self.0.channel);
        Ok(())
    }

    /// Takes the device away from its driver and from user space. Does nothing the second time.
    ///
    /// Sleeps until the driver has let go of it.
    pub(crate) fn unregister(&self) {
        let Some(channels) = self.0.channels.lock().take() else {
            return;
        };
        drop(channels);
        // SAFETY: Only a registered device has channels, and only the first caller finds them.
        unsafe { bindings::device_del(self.as_raw()) };
    }

    /// Makes the directory of a sub-channel.
    ///
    /// # Errors
    ///
    /// `ENODEV` where the device is not registered any more.
    pub(crate) fn add_channel(&self, channel: &Arc<Channel>) -> Result {
        let mut channels = self.0.channels.lock();
        let channels = (*channels).as_mut().ok_or(ENODEV)?;
        channels.add(channel.clone())?;
        channels.announce(channel);
        Ok(())
    }

    /// Names the directory of a channel after its relid, which has changed.
    pub(crate) fn rename_channel(&self, channel: &Channel) -> Result {
        let channels = self.0.channels.lock();
        channels.as_ref().ok_or(ENODEV)?.rename(channel)
    }

    /// Removes the directory of a sub-channel, if it is still there.
    pub(crate) fn remove_channel(&self, channel: &Channel) {
        let mut channels = self.0.channels.lock();
        let directory = (*channels)
            .as_mut()
            .and_then(|channels| channels.remove(channel));
        // Removal waits for those who use the directory: not with the lock held.
        drop(channels);
        drop(directory);
    }

    /// Makes the directory of the primary channel.
    ///
    /// # Safety
    ///
    /// The device must be in sysfs, and [`Self::unregister`] must be called before it leaves.
    pub(super) unsafe fn make_channels(&self) -> Result {
        // SAFETY: The device is valid.
        let kobj = unsafe { &raw mut (*self.as_raw()).kobj };
        // SAFETY: By the safety requirement; unregistration drops them.
        let mut channels = unsafe { Channels::new(kobj) }?;
        channels.add(self.0.channel.clone())?;
        *self.0.channels.lock() = Some(channels);
        Ok(())
    }

    /// Makes a device that is not registered.
    fn new(channel: Arc<Channel>, parent: &device::Device) -> Result<ARef<Self>> {
        let instance = channel.instance();
        let inner = KBox::pin_init(Inner::new(channel), GFP_KERNEL)?;
        // SAFETY: The pointer of a box is not null.
        let this = unsafe { NonNull::new_unchecked(inner.into_foreign().cast::<Self>()) };
        // SAFETY: The device was just allocated.
        let dev = unsafe { this.as_ref() }.as_raw();
        // SAFETY: The structure is zeroed, and nobody else knows it.
        unsafe { bindings::device_initialize(dev) };
        // SAFETY: As above.
        unsafe { (*dev).release = Some(release) };
        // SAFETY: The initialisation has made a reference, and nobody else owns it. `release` frees
        // the box.
        let this = unsafe { ARef::from_raw(this) };

        // SAFETY: The pointer is valid for the format, which reads 16 bytes; the name is copied.
        to_result(unsafe {
            bindings::dev_set_name(
                dev,
                c"%pUl".as_char_ptr(),
                ptr::from_ref(instance.as_bytes()),
            )
        })?;
        // SAFETY: The structure is initialised, and nobody else knows it. What it is made to point
        // to is static, or lives as long, but for the parent: registration takes a reference to
        // that.
        unsafe {
            (*dev).bus = bus_type::as_raw();
            (*dev).parent = ptr::from_ref(parent).cast::<bindings::device>().cast_mut();
            (*dev).dma_mask = this.0.dma_mask.get();
            (*dev).dma_parms = this.0.dma_parms.get();
        }
        this.allow_all_addresses()?;
        Ok(this)
    }

    /// Lets the device reach all of memory.
    fn allow_all_addresses(&self) -> Result {
        // SAFETY: The device is valid, and nobody maps memory for it yet.
        to_result(unsafe { bindings::dma_set_mask(self.as_raw(), u64::MAX) })?;
        // SAFETY: As above.
        to_result(unsafe { bindings::dma_set_coherent_mask(self.as_raw(), u64::MAX) })
    }
}

/// Frees a device; called when its last reference is gone.
///
/// # Safety
///
/// As called by the driver core for a device of this bus.
unsafe extern "C" fn release(dev: *mut bindings::device) {
    // SAFETY: The device is in an `Inner`.
    let inner = unsafe { dev.byte_sub(offset_of!(Inner, device)) };
    // SAFETY: `Device::new` has made this of a box, which nobody uses any more.
    drop(unsafe { Pin::<KBox<Inner>>::from_foreign(inner.cast()) });
}

// SAFETY: The `kobject` of a device is in the C structure, and the table is used by the bus for its
// devices only, all of which are in a `Device`.
unsafe impl attribute::Directory for Device {
    const OFFSET: usize = Device::<device::Normal>::OFFSET + offset_of!(bindings::device, kobj);

    const SHOW_DEVICE: attribute::ShowDevice = Some(attribute::show_device);

    fn channel(&self) -> &Channel {
        &self.0.channel
    }
}

// SAFETY: `Device` is a transparent wrapper of `Inner`, and this is where the C structure is.
unsafe impl<Ctx: device::DeviceContext> device::AsBusDevice<Ctx> for Device<Ctx> {
    const OFFSET: usize = offset_of!(Inner, device);
}

// SAFETY: `Device` is a transparent wrapper of a type that does not depend on its context.
kernel::impl_device_context_deref!(unsafe { Device });
kernel::impl_device_context_into_aref!(Device);

// SAFETY: Devices are counted by the driver core.
unsafe impl AlwaysRefCounted for Device {
    fn inc_ref(&self) {
        // SAFETY: By the type invariant, the count is not zero.
        unsafe { bindings::get_device(self.as_raw()) };
    }

    unsafe fn dec_ref(this: NonNull<Self>) {
        // SAFETY: The caller owns a reference, so the device is valid.
        let dev = unsafe { this.as_ref() }.as_raw();
        // SAFETY: The caller gives its reference up.
        unsafe { bindings::put_device(dev) };
    }
}

impl<Ctx: device::DeviceContext> AsRef<device::Device<Ctx>> for Device<Ctx> {
    fn as_ref(&self) -> &device::Device<Ctx> {
        // SAFETY: The device is valid, and in the same context.
        unsafe { device::Device::from_raw(self.as_raw()) }
    }
}

impl<'a> dma::Device<'a> for Device<device::Core<'a>> {}

// SAFETY: A device can be released by any thread.
unsafe impl Send for Device {}

// SAFETY: What can be done with a shared reference is synchronised by the driver core, by the
// channel and by a mutex.
unsafe impl Sync for Device {}

// SAFETY: As for the normal context, which this differs from only by its type.
unsafe impl Sync for Device<device::Bound> {}
