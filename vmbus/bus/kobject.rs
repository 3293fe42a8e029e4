// SPDX-License-Identifier: GPL-2.0

//! The directories of a device's channels, `channels/<relid>/`.
//!
//! C header: [`include/linux/kobject.h`](srctree/include/linux/kobject.h)

use super::{
    attribute,
    channel_attributes,
    constant::Constant, //
};
use crate::{
    bindings,
    channel::Channel, //
};
use core::{
    mem::offset_of,
    ptr::{
        self,
        NonNull, //
    }, //
};
use kernel::{
    error::to_result,
    prelude::*,
    str::CString,
    sync::Arc,
    types::Opaque, //
};

static SYSFS_OPS: Constant<bindings::sysfs_ops> = {
    let ops = bindings::sysfs_ops {
        show: Some(attribute::show::<ChannelObject>),
        store: Some(attribute::store::<ChannelObject>),
    };
    // SAFETY: Its pointers are to functions, and `sysfs_ops` are constant for C, too.
    unsafe { Constant::new(ops) }
};

static CHANNEL_TYPE: Constant<bindings::kobj_type> = {
    let mut kind: bindings::kobj_type = pin_init::zeroed();
    kind.release = Some(release);
    kind.sysfs_ops = &raw const *SYSFS_OPS.get();
    kind.default_groups = channel_attributes::GROUPS.get().as_ptr().cast_mut();
    // SAFETY: Its pointers are to functions and statics, and a `kobj_type` is constant for C, too.
    unsafe { Constant::new(kind) }
};

/// A channel with the `kobject` that its directory belongs to.
#[repr(C)]
pub(super) struct ChannelObject {
    kobj: Opaque<bindings::kobject>,
    channel: Arc<Channel>,
}

// SAFETY: There is a `kobject` at `OFFSET`, and the table is used by `CHANNEL_TYPE` only, whose
// `kobject`s are all in a `ChannelObject`.
unsafe impl attribute::Directory for ChannelObject {
    const OFFSET: usize = offset_of!(Self, kobj);

    fn channel(&self) -> &Channel {
        &self.channel
    }
}

/// Frees a channel's object; called when its last reference is gone.
///
/// # Safety
///
/// As called by the reference count of a `kobject` in a [`ChannelObject`].
unsafe extern "C" fn release(kobj: *mut bindings::kobject) {
    const OFFSET: usize = offset_of!(ChannelObject, kobj);
    // SAFETY: The `kobject` is in a `ChannelObject` that was allocated by `ChannelDirectory::new`.
    drop(unsafe { KBox::<ChannelObject>::from_raw(kobj.byte_sub(OFFSET).cast()) });
}

/// The directory `channels` of a device.
///
/// # Invariants
///
/// The pointer is to a registered kset, of which one reference is owned.
struct ChannelSet(NonNull<bindings::kset>);

impl ChannelSet {
    /// Makes the directory.
    ///
    /// # Safety
    ///
    /// `parent` must be in sysfs.
    unsafe fn new(parent: *mut bindings::kobject) -> Result<Self> {
        // SAFETY: By the safety requirement; the name is copied.
        let set = unsafe {
            bindings::kset_create_and_add(c"channels".as_char_ptr(), ptr::null(), parent)
        };
        // INVARIANT: The kset was just registered and is not known to anybody else.
        NonNull::new(set).map(Self).ok_or(ENOMEM)
    }
}

impl Drop for ChannelSet {
    fn drop(&mut self) {
        // SAFETY: By the type invariant.
        unsafe { bindings::kset_unregister(self.0.as_ptr()) };
    }
}

/// The directory of a channel. It is removed when this is dropped, after the end of those reads
/// and writes of its files that are under way.
///
/// # Invariants
///
/// The pointer is to a valid object whose `kobject` is in sysfs and of which one reference is owned.
struct ChannelDirectory(NonNull<ChannelObject>);

