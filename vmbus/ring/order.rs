// SPDX-License-Identifier: GPL-2.0

//! Access to words that the host accesses at the same time.
//!
//! The host is another processor even for a kernel without SMP, so these are the kernel's `virt_`
//! family. The kernel crate's atomics are function calls in a kernel built by gcc. Rings are the
//! hottest path there is, so x86 does without: there, every load is an acquire and every store a
//! release once the compiler keeps them in order.
//!
//! C header: [`include/asm-generic/barrier.h`](srctree/include/asm-generic/barrier.h)

use crate::sync::compiler_barrier;
#[cfg(not(target_arch = "x86_64"))]
use kernel::sync::{
    atomic::{
        Acquire,
        Atomic,
        Release, //
    },
    barrier, //
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
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(super) unsafe fn load_acquire(word: *mut u32) -> u32 {
    // SAFETY: By the caller's guarantee.
    let value = unsafe { load(word) };
    compiler_barrier();
    value
}

/// Writes a word after anything that comes before it.
///
/// # Safety
///
/// As [`store`].
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(super) unsafe fn store_release(word: *mut u32, value: u32) {
    compiler_barrier();
    // SAFETY: By the caller's guarantee.
    unsafe { store(word, value) };
}

/// Orders everything before it with everything after it.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(super) fn full_barrier() {
    // SAFETY: Adds 0 to the word below the stack pointer, where an interrupt may put what it likes:
    // the kernel has no red zone. A locked instruction is a full barrier.
    unsafe { core::arch::asm!("lock add dword ptr [rsp - 4], 0") };
}

/// Reads a word before anything that comes after it.
///
/// # Safety
///
/// As [`load`].
#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
pub(super) unsafe fn load_acquire(word: *mut u32) -> u32 {
    // SAFETY: By the caller's guarantee, and all others access whole words.
    unsafe { Atomic::from_ptr(word) }.load(Acquire)
}

/// Writes a word after anything that comes before it.
///
/// # Safety
///
/// As [`store`].
#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
pub(super) unsafe fn store_release(word: *mut u32, value: u32) {
    // SAFETY: By the caller's guarantee, and all others access whole words.
    unsafe { Atomic::from_ptr(word) }.store(value, Release);
}

/// Orders everything before it with everything after it.
#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
pub(super) fn full_barrier() {
    barrier::mb(barrier::Full);
}
