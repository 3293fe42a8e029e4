// SPDX-License-Identifier: GPL-2.0

//! Counters: what went through the bus, for tests and benchmarks.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use super::device::Guid;
use super::wire::ShowGuid;

macro_rules! counters {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        /// Live counters.
        #[derive(Debug, Default)]
        pub(super) struct Counters {
            $(pub(super) $name: AtomicU64,)+
        }

        /// Counters at one moment.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Snapshot {
            $($(#[doc = $doc])+ pub $name: u64,)+
        }

        impl Counters {
            pub(super) fn snapshot(&self) -> Snapshot {
                Snapshot { $($name: self.$name.load(Ordering::Relaxed),)+ }
            }
        }

        impl Snapshot {
            /// The counters by name.
            pub fn entries(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($name), self.$name),)+]
            }

            /// What was counted since `earlier`.
            pub fn since(&self, earlier: &Self) -> Self {
                Self { $($name: self.$name.saturating_sub(earlier.$name),)+ }
            }
        }
    };
}

counters! {
    /// Packets that the guest sent.
    packets_in,
    /// Packets that the host sent.
    packets_out,
    /// Payload bytes of the guest's packets.
    payload_in,
    /// Payload bytes of the host's packets.
    payload_out,
    /// Bytes that devices read from the guest's buffers.
    buffer_read,
    /// Bytes that devices wrote to the guest's buffers.
    buffer_written,
    /// Times that the guest signalled by hypercall.
    signals_in,
    /// Times that the guest signalled through the monitor page.
    monitor_signals_in,
    /// Times that the host signalled the guest.
    signals_out,
    /// Signals of the host that found the event flag still set.
    signals_merged,
    /// Packets of the host that found no room in the ring.
    ring_full,
    /// Control messages from the guest.
    messages_in,
    /// Control messages to the guest.
    messages_out,
}

impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (name, value) in self.entries().into_iter().filter(|&(_, value)| value != 0) {
            write!(f, "{separator}{name}={value}")?;
            separator = " ";
        }
        Ok(())
    }
}

/// Adds one.
pub(super) fn count(counter: &AtomicU64) {
    add(counter, 1);
}

/// Adds `by`.
pub(super) fn add(counter: &AtomicU64, by: usize) {
    counter.fetch_add(by as u64, Ordering::Relaxed);
}

/// The counters of the bus and of each channel that was ever open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Everything together, control messages included.
    pub total: Snapshot,
    /// One entry for each device instance and sub-channel index.
    pub channels: Vec<(Guid, u16, Snapshot)>,
}

impl Stats {
    /// The counters of sub-channel `index` (0 is the primary channel) of `instance`.
    pub fn channel(&self, instance: Guid, index: u16) -> Snapshot {
        let found = self
            .channels
            .iter()
            .find(|entry| entry.0 == instance && entry.1 == index);
        found.map(|entry| entry.2).unwrap_or_default()
    }
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "total {}", self.total)?;
        for (instance, index, counters) in &self.channels {
            writeln!(f, "channel {}/{index} {counters}", ShowGuid(instance))?;
        }
        Ok(())
    }
}
