// SPDX-License-Identifier: GPL-2.0

//! Which CPU gets the interrupts of a channel.
//!
//! Channels of devices that need speed are spread over the memory nodes in turn and, within a
//! node, go to the CPU with the fewest such channels, so that CPUs of channels that are gone are
//! used again. All the others interrupt the CPU that messages go to. CPUs that were set aside
//! (`isolcpus=managed_irq`) are left alone.

use kernel::{
    prelude::*,
    sync::{
        atomic::{
            Relaxed, //
        },
        Arc, //
    },
};

use super::{
    cpu,
    CONNECT_CPU, //
};
use crate::sync::Atomic;

/// How many channels interrupt each CPU.
pub(crate) struct Affinity {
    load: KVec<Atomic<u32>>,
    next_node: Atomic<u32>,
}

impl Affinity {
    /// Starts with no channels.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn new() -> Result<Self> {
        let mut load = KVec::new();
        for _ in cpu::possible() {
            load.push(Atomic::new(0), GFP_KERNEL)?;
        }
        Ok(Self {
            load,
            next_node: Atomic::new(0),
        })
    }

    /// Chooses a CPU for a channel; `used` tells which CPUs its device uses already.
    ///
    /// The caller holds up changes of the set of online CPUs, by `_online`, until CPUs that go
    /// offline can find the channel.
    pub(crate) fn choose(
        self: &Arc<Self>,
        performance: bool,
        used: impl Fn(u32) -> bool,
        _online: &cpu::OnlineGuard,
    ) -> CpuShare {
        let cpu = if performance {
            self.spread(used).unwrap_or(CONNECT_CPU)
        } else {
            CONNECT_CPU
        };
        CpuShare::new(self.clone(), cpu, performance)
    }

    /// The best CPU of the next node that has one which the device does not use yet, or else the
    /// best of all.
    fn spread(&self, used: impl Fn(u32) -> bool) -> Option<u32> {
        let nodes = cpu::node_count();
        for _ in 0..nodes {
            let turn = self.next_node.fetch_add(1u32, Relaxed);
            // CAST: The remainder is less than the number of nodes, which is positive.
            let node = turn.checked_rem(nodes as u32)? as i32;
            let best = self.least_loaded(|cpu| cpu::node(cpu) == node && !used(cpu));
            if best.is_some() {
                return best;
            }
        }
        self.least_loaded(|_| true)
    }

    /// The best CPU for a channel that has to leave `cpu`.
    pub(crate) fn alternative(&self, cpu: u32) -> u32 {
        self.least_loaded(|other| other != cpu)
            .unwrap_or(CONNECT_CPU)
    }

    fn least_loaded(&self, fits: impl Fn(u32) -> bool) -> Option<u32> {
        cpu::online()
            .filter(|&cpu| cpu::is_housekeeping(cpu) && fits(cpu))
            .min_by_key(|&cpu| {
                self.load_of(cpu)
                    .map_or(u32::MAX, |load| load.load(Relaxed))
            })
    }

    fn load_of(&self, cpu: u32) -> Option<&Atomic<u32>> {
        self.load.get(usize::try_from(cpu).ok()?)
    }
}

/// A channel's share of its CPU.
pub(crate) struct CpuShare {
    affinity: Arc<Affinity>,
    cpu: Atomic<u32>,
    counted: bool,
}

impl CpuShare {
    fn new(affinity: Arc<Affinity>, cpu: u32, counted: bool) -> Self {
        let this = Self {
            affinity,
            cpu: Atomic::new(cpu),
            counted,
        };
        this.count(cpu, 1);
        this
    }

    /// The CPU.
    #[inline]
    pub(crate) fn get(&self) -> u32 {
        self.cpu.load(Relaxed)
    }

    /// Moves the channel to another CPU and returns where it was.
    pub(crate) fn replace(&self, cpu: u32) -> u32 {
        let old = self.cpu.xchg(cpu, Relaxed);
        self.count(old, u32::MAX);
        self.count(cpu, 1);
        old
    }

    /// Adds to the load of a CPU, wrapping around.
    fn count(&self, cpu: u32, delta: u32) {
        if self.counted {
            if let Some(load) = self.affinity.load_of(cpu) {
                load.add(delta, Relaxed);
            }
        }
    }
}

impl Drop for CpuShare {
    fn drop(&mut self) {
        self.count(self.get(), u32::MAX);
    }
}
