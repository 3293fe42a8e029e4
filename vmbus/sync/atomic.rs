// SPDX-License-Identifier: GPL-2.0

//! Atomic variables without function calls.
//!
//! Those of the `kernel` crate call a C function for each access, in a kernel that gcc built: a
//! request to a disk makes thirty such calls. On x86-64 an access is one instruction, so there it is
//! one here. Everywhere else these are the kernel crate's.
//!
//! The memory model is the kernel's (LKMM), as are the orderings. On x86-64, a load is an acquire
//! and a store a release once the compiler keeps them in order; an instruction with a lock prefix,
//! as XCHG is by itself, is a full barrier. So whatever ordering is asked for is given, or a
//! stronger one. The prefix is always there, also on a machine with one CPU, where the kernel
//! patches its own out: they are good for memory that the host changes, too.

#[cfg(not(target_arch = "x86_64"))]
pub use kernel::sync::atomic::Atomic;

#[cfg(target_arch = "x86_64")]
pub use self::inline::Atomic;

/// Keeps the compiler from moving accesses to memory across, and from reading again what was copied.
#[inline(always)]
pub(crate) fn compiler_barrier() {
    // SAFETY: There is no instruction. The statement claims to access any memory.
    unsafe { core::arch::asm!("", options(nostack, preserves_flags)) };
}

/// Orders everything before it with everything after it, for the host as well.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(crate) fn full_barrier() {
    // SAFETY: Adds 0 to the word below the stack pointer, where an interrupt may put what it likes:
    // the kernel has no red zone. A locked instruction is a full barrier.
    unsafe { core::arch::asm!("lock add dword ptr [rsp - 4], 0") };
}

/// Orders everything before it with everything after it, for the host as well: the kernel is one
/// for many CPUs on all other architectures.
#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
pub(crate) fn full_barrier() {
    use kernel::sync::barrier;

    barrier::smp_mb(barrier::Full);
}

#[cfg(target_arch = "x86_64")]
mod inline {
    use super::compiler_barrier;
    use core::{
        arch::asm,
        cell::UnsafeCell,
        fmt,
        mem::transmute_copy, //
    };
    use kernel::sync::atomic::{
        ordering::{
            AcquireOrRelaxed,
            Ordering,
            ReleaseOrRelaxed, //
        },
        Relaxed, //
    };

    /// What can be in an [`Atomic`].
    ///
    /// # Safety
    ///
    /// The type has 1, 4 or 8 bytes, none of them padding.
    pub unsafe trait Value: Copy + PartialEq {}

    // SAFETY: 1 byte.
    unsafe impl Value for bool {}
    // SAFETY: 4 bytes.
    unsafe impl Value for u32 {}
    // SAFETY: 8 bytes.
    unsafe impl Value for u64 {}
    // SAFETY: 8 bytes, on this architecture.
    unsafe impl Value for usize {}
    // SAFETY: 8 bytes, on this architecture.
    unsafe impl<T> Value for *const T {}
    // SAFETY: 8 bytes, on this architecture.
    unsafe impl<T> Value for *mut T {}

    /// What can be added to.
    pub trait Number: Value {
        /// The number that it takes to subtract this one by adding.
        #[must_use]
        fn negated(self) -> Self;
    }

    impl Number for u32 {
        #[inline(always)]
        fn negated(self) -> Self {
            self.wrapping_neg()
        }
    }

    impl Number for u64 {
        #[inline(always)]
        fn negated(self) -> Self {
            self.wrapping_neg()
        }
    }

    impl Number for usize {
        #[inline(always)]
        fn negated(self) -> Self {
            self.wrapping_neg()
        }
    }

    /// A variable that many change at the same time.
    #[repr(transparent)]
    pub struct Atomic<T>(UnsafeCell<T>);

    // SAFETY: The value moves along.
    unsafe impl<T: Value> Send for Atomic<T> {}

    // SAFETY: Through a shared reference, all access is by single instructions on all of the value.
    unsafe impl<T: Value> Sync for Atomic<T> {}

    /// Runs an instruction on `$operand`, a register of the size of `$T`, and memory at `$address`.
    macro_rules! on_memory {
        ($T:ty, $address:expr, $operand:ident, $byte:literal, $double:literal, $quad:literal) => {
            match size_of::<$T>() {
                // SAFETY: The address is of a variable of 1 byte.
                1 => unsafe {
                    let mut word: u8 = transmute_copy(&$operand);
                    asm!($byte, word = inout(reg_byte) word, at = in(reg) $address, options(nostack));
                    transmute_copy(&word)
                },
                // SAFETY: The address is of a variable of 4 bytes.
                4 => unsafe {
                    let mut word: u32 = transmute_copy(&$operand);
                    asm!($double, word = inout(reg) word, at = in(reg) $address, options(nostack));
                    transmute_copy(&word)
                },
                // SAFETY: The address is of a variable of 8 bytes, the only size that is left.
                _ => unsafe {
                    let mut word: u64 = transmute_copy(&$operand);
                    asm!($quad, word = inout(reg) word, at = in(reg) $address, options(nostack));
                    transmute_copy(&word)
                },
            }
        };
    }

    impl<T: Value> Atomic<T> {
        /// A variable with this value.
        pub const fn new(value: T) -> Self {
            Self(UnsafeCell::new(value))
        }

