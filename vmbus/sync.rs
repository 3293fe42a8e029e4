// SPDX-License-Identifier: GPL-2.0

//! Synchronisation that the `kernel` crate does not offer: completions with a time limit, work
//! queues of one's own, tasklets, requests that somebody waits for, and a cell for code that must not run twice at once.

#[expect(unsafe_code, reason = "atomic accesses")]
mod atomic;
#[expect(unsafe_code, reason = "wraps struct completion")]
mod completion;
mod exchange;
#[expect(unsafe_code, reason = "hands out exclusive access by an atomic state")]
mod exclusive;
#[expect(unsafe_code, reason = "hands out what was written once")]
mod once;
#[expect(unsafe_code, reason = "wraps struct workqueue_struct")]
mod queue;
#[expect(unsafe_code, reason = "wraps struct tasklet_struct")]
mod tasklet;
#[cfg(CONFIG_HYPERV_RUST_KUNIT_TEST)]
mod tests;

pub use atomic::Atomic;
pub(crate) use atomic::{
    compiler_barrier,
    full_barrier, //
};
pub use completion::Completion;
pub use exchange::Exchange;
pub(crate) use exclusive::Exclusive;
pub use once::SetOnce;
pub use queue::{
    Concurrency,
    OwnedQueue,
    Shortage, //
};
pub(crate) use tasklet::{
    HasTasklet,
    Tasklet, //
};
