// SPDX-License-Identifier: GPL-2.0

//! The processor's state at the kernel's 64-bit entry point: long mode, flat segments, the first
//! 4 GiB mapped to themselves.

use kvm_bindings::{kvm_regs, kvm_segment, kvm_sregs};
use vm_memory::{Bytes, GuestAddress, GuestMemoryMmap};

use super::Entry;
use crate::vmm::error::{Error, Result};
use crate::vmm::layout;

/// `__BOOT_CS` and `__BOOT_DS` of the boot protocol.
const CODE: u16 = 0x10;
const DATA: u16 = 0x18;

/// Null, unused, 64-bit code, data.
const DESCRIPTORS: [u64; 4] = [0, 0, 0x00af_9b00_0000_ffff, 0x00cf_9300_0000_ffff];

const CR0_PE: u64 = 1 << 0;
const CR0_PG: u64 = 1 << 31;
const CR4_PAE: u64 = 1 << 5;
const EFER_LME: u64 = 1 << 8;
const EFER_LMA: u64 = 1 << 10;

const PTE_PRESENT_WRITABLE: u64 = 0b11;
const PTE_LARGE: u64 = 1 << 7;

const PAGE: u64 = 4096;

/// Writes descriptors and page tables.
pub(super) fn write_tables(memory: &GuestMemoryMmap) -> Result<()> {
    for (address, entry) in descriptors().chain(page_tables()) {
        memory
            .write_obj(entry, GuestAddress(address))
            .map_err(Error::memory)?;
    }
    Ok(())
}

fn descriptors() -> impl Iterator<Item = (u64, u64)> {
    (layout::GDT..).step_by(8).zip(DESCRIPTORS)
}

/// One page of the fourth level, one of the third, four of the second with 2 MiB pages.
fn page_tables() -> impl Iterator<Item = (u64, u64)> {
    let level4 = layout::PAGE_TABLES;
    let level3 = level4 + PAGE;
    let level2 = level3 + PAGE;
    let top = (level4, level3 | PTE_PRESENT_WRITABLE);
    let middle = (0..4).map(move |i| (level3 + i * 8, (level2 + i * PAGE) | PTE_PRESENT_WRITABLE));
    let leaves =
        (0..2048).map(move |i| (level2 + i * 8, (i << 21) | PTE_LARGE | PTE_PRESENT_WRITABLE));
    std::iter::once(top).chain(middle).chain(leaves)
}

/// Changes the reset state `sregs` into that of the entry point.
pub(in crate::vmm) fn long_mode(sregs: &mut kvm_sregs) {
    let data = kvm_segment {
        selector: DATA,
        limit: u32::MAX,
        type_: 0b0011,
        present: 1,
        s: 1,
        db: 1,
        g: 1,
        ..Default::default()
    };
    sregs.cs = kvm_segment {
        selector: CODE,
        type_: 0b1011,
        db: 0,
        l: 1,
        ..data
    };
    for segment in [
        &mut sregs.ds,
        &mut sregs.es,
        &mut sregs.ss,
        &mut sregs.fs,
        &mut sregs.gs,
    ] {
        *segment = data;
    }
    sregs.gdt.base = layout::GDT;
    sregs.gdt.limit = (size_of_val(&DESCRIPTORS) - 1) as u16;
    sregs.idt.base = 0;
    sregs.idt.limit = 0;
    sregs.cr0 |= CR0_PE | CR0_PG;
    sregs.cr3 = layout::PAGE_TABLES;
    sregs.cr4 |= CR4_PAE;
    sregs.efer |= EFER_LME | EFER_LMA;
}

/// The general registers at the entry point.
pub(in crate::vmm) fn registers(entry: Entry) -> kvm_regs {
    kvm_regs {
        rip: entry.address,
        rsi: layout::ZERO_PAGE,
        rsp: layout::BOOT_STACK,
        rflags: 1 << 1,
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_4_gib_map_to_themselves() {
        let tables: std::collections::HashMap<u64, u64> = page_tables().collect();
        for address in [0, 0x10_0200, 0x1234_5678, 0xffff_f000_u64] {
            let address_of = |entry: u64| entry & 0x000f_ffff_ffff_f000;
            let level4 = tables[&(layout::PAGE_TABLES + (address >> 39 & 511) * 8)];
            let level3 = tables[&(address_of(level4) + (address >> 30 & 511) * 8)];
            let level2 = tables[&(address_of(level3) + (address >> 21 & 511) * 8)];
            assert_eq!(address_of(level2), address & !0x1f_ffff);
        }
        assert!(
            tables
                .keys()
                .all(|&address| address < layout::PAGE_TABLES + 6 * PAGE)
        );
    }
}
