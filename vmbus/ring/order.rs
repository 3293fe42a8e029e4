// SPDX-License-Identifier: GPL-2.0

//! Access to words that the host accesses at the same time.
//!
//! The host is another processor even for a kernel without SMP, so these are the kernel's `virt_`
//! family.
//!
//! C header: [`include/asm-generic/barrier.h`](srctree/include/asm-generic/barrier.h)

pub(super) use crate::sync::full_barrier;

use crate::sync::Atomic;
use kernel::sync::atomic::{
    Acquire,
    Release, //
};

/// Reads a word, once.
///
/// # Safety
///
/// `word` is aligned and valid for reads. All that others do to it are accesses to whole words.
#[inline(always)]
pub(super) unsafe fn load(word: *const u32) -> u32 {
    // SAFETY: By the caller's guarantee. The access is volatile: exactly one, of a whole word.
    unsafe { word.read_volatile() }
}

/// Writes a word, once.
///
/// # Safety
///
/// `word` is aligned and valid for writes. All that others do to it are accesses to whole words.
#[inline(always)]
pub(super) unsafe fn store(word: *mut u32, value: u32) {
    // SAFETY: By the caller's guarantee. The access is volatile: exactly one, of a whole word.
    unsafe { word.write_volatile(value) };
}

/// Reads a word before anything that comes after it.
///
/// # Safety
///
/// As [`load`].
#[inline(always)]
pub(super) unsafe fn load_acquire(word: *mut u32) -> u32 {
    // SAFETY: By the caller's guarantee.
    unsafe { Atomic::from_ptr(word) }.load(Acquire)
}

/// Writes a word after anything that comes before it.
///
/// # Safety
///
/// As [`store`].
#[inline(always)]
pub(super) unsafe fn store_release(word: *mut u32, value: u32) {
    // SAFETY: By the caller's guarantee.
    unsafe { Atomic::from_ptr(word) }.store(value, Release);
}
