// SPDX-License-Identifier: GPL-2.0

//! Puts a Linux kernel into guest memory, ready to be entered in 64-bit mode
//! (Documentation/arch/x86/boot.rst, "64-bit boot protocol").

mod entry;
mod image;
mod zero_page;

use vm_memory::{Bytes, GuestAddress, GuestMemoryMmap};

use super::config::VmConfig;
use super::error::{Error, Result};
use super::layout;

pub(super) use entry::{long_mode, registers};

/// What the first processor has to know.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// The address of the kernel's 64-bit entry point.
    pub(super) address: u64,
}

/// Loads kernel, initrd and command line, and writes the zero page, page tables and descriptors.
pub(super) fn load(memory: &GuestMemoryMmap, config: &VmConfig) -> Result<Entry> {
    let kernel = image::load_kernel(memory, &config.kernel)?;
    let initrd = match &config.initrd {
        Some(path) => Some(image::load_initrd(memory, path, &kernel, config.memory)?),
        None => None,
    };
    write_cmdline(memory, &config.cmdline, &kernel)?;
    zero_page::write(memory, &kernel, initrd, config.memory)?;
    entry::write_tables(memory)?;
    Ok(Entry {
        address: kernel.entry,
    })
}

/// Writes the command line with its closing zero.
fn write_cmdline(memory: &GuestMemoryMmap, cmdline: &str, kernel: &image::Kernel) -> Result<()> {
    if cmdline.contains('\0') {
        return Err(Error::Config(
            "the kernel command line contains a NUL".to_owned(),
        ));
    }
    let have = kernel.cmdline_size();
    if cmdline.len() > have {
        return Err(Error::TooLarge {
            what: "kernel command line",
            need: cmdline.len() as u64,
            have: have as u64,
            hint: "shorten it",
        });
    }
    memory
        .write_slice(cmdline.as_bytes(), GuestAddress(layout::CMDLINE))
        .and_then(|()| memory.write_obj(0_u8, GuestAddress(layout::CMDLINE + cmdline.len() as u64)))
        .map_err(Error::memory)
}
