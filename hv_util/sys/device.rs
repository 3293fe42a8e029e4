// SPDX-License-Identifier: GPL-2.0

//! Devices in `/dev` through which messages are read and written.
//!
//! What is open stays usable after the device is gone, with errors: a file refers to what is behind
//! the device, and to the module that these callbacks are in, but not to the device.
//!
//! C headers: [`include/linux/miscdevice.h`](srctree/include/linux/miscdevice.h),
//! [`include/linux/fs.h`](srctree/include/linux/fs.h),
//! [`include/linux/poll.h`](srctree/include/linux/poll.h)

use core::{
    marker::PhantomData,
    mem::offset_of, //
};
use kernel::{
    error::{
        from_result,
        to_result, //
    },
    fs::File,
    module::this_module,
    prelude::*,
    sync::{
        poll::{
            PollCondVar,
            PollTable, //
        },
        Arc, //
    },
    types::Opaque,
    uaccess::{
        UserPtr,
        UserSlice, //
    }, //
};
use vmbus::bindings;

/// What a poll says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readiness {
    /// A read would wait.
    Nothing,
    /// There is a message to be read.
    Readable,
    /// There will not be any more.
    HungUp,
}

impl Readiness {
    /// The events, as `include/uapi/linux/eventpoll.h` numbers them.
    const fn events(self) -> bindings::__poll_t {
        const IN: bindings::__poll_t = 0x001;
        const ERR: bindings::__poll_t = 0x008;
        const HUP: bindings::__poll_t = 0x010;
        const RDNORM: bindings::__poll_t = 0x040;

        match self {
            Self::Nothing => 0,
            Self::Readable => IN | RDNORM,
            Self::HungUp => ERR | HUP,
        }
    }
}

/// What is behind a device. All of it is called in process context.
pub(crate) trait FileOperations: Send + Sync + 'static {
    /// Somebody opens the device.
    ///
    /// # Errors
    ///
    /// Those of `open(2)`.
    fn open(&self) -> Result;

    /// Somebody has closed it for the last time.
    fn release(&self);

    /// Waits for a message of at most `room` bytes, and takes it.
    ///
    /// # Errors
    ///
    /// Those of `read(2)`.
    fn read(&self, room: usize) -> Result<KVec<u8>>;

    /// How much of a message of `len` bytes [`Self::write`] wants to have.
    ///
    /// # Errors
    ///
    /// Those of `write(2)`.
    fn wanted(&self, len: usize) -> Result<usize>;

    /// Somebody writes a message.
    ///
    /// # Errors
    ///
    /// Those of `write(2)`.
    fn write(&self, message: KVec<u8>) -> Result;

    /// What is notified when [`Self::readiness`] changes.
    fn changes(&self) -> &PollCondVar;

    /// What a poll says.
    fn readiness(&self) -> Readiness;
}

#[pin_data]
#[repr(C)]
struct Inner<T> {
    #[pin]
    device: Opaque<bindings::miscdevice>,
    target: Arc<T>,
}

/// A device that can be opened. Dropping it removes it; who has it open keeps that.
pub(crate) struct Node<T>(Pin<KBox<Inner<T>>>);

// SAFETY: A device may be removed by any thread, and the target may be shared.
unsafe impl<T: FileOperations> Send for Node<T> {}

impl<T: FileOperations> Node<T> {
    /// Adds a device to `/dev`, for root only.
    ///
    /// # Errors
    ///
    /// `EEXIST` if there is one of that name; `ENOMEM`, `EBUSY`.
    pub(crate) fn register(name: &'static CStr, target: Arc<T>) -> Result<Self> {
        let device = bindings::miscdevice {
            // CAST: The kernel's constant has another type than its field.
            minor: bindings::MISC_DYNAMIC_MINOR as c_int,
            name: name.as_char_ptr(),
            fops: Callbacks::<T>::table(),
            ..pin_init::zeroed()
        };
        let inner = KBox::pin_init(
            pin_init!(Inner {
                device: Opaque::new(device),
                target,
            }),
            GFP_KERNEL,
        )?;
        // SAFETY: The structure is complete, and stays in place until the device is removed.
        to_result(unsafe { bindings::misc_register(inner.device.get()) })?;
        Ok(Self(inner))
    }
}

impl<T> Drop for Node<T> {
    fn drop(&mut self) {
        // SAFETY: The device was registered, and nobody else removes it.
        unsafe { bindings::misc_deregister(self.0.device.get()) };
    }
}

