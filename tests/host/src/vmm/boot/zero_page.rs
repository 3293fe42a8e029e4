// SPDX-License-Identifier: GPL-2.0

//! The zero page: `struct boot_params`, which tells the kernel about memory, command line, initrd
//! and ACPI tables.

use linux_loader::bootparam::{boot_e820_entry, boot_params};
use vm_memory::{Bytes, GuestAddress, GuestMemoryMmap};

use super::image::{Initrd, Kernel};
use crate::vmm::error::{Error, Result};
use crate::vmm::layout;

/// A boot loader without a number of its own.
const LOADER_UNDEFINED: u8 = 0xff;

const E820_RAM: u32 = 1;
const E820_RESERVED: u32 = 2;

/// Writes the zero page.
pub(super) fn write(
    memory: &GuestMemoryMmap,
    kernel: &Kernel,
    initrd: Option<Initrd>,
    memory_size: u64,
) -> Result<()> {
    let params = build(kernel, initrd, memory_size);
    memory
        .write_obj(params, GuestAddress(layout::ZERO_PAGE))
        .map_err(Error::memory)
}

fn build(kernel: &Kernel, initrd: Option<Initrd>, memory_size: u64) -> boot_params {
    let mut params = boot_params {
        hdr: kernel.header,
        acpi_rsdp_addr: layout::ACPI_TABLES,
        ..Default::default()
    };
    params.hdr.type_of_loader = LOADER_UNDEFINED;
    params.hdr.cmd_line_ptr = layout::CMDLINE as u32;
    if let Some(initrd) = initrd {
        params.hdr.ramdisk_image = initrd.start;
        params.hdr.ramdisk_size = initrd.size;
    }
    let map = memory_map(memory_size);
    for (entry, range) in params.e820_table.iter_mut().zip(&map) {
        *entry = *range;
    }
    params.e820_entries = map.len() as u8;
    params
}

/// The memory map.
fn memory_map(memory_size: u64) -> Vec<boot_e820_entry> {
    let entry = |start, end, kind| boot_e820_entry {
        addr: start,
        size: end - start,
        r#type: kind,
    };
    let mut map = vec![
        entry(0, layout::LOW_MEMORY_END, E820_RAM),
        entry(layout::LOW_MEMORY_END, layout::HIGH_MEMORY, E820_RESERVED),
    ];
    for (start, size) in layout::memory_ranges(memory_size) {
        map.push(entry(
            start.max(layout::HIGH_MEMORY),
            start + size,
            E820_RAM,
        ));
    }
    map
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields() {
        let kernel = Kernel {
            header: Default::default(),
            entry: 0,
            end: 0,
        };
        let initrd = Some(Initrd {
            start: 0x300_0000,
            size: 0x1234,
        });
        let params = build(&kernel, initrd, 1 << 30);
        let header = params.hdr;
        assert_eq!({ header.ramdisk_image }, 0x300_0000);
        assert_eq!({ header.ramdisk_size }, 0x1234);
        assert_eq!({ header.cmd_line_ptr }, 0x2_0000);
        assert_eq!({ params.acpi_rsdp_addr }, 0xe_0000);
        assert_eq!(params.e820_entries, 3);
        assert_eq!(size_of::<boot_params>(), 4096);
    }

    #[test]
    fn map_covers_memory_once() {
        for size in [128 << 20, 3 << 30, 5_u64 << 30] {
            let map = memory_map(size);
            let mut end = 0;
            for entry in &map {
                assert!({ entry.addr } >= end);
                end = entry.addr + entry.size;
            }
            let total: u64 = map.iter().map(|entry| entry.size).sum();
            assert_eq!(total, size);
        }
    }
}
