// SPDX-License-Identifier: GPL-2.0

//! Files in sysfs that describe a channel: tables of them, and the glue to the C callbacks.
//!
//! A table is one use of [`attributes!`], a line per file. What such a line says is safe code: it
//! gives a value to display, or an error.
//!
//! C headers: [`include/linux/sysfs.h`](srctree/include/linux/sysfs.h),
//! [`include/linux/device.h`](srctree/include/linux/device.h)

use super::{
    constant::Constant,
    device::Device, //
};
use crate::{
    bindings,
    channel::Channel, //
};
use core::{
    fmt,
    mem::offset_of,
    ptr, //
};
use kernel::{
    error::from_result,
    page::PAGE_SIZE,
    prelude::*,
    str::as_char_ptr_in_const_context, //
};

/// What a `show` callback writes. Like `sysfs_emit()`, it drops what is too long for a page.
pub(super) struct Page<'a> {
    buffer: &'a mut [u8],
    used: usize,
}

impl fmt::Write for Page<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let (_, room) = self.buffer.split_at_mut(self.used);
        let count = room.len().min(text.len());
        room[..count].copy_from_slice(&text.as_bytes()[..count]);
        self.used += count;
        Ok(())
    }
}

/// Answers a `show` callback of C.
///
/// # Safety
///
/// `buffer` must be the one of the callback.
pub(super) unsafe fn emit(
    buffer: *mut c_char,
    show: impl FnOnce(&mut Page<'_>) -> Result,
) -> isize {
    // The last byte of the page stays 0.
    //
    // SAFETY: sysfs hands a zeroed page to the callback, which is its only user until it returns.
    let buffer = unsafe { core::slice::from_raw_parts_mut(buffer.cast(), PAGE_SIZE - 1) };
    let mut page = Page { buffer, used: 0 };
    from_result(|| {
        show(&mut page)?;
        // CAST: `used` is less than a page.
        Ok(page.used as isize)
    })
}

/// Answers a `store` callback of C.
///
/// # Safety
///
/// `buffer` and `count` must be those of the callback.
pub(super) unsafe fn accept(
    buffer: *const c_char,
    count: usize,
    store: impl FnOnce(&[u8]) -> Result,
) -> isize {
    // SAFETY: sysfs has copied `count` bytes there, which nobody writes to until the callback
    // returns.
    let text = unsafe { core::slice::from_raw_parts(buffer.cast(), count) };
    from_result(|| {
        store(text)?;
        // CAST: sysfs writes a page at most.
        Ok(count as isize)
    })
}

/// An object with a directory in sysfs that describes a channel.
///
/// # Safety
///
/// There must be a `kobject` at [`OFFSET`](Self::OFFSET) in `Self`, and a table made for `Self` must
/// only be used for `kobject`s that are in a valid `Self` for as long as they are in sysfs.
pub(super) unsafe trait Directory: Sized {
    /// Where in `Self` the `kobject` is.
    const OFFSET: usize;

    /// How the driver core reads a file of the directory, where that is a device's.
    const SHOW_DEVICE: ShowDevice = None;

    /// The channel.
    fn channel(&self) -> &Channel;
}

/// `show` of `struct device_attribute`.
pub(super) type ShowDevice = Option<
    unsafe extern "C" fn(
        *mut bindings::device,
        *mut bindings::device_attribute,
        *mut c_char,
    ) -> isize,
>;

/// Writes the contents of a file.
type Show = fn(&Channel, &mut Page<'_>) -> Result;

/// Acts upon what is written to a file.
type Store = fn(&Channel, &[u8]) -> Result;

/// A file.
#[repr(C)]
pub(super) struct Attribute {
    // Files of a channel use nothing but the `attribute` in it.
    raw: bindings::device_attribute,
    show: Show,
    store: Option<Store>,
    visible: Option<fn(&Channel) -> bool>,
}

// SAFETY: Nothing writes to an attribute, and its pointers are to static data.
unsafe impl Sync for Attribute {}

impl Attribute {
    /// A file in the directory of a `D` that everybody can read.
    pub(super) const fn new<D: Directory>(name: &'static CStr, show: Show) -> Self {
        let mut raw: bindings::device_attribute = pin_init::zeroed();
        raw.attr.name = as_char_ptr_in_const_context(name);
        raw.attr.mode = 0o444;
        raw.__bindgen_anon_1.show = D::SHOW_DEVICE;
        Self {
            raw,
            show,
            store: None,
            visible: None,
        }
    }

    /// The same file, which its owner can write, too.
    pub(super) const fn writable(mut self, store: Store) -> Self {
        self.raw.attr.mode = 0o644;
        self.store = Some(store);
        self
    }

    /// The same file, which only some channels have.
    pub(super) const fn visible_if(mut self, visible: fn(&Channel) -> bool) -> Self {
        self.visible = Some(visible);
        self
    }

    /// Gets back from C's view of the file.
    ///
    /// # Safety
    ///
    /// `attr` must be the one in an `Attribute` of a table.
    unsafe fn from_raw(attr: *mut bindings::attribute) -> &'static Self {
        const OFFSET: usize =
            offset_of!(Attribute, raw) + offset_of!(bindings::device_attribute, attr);
        // SAFETY: By the safety requirement; tables are static.
        unsafe { &*attr.byte_sub(OFFSET).cast() }
    }
}

/// `show` of the `sysfs_ops` of a `D`.
///
/// # Safety
///
/// As called by sysfs for a file of a table made for `D`.
pub(super) unsafe extern "C" fn show<D: Directory>(
    kobj: *mut bindings::kobject,
    attr: *mut bindings::attribute,
    buffer: *mut c_char,
) -> isize {
    // SAFETY: The `kobject` is in a `D`, and in sysfs until this callback returns.
    let directory = unsafe { &*kobj.byte_sub(D::OFFSET).cast::<D>() };
    // SAFETY: The file is one of a table.
    let attribute = unsafe { Attribute::from_raw(attr) };
    // SAFETY: The buffer is that of this callback.
    unsafe { emit(buffer, |page| (attribute.show)(directory.channel(), page)) }
}

/// `store` of the `sysfs_ops` of a `D`.
///
/// # Safety
///
/// As called by sysfs for a file of a table made for `D`.
pub(super) unsafe extern "C" fn store<D: Directory>(
    kobj: *mut bindings::kobject,
    attr: *mut bindings::attribute,
    buffer: *const c_char,
    count: usize,
) -> isize {
    // SAFETY: The `kobject` is in a `D`, and in sysfs until this callback returns.
    let directory = unsafe { &*kobj.byte_sub(D::OFFSET).cast::<D>() };
    // SAFETY: The file is one of a table.
    let attribute = unsafe { Attribute::from_raw(attr) };
    let store = |text: &[u8]| attribute.store.ok_or(EIO)?(directory.channel(), text);
    // SAFETY: The buffer is that of this callback.
    unsafe { accept(buffer, count, store) }
}

/// `show` of the files of a device.
///
/// # Safety
///
/// As called by the driver core for a file of a table made for [`Device`].
pub(super) unsafe extern "C" fn show_device(
    dev: *mut bindings::device,
    attr: *mut bindings::device_attribute,
    buffer: *mut c_char,
) -> isize {
    // SAFETY: The driver core passes valid pointers.
    let (kobj, attr) = unsafe { (&raw mut (*dev).kobj, &raw mut (*attr).attr) };
    // SAFETY: By the safety requirement.
    unsafe { show::<Device>(kobj, attr, buffer) }
}

/// The mode of a file in the directory of a `D`: 0 where the channel does not have it.
///
/// # Safety
///
/// As called by sysfs for a file of a table made for `D`.
unsafe extern "C" fn mode<D: Directory>(
    kobj: *mut bindings::kobject,
    attr: *mut bindings::attribute,
    _index: c_int,
) -> bindings::umode_t {
    // SAFETY: The `kobject` is in a `D`, and in sysfs until this callback returns.
    let directory = unsafe { &*kobj.byte_sub(D::OFFSET).cast::<D>() };
    // SAFETY: The file is one of a table.
    let attribute = unsafe { Attribute::from_raw(attr) };
    match attribute.visible {
        Some(visible) if !visible(directory.channel()) => 0,
        _ => attribute.raw.attr.mode,
    }
}

/// The files of a directory, as C takes them: pointers, the last of which is null.
pub(super) type Files<const N: usize> = Constant<[*const bindings::attribute; N]>;

/// The files of a directory and who can see them.
pub(super) type Group = Constant<bindings::attribute_group>;

/// The groups of files in a directory, as C takes them: pointers, the last of which is null.
pub(super) type Groups = Constant<[*const bindings::attribute_group; 2]>;

/// The files of a table. `N` is one more than their number.
pub(super) const fn files<const COUNT: usize, const N: usize>(
    table: &'static [Attribute; COUNT],
) -> Files<N> {
    assert!(N == COUNT + 1);
    let mut pointers = [ptr::null(); N];
    let mut i = 0;
    while i < COUNT {
        pointers[i] = &raw const table[i].raw.attr;
        i += 1;
    }
    // SAFETY: The table is static, and sysfs does not write to attributes.
    unsafe { Constant::new(pointers) }
}

/// The group of the files of a table made for `D`.
pub(super) const fn group<D: Directory, const N: usize>(files: &'static Files<N>) -> Group {
    let mut group = plain_group(files);
    group.__bindgen_anon_1.is_visible = Some(mode::<D>);
    // SAFETY: The files are static, and sysfs does not write to groups.
    unsafe { Constant::new(group) }
}

/// The group of files of another kind.
pub(super) const fn plain_group<const N: usize>(
    files: &'static Files<N>,
) -> bindings::attribute_group {
    let mut group: bindings::attribute_group = pin_init::zeroed();
    group.__bindgen_anon_2.attrs = files.get().as_ptr().cast_mut().cast();
    group
}

/// The list that has only `group` in it.
pub(super) const fn groups(group: &'static Group) -> Groups {
    // SAFETY: The group is static, and sysfs does not write to such lists.
    unsafe { Constant::new([&raw const *group.get(), ptr::null()]) }
}

/// Declares the files of the directories of one type.
///
/// A line is `name => |channel| value;`: the file holds `value` and a newline, or cannot be read
/// where the evaluation of `value` returns an error. After the name, `if condition` takes the file
/// away from channels for which that function is false, and `store function` makes it writable.
macro_rules! attributes {
    (
        $(#[$meta:meta])*
        $vis:vis static $table:ident: $directory:ty = {
            $(
                $(#[$file_meta:meta])*
                $name:ident $(if $visible:ident)? $(store $store:ident)?
                    => |$channel:pat_param| $value:expr;
            )*
        }
    ) => {
        $(#[$meta])*
        $vis static $table: $crate::bus::attribute::Groups = {
            use ::core::fmt::Write as _;
            use $crate::bus::attribute::{
                files,
                group,
                groups,
                Attribute,
                Files,
                Group, //
            };

            const COUNT: usize = <[()]>::len(&[$($(#[$file_meta])* ()),*]);
            static TABLE: [Attribute; COUNT] = [$(
                $(#[$file_meta])*
                Attribute::new::<$directory>(
                    ::kernel::c_str!(stringify!($name)),
                    |$channel, page| Ok(::core::writeln!(page, "{}", $value)?),
                )
                $(.visible_if($visible))?
                $(.writable($store))?
            ),*];
            static FILES: Files<{ COUNT + 1 }> = files(&TABLE);
            static GROUP: Group = group::<$directory, { COUNT + 1 }>(&FILES);
            groups(&GROUP)
        };
    };
}
pub(super) use attributes;