/// The callbacks for files whose private data is an `Arc<T>`.
struct Callbacks<T>(PhantomData<T>);

impl<T: FileOperations> Callbacks<T> {
    const TABLE: bindings::file_operations = bindings::file_operations {
        owner: this_module::<crate::module::UtilsModule>().as_ptr(),
        open: Some(Self::open),
        release: Some(Self::release),
        read: Some(Self::read),
        write: Some(Self::write),
        poll: Some(Self::poll),
        ..pin_init::zeroed()
    };

    const fn table() -> &'static bindings::file_operations {
        &Self::TABLE
    }

    /// # Safety
    ///
    /// As called for a file that is being opened, of a device that [`Node::register`] has made.
    unsafe extern "C" fn open(_: *mut bindings::inode, file: *mut bindings::file) -> c_int {
        // SAFETY: The file is valid, and only we use its private data.
        let device = unsafe { (*file).private_data }.cast::<bindings::miscdevice>();
        // SAFETY: The private data of a file that is being opened is its device, which is in an
        // `Inner<T>`.
        let inner = unsafe { device.byte_sub(offset_of!(Inner<T>, device)) }.cast::<Inner<T>>();
        // SAFETY: The device is not removed before the file has been opened.
        let target = unsafe { &(*inner).target };
        from_result(|| {
            target.open()?;
            let target = Arc::into_raw(target.clone()).cast_mut().cast();
            // SAFETY: As above.
            unsafe { (*file).private_data = target };
            Ok(0)
        })
    }

    /// What is behind a file.
    ///
    /// # Safety
    ///
    /// The file was opened by [`Self::open`], and is not released during `'a`.
    unsafe fn target<'a>(file: *mut bindings::file) -> &'a T {
        // SAFETY: `open` has put the pointer there, with a reference that `release` gives up.
        unsafe { &*(*file).private_data.cast::<T>() }
    }

    /// # Safety
    ///
    /// As called for a file that was opened by [`Self::open`] and that nobody uses any more.
    unsafe extern "C" fn release(_: *mut bindings::inode, file: *mut bindings::file) -> c_int {
        // SAFETY: The file is valid.
        let target = unsafe { (*file).private_data }.cast::<T>().cast_const();
        // SAFETY: The pointer is from `Arc::into_raw`, and nobody uses it any more.
        let target = unsafe { Arc::from_raw(target) };
        target.release();
        0
    }

    /// # Safety
    ///
    /// As called for a file that was opened by [`Self::open`].
    unsafe extern "C" fn read(
        file: *mut bindings::file,
        buffer: *mut c_char,
        room: usize,
        _: *mut bindings::loff_t,
    ) -> isize {
        // SAFETY: By the safety requirement.
        let target = unsafe { Self::target(file) };
        from_result(|| {
            let message = target.read(room)?;
            let buffer = UserSlice::new(UserPtr::from_ptr(buffer.cast()), message.len());
            buffer.writer().write_slice(&message)?;
            Ok(isize::try_from(message.len())?)
        })
    }

    /// # Safety
    ///
    /// As called for a file that was opened by [`Self::open`].
    unsafe extern "C" fn write(
        file: *mut bindings::file,
        buffer: *const c_char,
        len: usize,
        _: *mut bindings::loff_t,
    ) -> isize {
        // SAFETY: By the safety requirement.
        let target = unsafe { Self::target(file) };
        from_result(|| {
            let wanted = target.wanted(len)?;
            let mut message = KVec::with_capacity(wanted, GFP_KERNEL)?;
            let buffer = UserPtr::from_ptr(buffer.cast_mut().cast());
            UserSlice::new(buffer, wanted).read_all(&mut message, GFP_KERNEL)?;
            target.write(message)?;
            Ok(isize::try_from(len)?)
        })
    }

    /// # Safety
    ///
    /// As called for a file that was opened by [`Self::open`].
    unsafe extern "C" fn poll(
        file: *mut bindings::file,
        table: *mut bindings::poll_table_struct,
    ) -> bindings::__poll_t {
        // SAFETY: By the safety requirement.
        let target = unsafe { Self::target(file) };
        // SAFETY: The pointer is null or valid during the call.
        let table = unsafe { PollTable::from_raw(table) };
        // SAFETY: The file is valid during the call, and there is no such operation on its position
        // under way: it has none.
        let file = unsafe { File::from_raw_file(file) };
        table.register_wait(file, target.changes());
        target.readiness().events()
    }
}
