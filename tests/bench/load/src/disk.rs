// SPDX-License-Identifier: GPL-2.0

//! Reads and writes of a disk, past the page cache.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::OpenOptionsExt as _;

use crate::Operation;

const PAGE: usize = 4096;
const HUGE_PAGE: usize = 2 << 20;

/// Memory of its own for a transfer.
struct Buffer {
    start: *mut u8,
    len: usize,
}

impl Buffer {
    /// With `contiguous`, physically, too; else no two pages of it are neighbours.
    fn new(len: usize, contiguous: bool) -> io::Result<Self> {
        if contiguous {
            Self::contiguous(len)
        } else {
            Self::scattered(len)
        }
    }

    fn map(len: usize, flags: libc::c_int) -> io::Result<*mut u8> {
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let flags = flags | libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: New memory, at whatever address.
        let start = unsafe { libc::mmap(std::ptr::null_mut(), len, access, flags, -1, 0) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        Ok(start.cast())
    }

    /// In one huge page, of those that the kernel was told to set aside.
    fn contiguous(len: usize) -> io::Result<Self> {
        let start = Self::map(HUGE_PAGE, libc::MAP_HUGETLB)?;
        // SAFETY: The memory was just mapped, and reaches so far.
        unsafe { start.write_bytes(1, HUGE_PAGE) };
        Ok(Self { start, len })
    }

    /// Every page is exchanged for one that was touched much earlier or later.
    fn scattered(len: usize) -> io::Result<Self> {
        const SPREAD: usize = 16;

        let pool = Self::map(len * SPREAD, 0)?;
        // SAFETY: The memory was just mapped, and reaches so far.
        unsafe {
            libc::madvise(pool.cast(), len * SPREAD, libc::MADV_NOHUGEPAGE);
            pool.write_bytes(1, len * SPREAD);
        }
        let start = Self::map(len, 0)?;
        for (index, at) in (0..len).step_by(PAGE).enumerate() {
            // The page's position in the pool leaps back and forth.
            let from = index * SPREAD * PAGE % (len * SPREAD) + (index % 2) * 3 * PAGE;
            let flags = libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED;
            // SAFETY: Both pages are of mappings that nobody else uses.
            let moved = unsafe {
                let (from, to) = (pool.add(from).cast(), start.add(at));
                libc::mremap(from, PAGE, PAGE, flags, to)
            };
            if moved == libc::MAP_FAILED {
                return Err(io::Error::last_os_error());
            }
        }
        Ok(Self { start, len })
    }
}

/// Reads or writes of `len` bytes at random multiples of that.
pub fn operation(write: bool, device: &str, len: usize, contiguous: bool) -> io::Result<Operation> {
    let mut file = OpenOptions::new()
        .read(true)
        .write(write)
        .custom_flags(libc::O_DIRECT)
        .open(device)?;
    let places = file.seek(SeekFrom::End(0))? / len as u64;
    let buffer = Buffer::new(len, contiguous)?;
    let mut random: u64 = 1;
    Ok(Box::new(move || {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        transfer(&file, write, &buffer, (random >> 33) % places * len as u64)
    }))
}

fn transfer(file: &File, write: bool, buffer: &Buffer, at: u64) -> io::Result<()> {
    let (fd, start, len) = (file.as_raw_fd(), buffer.start.cast(), buffer.len);
    let at = libc::off_t::try_from(at).map_err(io::Error::other)?;
    // SAFETY: The buffer is so long, and nobody has a reference into it.
    let done = unsafe {
        if write {
            libc::pwrite(fd, start, len, at)
        } else {
            libc::pread(fd, start, len, at)
        }
    };
    match usize::try_from(done) {
        Ok(done) if done == len => Ok(()),
        Ok(done) => Err(io::Error::other(format!("{done} of {len} bytes"))),
        Err(_) => Err(io::Error::last_os_error()),
    }
}
