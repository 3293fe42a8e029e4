// SPDX-License-Identifier: GPL-2.0

//! Pages that the host reads and writes: those of the SynIC, the interrupt page, the monitor pages.
//!
//! Everything in them may change at any moment, so that there are no references into them, only
//! copies and atomic operations. The atomic operations have to be atomic for another virtual
//! machine's processors, too: on a machine with one CPU the kernel patches the lock prefixes out
//! of its own, so these are the `sync_` ones, or exchanges, which lock by themselves.

use core::ptr::NonNull;

use kernel::{
    prelude::*,
    sync::atomic::{
        Acquire,
        Full,
        Relaxed, //
    },
};

use crate::{
    bindings,
    sync::Atomic,
    wire::HV_PAGE_SIZE, //
};

/// A page of memory, zero at first, that the host has access to.
///
/// # Invariants
///
/// The pointer is to a page of at least [`HV_PAGE_SIZE`] bytes, aligned to its size, that this
/// object owns.
pub(crate) struct SharedPage(NonNull<u8>);

// SAFETY: The page belongs to the object, whatever the task.
unsafe impl Send for SharedPage {}

// SAFETY: All access by shared references is by atomic or volatile operations on raw pointers.
unsafe impl Sync for SharedPage {}

impl SharedPage {
    /// Allocates a page, close to this CPU if possible.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn new() -> Result<Self> {
        // SAFETY: The flags are those of an ordinary allocation that may sleep.
        let address = unsafe {
            bindings::get_free_pages_noprof(bindings::GFP_KERNEL | bindings::__GFP_ZERO, 0)
        };
        // INVARIANT: The page was just allocated.
        NonNull::new(address as *mut u8).map(Self).ok_or(ENOMEM)
    }

    /// Its address, as the hypervisor counts.
    pub(crate) fn address(&self) -> u64 {
        // SAFETY: The pointer is into the kernel's direct mapping.
        unsafe { bindings::hv_rust_virt_to_phys(self.0.as_ptr().cast()) }
    }

    /// A pointer to a `T` at `offset`.
    fn at<T>(&self, offset: usize) -> *mut T {
        assert!(offset % align_of::<T>() == 0 && offset <= HV_PAGE_SIZE - size_of::<T>());
        // SAFETY: `offset` was checked to be inside the page.
        unsafe { self.0.as_ptr().add(offset).cast() }
    }

    /// Reads the 32-bit number at `offset`, before anything that comes after it.
    pub(crate) fn load_u32(&self, offset: usize) -> u32 {
        // SAFETY: `at` returns an aligned pointer into the page; only atomic operations access it.
        unsafe { Atomic::from_ptr(self.at::<u32>(offset)) }.load(Acquire)
    }

    /// Reads the 16-bit number at `offset`.
    pub(crate) fn load_u16(&self, offset: usize) -> u16 {
        // SAFETY: `at` returns an aligned pointer into the page, and any bytes are a number.
        unsafe { self.at::<u16>(offset).read_volatile() }
    }

    /// Takes what is in the 64-bit word at `offset` and leaves zero.
    #[inline]
    pub(crate) fn take_u64(&self, offset: usize) -> u64 {
        // SAFETY: As in `load_u32`.
        let word = unsafe { Atomic::from_ptr(self.at::<u64>(offset)) };
        if word.load(Relaxed) == 0 {
            return 0;
        }
        word.xchg(0, Full)
    }

    /// Replaces the 32-bit number at `offset`.
    pub(crate) fn swap_u32(&self, offset: usize, value: u32) -> u32 {
        // SAFETY: As in `load_u32`.
        unsafe { Atomic::from_ptr(self.at::<u32>(offset)) }.xchg(value, Full)
    }

    /// Sets bit `bit`, counted from the least significant one of the 64-bit word at `offset`; no
    /// effect when that is outside the page.
    #[inline]
    pub(crate) fn set_bit(&self, offset: usize, bit: usize) {
        let word = offset + bit / 64 * 8;
        if word > HV_PAGE_SIZE - 8 {
            return;
        }
        // SAFETY: `at` returns an aligned pointer into the page, and the bit is in its word.
        unsafe { bindings::hv_rust_sync_set_bit((bit % 64) as u32, self.at::<u64>(word)) };
    }

    /// Copies the bytes at `offset` out of the page.
    pub(crate) fn copy_out<const N: usize>(&self, offset: usize) -> [u8; N] {
        let mut copy = [0; N];
        let source = self.at::<[u8; N]>(offset).cast::<u8>();
        // SAFETY: `at` checked that the page has `N` bytes at `offset`; the copy is elsewhere. The
        // host may write meanwhile, which makes the copy odd but not invalid. The call is opaque,
        // so that the compiler cannot read the source again later.
        unsafe { bindings::hv_rust_copy_volatile(copy.as_mut_ptr().cast(), source.cast(), N) };
        copy
    }
}

impl Drop for SharedPage {
    fn drop(&mut self) {
        // SAFETY: By the invariants the page is owned, and it came from the page allocator.
        unsafe { bindings::free_pages(self.0.as_ptr() as usize, 0) };
    }
}