        /// Makes a variable of memory.
        ///
        /// # Safety
        ///
        /// `pointer` is aligned and valid for `'a`, and all that others do to the memory are
        /// accesses to all of the value at once.
        #[inline(always)]
        pub unsafe fn from_ptr<'a>(pointer: *mut T) -> &'a Self {
            // SAFETY: By the requirements; the type is transparent.
            unsafe { &*pointer.cast() }
        }

        /// Reads the value, before anything that comes after if the ordering is `Acquire`.
        #[inline(always)]
        pub fn load<O: AcquireOrRelaxed>(&self, _: O) -> T {
            // SAFETY: The variable is there. The access is volatile: one instruction.
            let value = unsafe { self.0.get().read_volatile() };
            compiler_barrier();
            value
        }

        /// Writes the value, after anything that comes before if the ordering is `Release`.
        #[inline(always)]
        pub fn store<O: ReleaseOrRelaxed>(&self, value: T, _: O) {
            compiler_barrier();
            // SAFETY: The variable is there. The access is volatile: one instruction.
            unsafe { self.0.get().write_volatile(value) };
        }

        /// Replaces the value and returns the old one.
        #[inline(always)]
        pub fn xchg<O: Ordering>(&self, value: T, _: O) -> T {
            on_memory!(
                T,
                self.0.get(),
                value,
                "xchg byte ptr [{at}], {word}",
                "xchg dword ptr [{at}], {word:e}",
                "xchg qword ptr [{at}], {word}"
            )
        }

        /// Replaces the value if it is `old`, and returns that.
        ///
        /// # Errors
        ///
        /// What the value is instead.
        #[inline(always)]
        pub fn cmpxchg<O: Ordering>(&self, old: T, new: T, _: O) -> Result<T, T> {
            let found = self.exchange_if(old, new);
            if found == old {
                Ok(found)
            } else {
                Err(found)
            }
        }

        #[inline(always)]
        fn exchange_if(&self, old: T, new: T) -> T {
            let at = self.0.get();
            match size_of::<T>() {
                // SAFETY: The variable is there, and has 4 bytes.
                4 => unsafe {
                    let (mut word, new): (u32, u32) = (transmute_copy(&old), transmute_copy(&new));
                    asm!("lock cmpxchg dword ptr [{at}], {new:e}", at = in(reg) at,
                         new = in(reg) new, inout("eax") word, options(nostack));
                    transmute_copy(&word)
                },
                // SAFETY: The variable is there, and has 8 bytes.
                8 => unsafe {
                    let (mut word, new): (u64, u64) = (transmute_copy(&old), transmute_copy(&new));
                    asm!("lock cmpxchg qword ptr [{at}], {new}", at = in(reg) at,
                         new = in(reg) new, inout("rax") word, options(nostack));
                    transmute_copy(&word)
                },
                // SAFETY: The variable is there, and has 1 byte, the only size that is left.
                _ => unsafe {
                    let (mut word, new): (u8, u8) = (transmute_copy(&old), transmute_copy(&new));
                    asm!("lock cmpxchg byte ptr [{at}], {new}", at = in(reg) at,
                         new = in(reg_byte) new, inout("al") word, options(nostack));
                    transmute_copy(&word)
                },
            }
        }
    }

    impl<T: Number> Atomic<T> {
        /// Adds, wrapping around, and returns the value before.
        #[inline(always)]
        pub fn fetch_add<O: Ordering>(&self, by: T, _: O) -> T {
            on_memory!(
                T,
                self.0.get(),
                by,
                "lock xadd byte ptr [{at}], {word}",
                "lock xadd dword ptr [{at}], {word:e}",
                "lock xadd qword ptr [{at}], {word}"
            )
        }

        /// Subtracts, wrapping around, and returns the value before.
        #[inline(always)]
        pub fn fetch_sub<O: Ordering>(&self, by: T, order: O) -> T {
            self.fetch_add(by.negated(), order)
        }

        /// Adds, wrapping around.
        #[inline(always)]
        pub fn add(&self, by: T, _: Relaxed) {
            let _: T = on_memory!(
                T,
                self.0.get(),
                by,
                "lock add byte ptr [{at}], {word}",
                "lock add dword ptr [{at}], {word:e}",
                "lock add qword ptr [{at}], {word}"
            );
        }
    }

    impl Atomic<u64> {
        /// Sets a bit, of which the lowest is number 0; returns whether it was clear.
        #[inline(always)]
        pub fn set_bit(&self, bit: u32) -> bool {
            let was_set: u8;
            // SAFETY: The bit is one of the variable's, so that this is what is accessed.
            unsafe {
                asm!("lock bts qword ptr [{at}], {bit:r}", "setc {was_set}", at = in(reg) self.0.get(),
                     bit = in(reg) bit & 63, was_set = out(reg_byte) was_set, options(nostack));
            }
            was_set == 0
        }

        /// Clears a bit; returns whether it was set.
        #[inline(always)]
        pub fn clear_bit(&self, bit: u32) -> bool {
            let was_set: u8;
            // SAFETY: The bit is one of the variable's, so that this is what is accessed.
            unsafe {
                asm!("lock btr qword ptr [{at}], {bit:r}", "setc {was_set}", at = in(reg) self.0.get(),
                     bit = in(reg) bit & 63, was_set = out(reg_byte) was_set, options(nostack));
            }
            was_set != 0
        }
    }

    impl<T: Value + fmt::Debug> fmt::Debug for Atomic<T> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.load(Relaxed).fmt(f)
        }
    }
}
