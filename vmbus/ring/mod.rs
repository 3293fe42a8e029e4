// SPDX-License-Identifier: GPL-2.0

//! The two rings of a channel.
//!
//! Each ring has one writer and one reader, one of which is the host. Both ends are pure code
//! ([`writer`], [`reader`]) over a small interface to shared memory ([`shared`]), so that they are
//! tested against a host in an ordinary program. [`mapping`] is that interface over real pages.
//!
//! C header: [`include/linux/hyperv.h`](srctree/include/linux/hyperv.h)

#[expect(unsafe_code, reason = "memory that the host writes to")]
mod host_memory;
mod incoming;
pub mod index;
pub mod layout;
#[expect(unsafe_code, reason = "memory that the host writes to")]
mod mapping;
mod memory;
#[expect(unsafe_code, reason = "memory that the host writes to")]
mod order;
mod outgoing;
#[expect(unsafe_code, reason = "pages to share with the host")]
mod pages;
pub mod reader;
pub mod requests;
pub mod shared;
pub mod slots;
#[cfg(CONFIG_HYPERV_RUST_KUNIT_TEST)]
#[expect(unsafe_code, reason = "reads and writes pages by their numbers")]
pub(crate) mod testing;
#[cfg(CONFIG_HYPERV_RUST_KUNIT_TEST)]
#[expect(unsafe_code, reason = "looks at pages by their numbers")]
mod tests;
pub mod writer;

pub use self::{
    host_memory::HostMemory,
    incoming::Incoming,
    memory::{
        Direction,
        Pfns,
        RingPages, //
    },
    outgoing::Outgoing,
    reader::Packet,
    shared::{
        RingDebug,
        Signal, //
    },
    writer::{
        Draft,
        SendError, //
    },
};

/// The size of a ring with room for `payload` bytes.
pub const fn ring_bytes(payload: usize) -> usize {
    index::ring_bytes(payload, kernel::page::PAGE_SIZE)
}
