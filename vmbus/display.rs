// SPDX-License-Identifier: GPL-2.0

//! Makes the types of the pure files printable by `pr_info!()` and its like.

use crate::{
    guid::Guid,
    wire::version::Version, //
};
use kernel::fmt;

/// Forwards the kernel's trait to the one of `core`, which pure files implement.
macro_rules! display {
    ($($name:ty),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                core::fmt::Display::fmt(self, f)
            }
        }
    )*};
}

display!(Guid, Version);
