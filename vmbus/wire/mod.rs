// SPDX-License-Identifier: GPL-2.0

//! What travels between guest and host: formats and constants, no behaviour.
//!
//! Everything is plain data. Types that the host fills in accept every bit pattern (enumerations
//! are open: unknown values are values), and parsers take a private copy of what the host wrote and
//! answer with an [`Option`] or a [`Result`].
//!
//! The bus exists on little-endian machines only, so integers are native. Reserved fields are
//! private and always zero in what we send.
//!
//! C headers: [`include/linux/hyperv.h`](srctree/include/linux/hyperv.h),
//! [`drivers/hv/hyperv_vmbus.h`](srctree/drivers/hv/hyperv_vmbus.h)

/// Declares an enumeration whose unknown values are kept: a transparent integer with constants.
macro_rules! open_enum {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident($repr:ty) {
            $($(#[$variant_meta:meta])* $variant:ident = $value:expr,)*
        }
    ) => {
        $(#[$meta])*
        #[derive(
            Clone,
            Copy,
            PartialEq,
            Eq,
            PartialOrd,
            Ord,
            Hash,
            zerocopy_derive::FromBytes,
            zerocopy_derive::IntoBytes,
            zerocopy_derive::Immutable,
            zerocopy_derive::KnownLayout,
        )]
        #[repr(transparent)]
        $vis struct $name(pub $repr);

        impl $name {
            $($(#[$variant_meta])* pub const $variant: Self = Self($value);)*
        }

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                match *self {
                    $(Self::$variant => f.write_str(stringify!($variant)),)*
                    Self(other) => write!(f, concat!(stringify!($name), "({:#x})"), other),
                }
            }
        }
    };
}

pub mod contact;
pub mod device_type;
pub mod gpadl;
pub mod message;
pub mod monitor;
pub mod offer;
pub mod open;
pub mod packet;
pub mod synic;
pub mod version;

/// The size of a page as the hypervisor counts pages, whatever the size of the kernel's.
pub const HV_PAGE_SIZE: usize = 4096;

/// The number of relids that a host can hand out; they start with 1.
pub const MAX_RELIDS: usize = 2048;

/// The number of bytes that an offer and an open request carry for the device's own protocol.
pub const USER_DATA_LEN: usize = 120;