impl ChannelDirectory {
    /// Makes the directory and its files. User space is told by [`Self::announce`].
    fn new(set: &ChannelSet, channel: Arc<Channel>) -> Result<Self> {
        let relid: c_uint = channel.relid();
        let object = ChannelObject {
            kobj: Opaque::zeroed(),
            channel,
        };
        let object = NonNull::from(KBox::leak(KBox::new(object, GFP_KERNEL)?));
        // SAFETY: The object was just allocated.
        let kobj = unsafe { object.as_ref() }.kobj.get();
        // SAFETY: Nobody else knows the `kobject` yet.
        unsafe { (*kobj).kset = set.0.as_ptr() };
        // SAFETY: The `kobject` is zeroed but for its kset, which is registered, and stays in place
        // until `release`.
        let result = to_result(unsafe {
            bindings::kobject_init_and_add(
                kobj,
                CHANNEL_TYPE.get(),
                ptr::null_mut(),
                c"%u".as_char_ptr(),
                relid,
            )
        });
        if let Err(error) = result {
            // SAFETY: This is the reference that the initialisation made; the object is not used
            // any more.
            unsafe { bindings::kobject_put(kobj) };
            return Err(error);
        }
        // INVARIANT: The `kobject` was just added, and its first reference is passed on.
        Ok(Self(object))
    }

    /// The object.
    fn object(&self) -> &ChannelObject {
        // SAFETY: By the type invariant.
        unsafe { self.0.as_ref() }
    }

    /// Names the directory after the channel's relid.
    fn rename(&self) -> Result {
        let name = CString::try_from_fmt(fmt!("{}", self.object().channel.relid()))?;
        // SAFETY: By the type invariant, the `kobject` is in sysfs; the name is copied. Only the
        // owner of this renames it, who has it borrowed with a lock held.
        to_result(unsafe { bindings::kobject_rename(self.object().kobj.get(), name.as_char_ptr()) })
    }

    /// Tells user space about the channel.
    fn announce(&self) {
        // SAFETY: By the type invariant, the `kobject` is in sysfs.
        unsafe {
            bindings::kobject_uevent(self.object().kobj.get(), bindings::kobject_action_KOBJ_ADD)
        };
    }
}

impl Drop for ChannelDirectory {
    fn drop(&mut self) {
        let kobj = self.object().kobj.get();
        // SAFETY: By the type invariant, the `kobject` is in sysfs.
        unsafe { bindings::kobject_del(kobj) };
        // SAFETY: By the type invariant, this reference is owned; it is not used any more.
        unsafe { bindings::kobject_put(kobj) };
    }
}

// SAFETY: A `kobject` can be used and removed by any thread, and so can the channel.
unsafe impl Send for ChannelDirectory {}

// SAFETY: Like the driver core's own, they can be used and removed by any thread.
unsafe impl Send for ChannelSet {}

/// The directory `channels` of a device, with a directory in it for each of its channels.
pub(super) struct Channels {
    // Removed in this order.
    directories: KVec<ChannelDirectory>,
    set: ChannelSet,
}

impl Channels {
    /// Makes the directory. User space is not told.
    ///
    /// # Safety
    ///
    /// `parent` must be in sysfs, and stay there until the result is dropped.
    pub(super) unsafe fn new(parent: *mut bindings::kobject) -> Result<Self> {
        Ok(Self {
            directories: KVec::new(),
            // SAFETY: By the safety requirement.
            set: unsafe { ChannelSet::new(parent) }?,
        })
    }

    /// Makes the directory of a channel. User space is told by [`Self::announce`].
    pub(super) fn add(&mut self, channel: Arc<Channel>) -> Result {
        self.directories.reserve(1, GFP_KERNEL)?;
        let directory = ChannelDirectory::new(&self.set, channel)?;
        Ok(self.directories.push(directory, GFP_KERNEL)?)
    }

    /// Tells user space about a channel.
    pub(super) fn announce(&self, channel: &Channel) {
        if let Some(index) = self.position(channel) {
            self.directories[index].announce();
        }
    }

    /// Names the directory of a channel after its relid.
    pub(super) fn rename(&self, channel: &Channel) -> Result {
        let index = self.position(channel).ok_or(ENODEV)?;
        self.directories[index].rename()
    }

    /// Gives out the directory of a channel, for the caller to drop.
    pub(super) fn remove(&mut self, channel: &Channel) -> Option<impl Drop> {
        let index = self.position(channel)?;
        self.directories.remove(index).ok()
    }

    fn position(&self, channel: &Channel) -> Option<usize> {
        let mut directories = self.directories.iter();
        directories.position(|directory| ptr::eq(&*directory.object().channel, channel))
    }
}
