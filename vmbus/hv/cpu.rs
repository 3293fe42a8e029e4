// SPDX-License-Identifier: GPL-2.0

//! CPUs: which there are, where they are, and what the hypervisor calls them.

use kernel::{
    cpu::nr_cpu_ids,
    types::NotThreadSafe, //
};

use crate::bindings;

/// Keeps the set of CPUs that are online from changing.
pub(crate) struct OnlineGuard(NotThreadSafe);

impl OnlineGuard {
    /// Waits for a change to end and holds further ones up. May sleep.
    pub(crate) fn new() -> Self {
        // SAFETY: Undone on drop, by the same task since the type cannot be sent.
        unsafe { bindings::cpus_read_lock() };
        Self(NotThreadSafe)
    }
}

impl Drop for OnlineGuard {
    fn drop(&mut self) {
        // SAFETY: `new` took the lock.
        unsafe { bindings::cpus_read_unlock() };
    }
}

/// Whether `cpu` exists and is online.
pub(crate) fn is_online(cpu: u32) -> bool {
    // SAFETY: The number is in the mask.
    cpu < nr_cpu_ids() && unsafe { bindings::hv_rust_cpu_online(cpu) }
}

/// Whether `cpu` exists and may be bothered with managed interrupts.
pub(crate) fn is_housekeeping(cpu: u32) -> bool {
    // SAFETY: The number is in the mask.
    cpu < nr_cpu_ids() && unsafe { bindings::hv_rust_cpu_housekeeping(cpu) }
}

/// The memory node of `cpu`; `NUMA_NO_NODE` when there is no such CPU.
pub(crate) fn node(cpu: u32) -> i32 {
    if cpu < nr_cpu_ids() {
        // SAFETY: The number is that of a possible CPU.
        unsafe { bindings::hv_rust_node_of_cpu(cpu) }
    } else {
        bindings::NUMA_NO_NODE
    }
}

/// The number of memory nodes.
pub(crate) fn node_count() -> i32 {
    // SAFETY: No requirements.
    unsafe { bindings::hv_rust_node_count() }
}

/// The number of the virtual processor that `cpu` is; that of CPU 0 when there is no such CPU.
pub(crate) fn virtual_processor(cpu: u32) -> u32 {
    let cpu = if cpu < nr_cpu_ids() { cpu } else { 0 };
    // SAFETY: The number is that of a possible CPU.
    unsafe { bindings::hv_rust_vp_number(cpu) }
}

/// The numbers of the CPUs that there may be, in order.
pub(crate) fn possible() -> impl Iterator<Item = u32> + Clone {
    0..nr_cpu_ids()
}

/// The numbers of the CPUs that are online, in order.
pub(crate) fn online() -> impl Iterator<Item = u32> + Clone {
    possible().filter(|&cpu| is_online(cpu))
}
