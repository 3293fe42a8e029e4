// SPDX-License-Identifier: GPL-2.0

//! What the virtual machine counts: under emulation the counts say more than the time taken.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {
        /// The live counters.
        #[derive(Debug, Default)]
        pub(super) struct Counters {
            $(pub(super) $name: Counter,)+
        }

        /// The counters at one moment.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct CounterSnapshot {
            $($(#[$doc])* pub $name: u64,)+
        }

        impl Counters {
            pub(super) fn snapshot(&self) -> CounterSnapshot {
                CounterSnapshot { $($name: self.$name.get(),)+ }
            }
        }

        impl CounterSnapshot {
            /// What was counted since `earlier`.
            #[must_use]
            pub fn since(&self, earlier: &Self) -> Self {
                Self { $($name: self.$name.saturating_sub(earlier.$name),)+ }
            }
        }

        impl fmt::Display for CounterSnapshot {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                $(writeln!(f, "{:<24}{:>12}", stringify!($name), self.$name)?;)+
                Ok(())
            }
        }
    };
}

counters! {
    /// Exits for an I/O port.
    exits_io,
    /// Exits for an address without memory.
    exits_mmio,
    /// Exits for a write to a SynIC register.
    exits_synic,
    /// Exits for a hypercall.
    exits_hypercall,
    /// Exits for a signal.
    exits_signal,
    /// Exits for anything else.
    exits_other,
    /// HvCallPostMessage hypercalls.
    post_messages,
    /// HvCallSignalEvent hypercalls.
    signal_events,
    /// Other hypercalls, which are refused.
    unknown_hypercalls,
    /// Messages put into a slot.
    messages_delivered,
    /// Messages that found their slot taken and waited.
    messages_delayed,
    /// Messages dropped because too many waited or there is no message page.
    messages_dropped,
    /// Notices that a guest has freed a slot.
    end_of_message,
    /// Event flags set that were clear before.
    events_set,
    /// Event flags set that were set already: no interrupt.
    events_merged,
    /// SynIC interrupts raised.
    interrupts,
}

/// One counter.
#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn difference() {
        let counters = Counters::default();
        counters.exits_io.add();
        let earlier = counters.snapshot();
        counters.exits_io.add();
        counters.interrupts.add();
        let since = counters.snapshot().since(&earlier);
        assert_eq!(
            (since.exits_io, since.interrupts, since.exits_mmio),
            (1, 1, 0)
        );
    }
}
