// SPDX-License-Identifier: GPL-2.0

//! C structures that are constant: tables of callbacks, and lists of pointers to those.

/// A static C structure that nobody writes to.
///
/// # Invariants
///
/// Pointers in the structure are null, or to functions and data that are static.
#[repr(transparent)]
pub(super) struct Constant<T>(T);

// SAFETY: There is no way to write to it, and by the type invariant what it points to is valid in
// every thread.
unsafe impl<T> Sync for Constant<T> {}

impl<T> Constant<T> {
    /// Makes the structure constant.
    ///
    /// # Safety
    ///
    /// Pointers in `value` must be null, or to functions and data that are static. C code that gets
    /// a pointer to the structure must not write to it.
    pub(super) const unsafe fn new(value: T) -> Self {
        // INVARIANT: By the safety requirement.
        Self(value)
    }

    /// The structure.
    pub(super) const fn get(&'static self) -> &'static T {
        &self.0
    }
}
