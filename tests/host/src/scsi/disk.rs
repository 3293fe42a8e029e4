// SPDX-License-Identifier: GPL-2.0

//! The disks: a file, or anonymous memory that is a file too. Both are sparse.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::FromRawFd;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use vmm_sys_util::fallocate::{FallocateMode, fallocate};

use super::buffer::Buffer;

/// Bytes in a logical block.
pub const BLOCK: u64 = 512;

/// Bytes in a physical block, as a power of two of logical ones.
pub const PHYSICAL_EXPONENT: u8 = 3;

/// Why a disk refused.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// The blocks are not all on the disk.
    #[error("beyond the last block")]
    OutOfRange,
    /// The disk is read-only.
    #[error("the disk is read-only")]
    ReadOnly,
    /// The file below could not be read.
    #[error("reading the backing file: {0}")]
    Read(io::Error),
    /// The file below could not be written.
    #[error("writing the backing file: {0}")]
    Write(io::Error),
}

/// What has been done to a disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DiskStats {
    /// Reads.
    pub reads: u64,
    /// Writes, WRITE SAME included.
    pub writes: u64,
    /// Ranges unmapped.
    pub unmaps: u64,
    /// Flushes.
    pub flushes: u64,
    /// Bytes read.
    pub bytes_read: u64,
    /// Bytes written.
    pub bytes_written: u64,
}

/// One change of a disk's content, in the order in which they were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// The first block.
    pub lba: u64,
    /// The number of blocks.
    pub blocks: u64,
    /// Whether the blocks were unmapped rather than written.
    pub unmapped: bool,
}

/// A disk.
#[derive(Debug)]
pub struct Disk {
    file: File,
    blocks: AtomicU64,
    read_only: bool,
    thin: bool,
    write_cache: bool,
    serial: String,
    stats: Mutex<DiskStats>,
    log: Mutex<Option<Vec<Change>>>,
}

impl Disk {
    /// A disk of `bytes` zero bytes in memory, rounded down to whole blocks.
    pub fn memory(bytes: u64) -> io::Result<Self> {
        // SAFETY: the name is a terminated string; the call touches no other memory.
        let fd = unsafe { libc::memfd_create(c"disk".as_ptr(), libc::MFD_CLOEXEC) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: memfd_create just returned this descriptor and nothing else owns it.
        let file = unsafe { File::from_raw_fd(fd) };
        file.set_len(bytes)?;
        Self::new(file, false)
    }

    /// The disk whose content is the file at `path`.
    pub fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        Self::new(OpenOptions::new().read(true).write(true).open(path)?, false)
    }

    /// The read-only disk whose content is the file at `path`.
    pub fn open_read_only(path: impl AsRef<Path>) -> io::Result<Self> {
        Self::new(File::open(path)?, true)
    }

