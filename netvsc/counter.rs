// SPDX-License-Identifier: GPL-2.0

//! What a device counts.

use kernel::{
    cpu::nr_cpu_ids,
    prelude::*,
    sync::atomic::{
        Relaxed, //
    },
};
use vmbus::sync::Atomic;

/// A counter.
pub(crate) struct Counter(Atomic<u64>);

impl Default for Counter {
    fn default() -> Self {
        Self(Atomic::new(0))
    }
}

impl Counter {
    /// Counts one more; from any context.
    #[inline]
    pub(crate) fn increment(&self) {
        self.0.add(1u64, Relaxed);
    }

    /// Counts `by` more, where nobody else does so at the same time.
    #[inline]
    pub(crate) fn add_alone(&self, by: u64) {
        self.0.store(self.0.load(Relaxed).wrapping_add(by), Relaxed);
    }

    /// Counts `by` more; from any context.
    #[inline]
    pub(crate) fn add(&self, by: u64) {
        self.0.add(by, Relaxed);
    }

    /// The count so far.
    #[inline]
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// What is counted of a device, apart from its queues.
#[derive(Default)]
pub(crate) struct Totals {
    /// Frames that were put into one piece because they were in too many.
    pub(crate) tx_scattered: Counter,
    /// Frames dropped for want of memory.
    pub(crate) tx_no_memory: Counter,
    /// Frames dropped for want of room in the ring.
    pub(crate) tx_no_space: Counter,
    /// Frames dropped that are in too many pieces.
    pub(crate) tx_too_big: Counter,
    /// Frames that the stack was asked to send again.
    pub(crate) tx_busy: Counter,
    /// Frames that there was no section of the send buffer for.
    pub(crate) tx_send_full: Counter,
    /// Receive completions that there was no room in the ring for.
    pub(crate) rx_comp_busy: Counter,
    /// Frames not received for want of memory.
    pub(crate) rx_no_memory: Counter,
    /// How often a queue was stopped.
    pub(crate) stop_queue: Counter,
    /// How often a queue was woken.
    pub(crate) wake_queue: Counter,
    /// Frames whose VLAN tag could not be taken out.
    pub(crate) vlan_error: Counter,
    /// Frames dropped instead of sent, for whatever reason.
    pub(crate) tx_dropped: Counter,
    /// What the host sent that made no sense.
    pub(crate) faults: Counter,
}

/// What is counted of a queue.
#[derive(Default)]
pub(crate) struct QueueCounters {
    /// Frames sent.
    pub(crate) tx_packets: Counter,
    /// Bytes of these.
    pub(crate) tx_bytes: Counter,
    /// Frames sent that were redirected here.
    pub(crate) tx_xdp_xmit: Counter,
    /// Frames received.
    pub(crate) rx_packets: Counter,
    /// Bytes of these.
    pub(crate) rx_bytes: Counter,
    /// Frames received that were for many.
    pub(crate) rx_multicast: Counter,
    /// Frames that an XDP program dropped.
    pub(crate) rx_xdp_drop: Counter,
    /// Frames that an XDP program redirected.
    pub(crate) rx_xdp_redirect: Counter,
    /// Frames that an XDP program sent back.
    pub(crate) rx_xdp_tx: Counter,
}

/// Makes counters for `count` queues.
///
/// # Errors
///
/// `ENOMEM`.
pub(crate) fn for_queues(count: usize) -> Result<KVec<QueueCounters>> {
    several(count)
}

fn several<T: Default>(count: usize) -> Result<KVec<T>> {
    let mut counters = KVec::with_capacity(count, GFP_KERNEL)?;
    for _ in 0..count {
        counters.push_within_capacity(T::default())?;
    }
    Ok(counters)
}

/// What is counted of a virtual function, on a processor.
#[derive(Default)]
#[repr(align(64))]
pub(crate) struct FunctionCounters {
    /// Frames sent.
    pub(crate) tx_packets: Counter,
    /// Bytes of these.
    pub(crate) tx_bytes: Counter,
    /// Frames dropped instead of sent.
    pub(crate) tx_dropped: Counter,
    /// Frames received.
    pub(crate) rx_packets: Counter,
    /// Bytes of these.
    pub(crate) rx_bytes: Counter,
}

impl FunctionCounters {
    /// Makes counters for all processors that there can be.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn for_cpus() -> Result<KVec<Self>> {
        // CAST: Widening.
        several(nr_cpu_ids() as usize)
    }
}
