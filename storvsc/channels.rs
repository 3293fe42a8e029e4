// SPDX-License-Identifier: GPL-2.0

//! The channels of a host, and which of them a CPU uses.
//!
//! A CPU uses the channel whose interrupts it takes, or else one of its NUMA node, or else the
//! primary one. When the ring of that channel is nearly full, any other will do.

use super::sys::{
    cpus,
    parameters,
    SharedTable, //
};
use kernel::{
    cpu,
    prelude::*,
    sync::{
        rcu,
        Arc, //
    },
};
use vmbus::Endpoint;

/// The open channels of a host.
#[pin_data]
pub(crate) struct Channels {
    /// A ring with no more free space than this percentage is avoided.
    low_water: u32,
    /// Of each CPU the channel it uses.
    #[pin]
    by_cpu: SharedTable<Endpoint>,
}

impl Channels {
    /// Makes an empty set of channels.
    pub(crate) fn new() -> impl PinInit<Self, Error> {
        // CAST: Widening.
        let cpus = cpu::nr_cpu_ids() as usize;
        try_pin_init!(Self {
            low_water: parameters::low_water(),
            by_cpu <- SharedTable::new(cpus),
        })
    }

    /// Starts to use a channel.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn add(&self, endpoint: &Arc<Endpoint>) -> Result {
        self.by_cpu.add(endpoint.clone(), choose)
    }

    /// Ends the use of a channel; nobody who picked it still uses it afterwards.
    pub(crate) fn remove(&self, endpoint: &Arc<Endpoint>) {
        self.by_cpu.remove(endpoint, choose);
    }

    /// Takes note of channels whose interrupts other CPUs take from now on.
    pub(crate) fn rearrange(&self) {
        self.by_cpu.reassign(choose);
    }

    /// The channel that was opened first.
    pub(crate) fn primary(&self) -> Option<Arc<Endpoint>> {
        self.by_cpu.first()
    }

    /// The channel that is best for this CPU, if there is any.
    ///
    /// The task may move to another CPU at any time; then it uses the channel of the old one, which
    /// is as right and only a little less fast.
    #[inline]
    pub(crate) fn pick<'a>(&'a self, guard: &'a rcu::Guard) -> Option<&'a Endpoint> {
        // CAST: Widening.
        let cpu = cpu::CpuId::current().as_u32() as usize;
        let own = self.by_cpu.get(cpu, guard)?;
        if self.has_room(own) {
            Some(own)
        } else {
            self.another(cpu, guard).or(Some(own))
        }
    }

    #[inline]
    fn has_room(&self, endpoint: &Endpoint) -> bool {
        endpoint.is_send_free_above(self.low_water)
    }

    /// A channel with room, to begin with those of the CPUs that follow this one.
    #[cold]
    fn another<'a>(&'a self, cpu: usize, guard: &'a rcu::Guard) -> Option<&'a Endpoint> {
        let cpus = self.by_cpu.len();
        (1..cpus)
            .filter_map(|ahead| self.by_cpu.get((cpu + ahead) % cpus, guard))
            .find(|endpoint| self.has_room(endpoint))
    }
}

/// Which of the channels a CPU uses.
fn choose(cpu: usize, endpoints: &[Arc<Endpoint>]) -> Option<usize> {
    let cpu = u32::try_from(cpu).ok()?;
    let node = cpus::node(cpu)?;
    let own = endpoints.iter().position(|other| other.target_cpu() == cpu);
    if own.is_some() {
        return own;
    }
    let is_near = |endpoint: &Arc<Endpoint>| cpus::node(endpoint.target_cpu()) == Some(node);
    let near = endpoints.iter().filter(|other| is_near(other)).count();
    if near == 0 {
        return (!endpoints.is_empty()).then_some(0);
    }
    // CAST: Widening.
    let turn = cpu as usize % near;
    endpoints
        .iter()
        .enumerate()
        .filter(|(_, other)| is_near(other))
        .nth(turn)
        .map(|(at, _)| at)
}
