// SPDX-License-Identifier: GPL-2.0

//! The network card: a VMBus device that speaks NVSP and RNDIS and has a peer behind it.
//!
//! From the guest inwards: [`card`] is the device, `session` what the guest has set up, `service`
//! answers NVSP messages, `control` RNDIS requests with the objects of [`mod@oid`]. Frames of the
//! guest pass `transmit` and [`segment`], which does what the guest left to the card; frames for
//! the guest pass [`coalesce`], [`rss`] and `receive`, or a [`Function`] where the guest wants that. What is on the other end of the cable is a
//! [`backend::Backend`]: the built-in [`peer`], another card ([`mod@cable`]), or a network interface of the host's ([`tap`]).
//!
//! ```no_run
//! use vmbus_host::net::{Card, CardConfig, Peer};
//!
//! let card = Card::new(CardConfig::default(), Peer::new(Default::default()));
//! // Hand `card.clone()` to the VMBus server, then watch and disturb the guest:
//! card.set_link(false);
//! println!("{:?}", card.stats());
//! ```

pub mod backend;
pub mod cable;
pub mod card;
pub mod coalesce;
mod config;
mod control;
pub mod frame;
mod function;
pub mod nvsp;
pub mod offload;
pub mod oid;
pub mod peer;
pub mod ppi;
mod receive;
pub mod rndis;
pub mod rss;
pub mod segment;
mod service;
mod session;
pub mod stats;
pub mod tap;
mod transmit;
pub mod violation;

#[cfg(test)]
mod tests;

pub use backend::Backend;
pub use card::Card;
pub use config::CardConfig;
pub use function::Function;
pub use nvsp::Version;
pub use peer::Peer;
pub use receive::{Hook, Indication};
pub use stats::Stats;
