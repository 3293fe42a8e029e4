// SPDX-License-Identifier: GPL-2.0

//! A host gone mad: whatever it writes for the guest may be spoilt, by a [`Plan`] that a seed decides.
//!
//! An [`Engine`] changes honest packets and messages on their way, sends spoilt copies of them beside
//! them and in bursts, rewrites rings and buffers while the guest reads them, puts wrong values into the headers of
//! rings and message slots, signals without a reason, and takes devices away to offer them again, so that one guest
//! gets through many lives of its drivers.
//!
//! Only what is the host's to write is spoilt. What would be the end of any guest is left out: the host
//! does not write into memory that the guest took back. That is why a controller under an
//! engine does not move data into the guest any more (`Controller::keep_off`): a forged
//! completion of a request that the host is about to work on gives the memory back early.

mod burst;
mod bus;
mod bytes;
mod engine;
mod message;
mod packet;
mod plan;
mod random;
mod rndis;
mod stream;
mod tally;
mod victim;

#[cfg(test)]
mod tests;

pub use bytes::spoil;
pub use engine::{Engine, Victims};
pub use plan::{Plan, Target};
pub use random::Random;
pub use tally::Tally;
