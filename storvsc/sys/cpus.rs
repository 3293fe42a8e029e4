// SPDX-License-Identifier: GPL-2.0

//! How many CPUs there are, and where they are.
//!
//! C headers: [`include/linux/cpumask.h`](srctree/include/linux/cpumask.h),
//! [`include/linux/topology.h`](srctree/include/linux/topology.h)

use vmbus::bindings;

/// How many CPUs are online; at least one.
pub(crate) fn online() -> u32 {
    // SAFETY: No requirements.
    unsafe { bindings::hv_rust_num_online_cpus() }.max(1)
}

/// How many CPUs are present; at least one.
pub(crate) fn present() -> u32 {
    // SAFETY: No requirements.
    unsafe { bindings::hv_rust_num_present_cpus() }.max(1)
}

/// The NUMA node of a CPU; [`None`] if there can be no such CPU.
pub(crate) fn node(cpu: u32) -> Option<i32> {
    // SAFETY: The number is less than that of the bits of a CPU mask.
    if cpu >= kernel::cpu::nr_cpu_ids() || !unsafe { bindings::hv_rust_cpu_possible(cpu) } {
        return None;
    }
    // SAFETY: The CPU is a possible one.
    Some(unsafe { bindings::hv_rust_cpu_to_node(cpu) })
}
