// SPDX-License-Identifier: GPL-2.0

//! How many CPUs there are.
//!
//! C header: [`include/linux/cpumask.h`](srctree/include/linux/cpumask.h)

use vmbus::bindings;

/// How many CPUs are online; at least one.
pub(crate) fn online() -> u32 {
    // SAFETY: No requirements.
    unsafe { bindings::hv_rust_netvsc_online_cpus() }.max(1)
}

/// Whether a CPU is there.
pub(crate) fn is_present(cpu: u32) -> bool {
    // SAFETY: The number is less than that of the bits of a CPU mask.
    cpu < kernel::cpu::nr_cpu_ids() && unsafe { bindings::hv_rust_netvsc_cpu_present(cpu) }
}

/// The CPUs that are there, in order.
pub(crate) fn present() -> impl Iterator<Item = u32> {
    (0..kernel::cpu::nr_cpu_ids()).filter(|&cpu| is_present(cpu))
}
