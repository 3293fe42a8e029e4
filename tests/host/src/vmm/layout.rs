// SPDX-License-Identifier: GPL-2.0

//! The guest's physical address space.
//!
//! Memory is contiguous but for the hole below 4 GiB where the PC has its interrupt controllers
//! and Hyper-V its low MMIO window. The addresses below 1 MiB are those of the Linux x86 boot
//! protocol (Documentation/arch/x86/boot.rst) and of the ACPI specification, section 5.2.5.1.

use std::ops::RangeInclusive;

/// The global descriptor table that the kernel starts with.
pub(super) const GDT: u64 = 0x500;
/// The "zero page", `struct boot_params`.
pub(super) const ZERO_PAGE: u64 = 0x7000;
/// The top of the stack at the kernel's entry.
pub(super) const BOOT_STACK: u64 = 0x8ff0;
/// Six pages of page tables that map the first 4 GiB to themselves.
pub(super) const PAGE_TABLES: u64 = 0x9000;
/// The command line.
pub(super) const CMDLINE: u64 = 0x2_0000;
/// The end of usable memory below 640 KiB.
pub(super) const LOW_MEMORY_END: u64 = 0x9_fc00;
/// The ACPI tables, the root pointer first, where firmware has them.
pub(super) const ACPI_TABLES: u64 = 0xe_0000;
/// The end of the ACPI tables.
pub(super) const ACPI_TABLES_END: u64 = HIGH_MEMORY;
/// Memory that is plain again.
pub(super) const HIGH_MEMORY: u64 = 0x10_0000;
/// Where the kernel is loaded.
pub(super) const KERNEL: u64 = 0x10_0000;
/// The start of the hole below 4 GiB.
pub(super) const HOLE: u64 = 0xc000_0000;
/// The end of the hole.
pub(super) const HOLE_END: u64 = 1 << 32;

/// Hyper-V's MMIO window below 4 GiB.
pub(super) const LOW_MMIO: RangeInclusive<u32> = 0xf800_0000..=0xfebf_ffff;
/// The I/O APIC.
pub(super) const IO_APIC: u32 = 0xfec0_0000;
/// The local APICs.
pub(super) const LOCAL_APIC: u32 = 0xfee0_0000;
/// A page that KVM needs on Intel processors for the identity map of real mode.
pub(super) const IDENTITY_MAP: u64 = 0xfffb_c000;
/// Three pages that KVM needs on Intel processors for a task state segment.
pub(super) const TSS: u64 = 0xfffb_d000;

/// The size of Hyper-V's MMIO window above memory.
const HIGH_MMIO_SIZE: u64 = 4 << 30;

/// The ranges of memory, as start and length.
pub(super) fn memory_ranges(size: u64) -> Vec<(u64, u64)> {
    if size <= HOLE {
        vec![(0, size)]
    } else {
        vec![(0, HOLE), (HOLE_END, size - HOLE)]
    }
}

/// Hyper-V's MMIO window above memory.
pub(super) fn high_mmio(memory: u64) -> RangeInclusive<u64> {
    let end = memory_ranges(memory)
        .last()
        .map_or(0, |&(start, size)| start + size);
    let start = end.max(HOLE_END).next_multiple_of(1 << 30);
    start..=start + HIGH_MMIO_SIZE - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hole_is_kept_free() {
        assert_eq!(memory_ranges(1 << 30), [(0, 1 << 30)]);
        assert_eq!(memory_ranges(4 << 30), [(0, HOLE), (HOLE_END, 1 << 30)]);
    }

    #[test]
    fn high_window_is_above_memory() {
        assert_eq!(high_mmio(512 << 20), 0x1_0000_0000..=0x1_ffff_ffff);
        assert_eq!(high_mmio(5 << 30), 0x1_8000_0000..=0x2_7fff_ffff);
    }
}
