// SPDX-License-Identifier: GPL-2.0

//! The files that a guest boots from.

use std::fs::File;
use std::io::{Read, Seek};
use std::path::Path;

use linux_loader::bootparam::setup_header;
use linux_loader::loader::{BzImage, KernelLoader};
use vm_memory::{Bytes, GuestAddress, GuestMemoryMmap};

use crate::vmm::error::{Error, Result};
use crate::vmm::layout;

/// `XLF_KERNEL_64` of the setup header: there is an entry point for 64-bit mode.
const XLF_KERNEL_64: u16 = 1 << 0;

/// The 64-bit entry point's distance from the start of the protected-mode kernel.
const ENTRY_64: u64 = 0x200;

/// The first boot protocol version with all the fields that are used here (2.12).
const PROTOCOL: u16 = 0x020c;

const PAGE: u64 = 4096;

/// A kernel in guest memory.
pub(super) struct Kernel {
    /// The setup header, as in the image.
    pub(super) header: setup_header,
    /// The 64-bit entry point.
    pub(super) entry: u64,
    /// The first address that neither the image nor its unpacking touches.
    pub(super) end: u64,
}

impl Kernel {
    /// The longest command line that the kernel takes.
    pub(super) fn cmdline_size(&self) -> usize {
        let room = layout::LOW_MEMORY_END - layout::CMDLINE - 1;
        u64::from(self.header.cmdline_size).min(room) as usize
    }
}

/// An initrd in guest memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Initrd {
    pub(super) start: u32,
    pub(super) size: u32,
}

/// Loads the bzImage at `path`.
pub(super) fn load_kernel(memory: &GuestMemoryMmap, path: &Path) -> Result<Kernel> {
    let refuse = |why: &str| Error::Kernel {
        path: path.to_owned(),
        why: why.to_owned(),
    };
    let mut file = open("kernel", path)?;
    let loaded = BzImage::load(
        memory,
        Some(GuestAddress(layout::KERNEL)),
        &mut file,
        Some(GuestAddress(layout::HIGH_MEMORY)),
    )
    .map_err(|error| {
        refuse(&format!(
            "it is not a bzImage that fits into memory ({error})"
        ))
    })?;
    let header = loaded
        .setup_header
        .ok_or_else(|| refuse("it has no setup header"))?;

    let (version, xloadflags) = (header.version, header.xloadflags);
    if version < PROTOCOL {
        return Err(refuse("its boot protocol is older than 2.12 (Linux 3.8)"));
    }
    if xloadflags & XLF_KERNEL_64 == 0 {
        return Err(refuse("it has no 64-bit entry point"));
    }
    let unpacked = header
        .pref_address
        .max(layout::KERNEL)
        .checked_add(u64::from(header.init_size))
        .ok_or_else(|| refuse("its size makes no sense"))?;
    Ok(Kernel {
        header,
        entry: layout::KERNEL + ENTRY_64,
        end: unpacked.max(loaded.kernel_end),
    })
}

/// Loads the initrd at `path` as high as the kernel can reach it.
pub(super) fn load_initrd(
    memory: &GuestMemoryMmap,
    path: &Path,
    kernel: &Kernel,
    memory_size: u64,
) -> Result<Initrd> {
    let mut file = open("initrd", path)?;
    let unreadable = |source| Error::File {
        what: "initrd",
        path: path.to_owned(),
        source,
    };
    let size = file.seek(std::io::SeekFrom::End(0)).map_err(unreadable)?;
    file.rewind().map_err(unreadable)?;
    let start = place_initrd(size, kernel, memory_size)?;
    copy(memory, start.into(), size, &mut file).map_err(|source| Error::File {
        what: "initrd",
        path: path.to_owned(),
        source,
    })?;
    Ok(Initrd {
        start,
        size: size as u32,
    })
}

/// Where an initrd of `size` bytes goes.
fn place_initrd(size: u64, kernel: &Kernel, memory_size: u64) -> Result<u32> {
    let reachable = u64::from(kernel.header.initrd_addr_max).saturating_add(1);
    let top = memory_size.min(layout::HOLE).min(reachable);
    let start = top.checked_sub(size).map(|start| start & !(PAGE - 1));
    match start.map(u32::try_from) {
        Some(Ok(start)) if u64::from(start) >= kernel.end => Ok(start),
        _ => Err(Error::TooLarge {
            what: "initrd",
            need: size,
            have: top.saturating_sub(kernel.end),
            hint: "give the guest more memory",
        }),
    }
}

/// Copies `size` bytes of `file` to `start`.
fn copy(memory: &GuestMemoryMmap, start: u64, size: u64, file: &mut File) -> std::io::Result<()> {
    let mut buffer = vec![0; 1 << 20];
    let mut done = 0;
    while done < size {
        let take = buffer.len().min((size - done) as usize);
        let (chunk, _) = buffer.split_at_mut(take);
        file.read_exact(chunk)?;
        memory
            .write_slice(chunk, GuestAddress(start + done))
            .map_err(std::io::Error::other)?;
        done += take as u64;
    }
    Ok(())
}

fn open(what: &'static str, path: &Path) -> Result<File> {
    File::open(path).map_err(|source| Error::File {
        what,
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kernel() -> Kernel {
        Kernel {
            header: setup_header {
                initrd_addr_max: 0x7fff_ffff,
                cmdline_size: 2047,
                ..Default::default()
            },
            entry: 0x10_0200,
            end: 48 << 20,
        }
    }

    #[test]
    fn initrd_is_at_the_top() {
        assert_eq!(
            place_initrd(5000, &kernel(), 128 << 20).unwrap(),
            (128 << 20) - 8192
        );
        assert_eq!(
            place_initrd(4096, &kernel(), 8 << 30).unwrap(),
            0x8000_0000 - 4096
        );
    }

    #[test]
    fn large_initrd_is_refused() {
        let error = place_initrd(81 << 20, &kernel(), 128 << 20).unwrap_err();
        assert!(
            error.to_string().contains("give the guest more memory"),
            "{error}"
        );
        assert!(place_initrd(u64::MAX, &kernel(), 128 << 20).is_err());
    }

    #[test]
    fn not_a_kernel() {
        let memory = GuestMemoryMmap::from_ranges(&[(GuestAddress(0), 4 << 20)]).unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), vec![0x90; 8192]).unwrap();
        assert!(matches!(
            load_kernel(&memory, file.path()),
            Err(Error::Kernel { .. })
        ));
        let nothing = Path::new("/nonexistent/vmlinuz");
        assert!(matches!(
            load_kernel(&memory, nothing),
            Err(Error::File { .. })
        ));
    }
}
