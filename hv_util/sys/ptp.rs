// SPDX-License-Identifier: GPL-2.0

//! Clocks for the precision time protocol that can be read and nothing else: `/dev/ptp*`.
//!
//! C header: [`include/linux/ptp_clock_kernel.h`](srctree/include/linux/ptp_clock_kernel.h)

use super::clock::timespec;
use core::{
    mem::offset_of,
    ptr::NonNull, //
};
use kernel::{
    error::{
        from_err_ptr,
        from_result, //
    },
    module::this_module,
    prelude::*,
    sync::Arc,
    types::Opaque, //
};
use vmbus::bindings;

/// What knows the time.
pub(crate) trait Source: Send + Sync + 'static {
    /// The name of the clock, which no other kind of clock has.
    const NAME: &'static CStr;

    /// What time it is, in nanoseconds since 1970.
    ///
    /// # Errors
    ///
    /// Those that the reader of the clock gets.
    fn now(&self) -> Result<i64>;
}

/// What the kernel knows of a clock.
#[pin_data]
#[repr(C)]
struct Inner<T> {
    #[pin]
    info: Opaque<bindings::ptp_clock_info>,
    source: Arc<T>,
}

/// A clock that is registered. Dropping it removes the clock; whoever has it open gets errors then.
pub(crate) struct Clock<T> {
    clock: NonNull<bindings::ptp_clock>,
    _inner: Pin<KBox<Inner<T>>>,
}

// SAFETY: A clock may be unregistered by any thread, and the source may be shared.
unsafe impl<T: Source> Send for Clock<T> {}

impl<T: Source> Clock<T> {
    /// Registers a clock that shows what `source` says.
    ///
    /// # Errors
    ///
    /// `ENODEV` if the kernel has no such clocks; `ENOMEM` and others.
    pub(crate) fn register(source: Arc<T>) -> Result<Self> {
        let inner = KBox::pin_init(
            pin_init!(Inner {
                info: Opaque::new(Self::info()),
                source,
            }),
            GFP_KERNEL,
        )?;
        // SAFETY: The structure is complete, and stays in place until the clock is unregistered.
        let clock = from_err_ptr(unsafe { bindings::hv_rust_util_ptp_register(inner.info.get()) })?;
        Ok(Self {
            clock: NonNull::new(clock).ok_or(ENODEV)?,
            _inner: inner,
        })
    }

    fn info() -> bindings::ptp_clock_info {
        let mut info = bindings::ptp_clock_info {
            owner: this_module::<crate::module::UtilsModule>().as_ptr(),
            enable: Some(enable),
            adjtime: Some(adjust_time),
            adjfine: Some(adjust_rate),
            gettime64: Some(Self::get_time),
            settime64: Some(set_time),
            ..pin_init::zeroed()
        };
        // The last byte remains for the terminator.
        let room = info.name.len() - 1;
        for (to, from) in info.name.iter_mut().take(room).zip(T::NAME.to_bytes()) {
            // CAST: C may have signed characters.
            *to = *from as c_char;
        }
        info
    }

    /// Tells the time.
    ///
    /// # Safety
    ///
    /// As called by the kernel for a clock that [`Self::register`] has made.
    unsafe extern "C" fn get_time(
        info: *mut bindings::ptp_clock_info,
        time: *mut bindings::timespec64,
    ) -> c_int {
        // SAFETY: The structure is in an `Inner<T>`.
        let inner = unsafe { info.byte_sub(offset_of!(Inner<T>, info)).cast::<Inner<T>>() };
        // SAFETY: The kernel calls this for as long as the clock is registered, and no longer.
        let source = unsafe { &(*inner).source };
        from_result(|| {
            let now = source.now()?;
            // SAFETY: The pointer is good for what the caller wants to know.
            unsafe { *time = timespec(now) };
            Ok(0)
        })
    }
}

impl<T> Drop for Clock<T> {
    fn drop(&mut self) {
        // SAFETY: The clock was registered, and nobody else unregisters it.
        unsafe { bindings::hv_rust_util_ptp_unregister(self.clock.as_ptr()) };
    }
}

extern "C" fn enable(
    _: *mut bindings::ptp_clock_info,
    _: *mut bindings::ptp_clock_request,
    _: c_int,
) -> c_int {
    EOPNOTSUPP.to_errno()
}

extern "C" fn adjust_time(_: *mut bindings::ptp_clock_info, _: i64) -> c_int {
    EOPNOTSUPP.to_errno()
}

extern "C" fn adjust_rate(_: *mut bindings::ptp_clock_info, _: c_long) -> c_int {
    EOPNOTSUPP.to_errno()
}

extern "C" fn set_time(_: *mut bindings::ptp_clock_info, _: *const bindings::timespec64) -> c_int {
    EOPNOTSUPP.to_errno()
}
