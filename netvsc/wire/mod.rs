// SPDX-License-Identifier: GPL-2.0

//! The network protocol between a guest and the network provider of a Hyper-V host.
//!
//! It has two layers. NVSP ([`nvsp`]) sets up a channel and the buffers, and wraps what the other
//! layer sends. RNDIS carries requests and their answers ([`rndis`], [`request`]) and frames with
//! information about each ([`frame`], [`info`]).
//!
//! Nothing in here knows the kernel; the same files are compiled into ordinary test programs. What
//! the host sends is parsed from a private copy, and every number in it is checked before use.
//!
//! C headers: [`drivers/net/hyperv/hyperv_net.h`](srctree/drivers/net/hyperv/hyperv_net.h),
//! [`include/linux/rndis.h`](srctree/include/linux/rndis.h)

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
            Debug,
            Default,
            PartialEq,
            Eq,
            PartialOrd,
            Ord,
            zerocopy_derive::FromBytes,
            zerocopy_derive::IntoBytes,
            zerocopy_derive::Immutable,
            zerocopy_derive::KnownLayout,
        )]
        #[repr(transparent)]
        $vis struct $name(pub(crate) $repr);

        impl $name {
            $($(#[$variant_meta])* $vis const $variant: Self = Self($value);)*
        }
    };
}

pub(crate) mod answer;
mod fault;
pub(crate) mod frame;
pub(crate) mod info;
pub(crate) mod nvsp;
pub(crate) mod offload;
pub(crate) mod request;
pub(crate) mod rndis;
pub(crate) mod rsc;
pub(crate) mod rss;

pub(crate) use fault::Fault;