    fn new(file: File, read_only: bool) -> io::Result<Self> {
        let blocks = file.metadata()?.len() / BLOCK;
        if blocks == 0 {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "a disk has a block at least",
            ));
        }
        Ok(Disk {
            file,
            blocks: AtomicU64::new(blocks),
            read_only,
            thin: true,
            write_cache: true,
            serial: String::from("0001"),
            stats: Mutex::default(),
            log: Mutex::default(),
        })
    }

    /// Makes the disk refuse writes.
    pub fn with_write_protection(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// Makes the disk refuse UNMAP, as a fully provisioned one.
    pub fn with_full_provisioning(mut self) -> Self {
        self.thin = false;
        self
    }

    /// Makes the disk report no volatile write cache.
    pub fn without_write_cache(mut self) -> Self {
        self.write_cache = false;
        self
    }

    /// Sets the serial number (its first 32 characters), which must differ from disk to disk where
    /// the guest compares them.
    pub fn with_serial(mut self, serial: &str) -> Self {
        self.serial = serial
            .chars()
            .filter(char::is_ascii_graphic)
            .take(32)
            .collect();
        self
    }

    /// The serial number: at most 32 ASCII characters.
    pub fn serial(&self) -> &str {
        &self.serial
    }

    /// Whether the disk refuses writes.
    pub fn is_read_only(&self) -> bool {
        self.read_only
    }

    /// Whether blocks can be unmapped.
    pub fn is_thin(&self) -> bool {
        self.thin
    }

    /// Whether there is a volatile write cache.
    pub fn has_write_cache(&self) -> bool {
        self.write_cache
    }

    /// The number of blocks now.
    pub fn blocks(&self) -> u64 {
        self.blocks.load(Relaxed)
    }

    /// What has been done so far.
    pub fn stats(&self) -> DiskStats {
        *self.stats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts to record the changes, or drops the record and starts anew.
    pub fn start_log(&self) {
        *self.log.lock().unwrap_or_else(PoisonError::into_inner) = Some(Vec::new());
    }

    /// Stops recording the changes and returns the record.
    pub fn stop_log(&self) -> Vec<Change> {
        self.log
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
            .unwrap_or_default()
    }

    /// Changes the size to `bytes`, rounded down to whole blocks. The guest is not told; see
    /// [`Controller::resize`](super::Controller::resize).
    pub fn resize(&self, bytes: u64) -> io::Result<()> {
        let blocks = bytes / BLOCK;
        if blocks == 0 {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        self.file.set_len(blocks * BLOCK)?;
        self.blocks.store(blocks, Relaxed);
        Ok(())
    }

    /// The byte offset of block `lba`, where that and the following `blocks` are on the disk.
    pub fn locate(&self, lba: u64, blocks: u64) -> Result<u64, DiskError> {
        match lba.checked_add(blocks) {
            Some(end) if end <= self.blocks() => Ok(lba * BLOCK),
            _ => Err(DiskError::OutOfRange),
        }
    }

    /// Reads `into.len()` bytes from block `lba` on.
    pub fn read(&self, lba: u64, into: &Buffer<'_>) -> Result<(), DiskError> {
        let offset = self.locate(lba, blocks_of(into))?;
        into.fill_from(&self.file, offset)
            .map_err(DiskError::Read)?;
        self.count(|stats| {
            stats.reads += 1;
            stats.bytes_read += into.len() as u64;
        });
        Ok(())
    }

    /// Whether the bytes from block `lba` on are those of `data`.
    pub fn compare(&self, lba: u64, data: &Buffer<'_>) -> Result<bool, DiskError> {
        let offset = self.locate(lba, blocks_of(data))?;
        let mut ours = [0; BLOCK as usize];
        let mut theirs = [0; BLOCK as usize];
        for at in (0..data.len()).step_by(ours.len()) {
            let count = data.read(at, &mut theirs);
            let from = offset + at as u64;
            self.file
                .read_exact_at(&mut ours[..count], from)
                .map_err(DiskError::Read)?;
            if ours[..count] != theirs[..count] {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Writes `from` from block `lba` on.
    pub fn write(&self, lba: u64, from: &Buffer<'_>) -> Result<(), DiskError> {
        let blocks = blocks_of(from);
        let offset = self.locate_to_write(lba, blocks)?;
        from.drain_to(&self.file, offset)
            .map_err(DiskError::Write)?;
        self.wrote(lba, blocks, from.len() as u64);
        Ok(())
    }

    /// Writes `block` to each of `blocks` blocks from `lba` on.
    pub fn fill(
        &self,
        lba: u64,
        blocks: u64,
        block: &[u8; BLOCK as usize],
    ) -> Result<(), DiskError> {
        const CHUNK: u64 = 64;
        let offset = self.locate_to_write(lba, blocks)?;
        let chunk = block.repeat(blocks.min(CHUNK) as usize);
        let mut done = 0;
        while done < blocks {
            let count = (blocks - done).min(CHUNK);
            let bytes = &chunk[..(count * BLOCK) as usize];
            self.file
                .write_all_at(bytes, offset + done * BLOCK)
                .map_err(DiskError::Write)?;
            done += count;
        }
        self.wrote(lba, blocks, blocks * BLOCK);
        Ok(())
    }

    /// Unmaps `blocks` blocks from `lba` on: they read as zeroes.
    pub fn unmap(&self, lba: u64, blocks: u64) -> Result<(), DiskError> {
        let offset = self.locate_to_write(lba, blocks)?;
        if blocks == 0 {
            return Ok(());
        }
        fallocate(
            &self.file,
            FallocateMode::PunchHole,
            true,
            offset,
            blocks * BLOCK,
        )
        .map_err(|error| DiskError::Write(error.into()))?;
        self.count(|stats| stats.unmaps += 1);
        self.note(Change {
            lba,
            blocks,
            unmapped: true,
        });
        Ok(())
    }

    /// Makes what was written durable.
    pub fn flush(&self) -> Result<(), DiskError> {
        self.file.sync_data().map_err(DiskError::Write)?;
        self.count(|stats| stats.flushes += 1);
        Ok(())
    }

    fn locate_to_write(&self, lba: u64, blocks: u64) -> Result<u64, DiskError> {
        if self.read_only {
            return Err(DiskError::ReadOnly);
        }
        self.locate(lba, blocks)
    }

    fn wrote(&self, lba: u64, blocks: u64, bytes: u64) {
        self.count(|stats| {
            stats.writes += 1;
            stats.bytes_written += bytes;
        });
        self.note(Change {
            lba,
            blocks,
            unmapped: false,
        });
    }

    fn count(&self, update: impl FnOnce(&mut DiskStats)) {
        update(&mut self.stats.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn note(&self, change: Change) {
        if let Some(log) = &mut *self.log.lock().unwrap_or_else(PoisonError::into_inner) {
            log.push(change);
        }
    }
}

fn blocks_of(buffer: &Buffer<'_>) -> u64 {
    (buffer.len() as u64).div_ceil(BLOCK)
}
