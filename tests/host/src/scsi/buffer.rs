// SPDX-License-Identifier: GPL-2.0

//! The data buffer of a command: a list of pieces of guest memory.
//!
//! Data moves between the pieces and a disk's file by `preadv`/`pwritev`, without a copy in between.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

use vm_memory::{GuestMemoryBackend, GuestMemoryMmap, VolatileSlice};

use crate::vmbus::channel::{GpaRange, MemoryError};
use crate::vmbus::gpa;

/// The most pieces that one `preadv` takes (`IOV_MAX`).
const MAX_PIECES: usize = 1024;

/// The data buffer of a command.
#[derive(Debug, Default)]
pub struct Buffer<'a> {
    pieces: Vec<VolatileSlice<'a>>,
    len: usize,
}

impl<'a> Buffer<'a> {
    /// The first `len` bytes of the guest memory that `ranges` name.
    ///
    /// # Errors
    ///
    /// Fails where they are shorter, or where there is no memory behind them.
    pub fn from_ranges(
        memory: &'a GuestMemoryMmap,
        ranges: &[GpaRange],
        len: usize,
    ) -> Result<Self, MemoryError> {
        let mut buffer = Buffer::default();
        for (address, len) in gpa::segments(ranges, 0, len)? {
            for piece in memory.get_slices(address, len) {
                buffer.push(piece.map_err(|_| MemoryError::Unbacked { address: address.0 })?);
            }
        }
        Ok(buffer)
    }

    /// A buffer that is one piece of ordinary memory.
    pub fn from_bytes(bytes: &'a mut [u8]) -> Self {
        let mut buffer = Buffer::default();
        buffer.push(VolatileSlice::from(bytes));
        buffer
    }

    fn push(&mut self, piece: VolatileSlice<'a>) {
        if !piece.is_empty() {
            self.len += piece.len();
            self.pieces.push(piece);
        }
    }

    /// The number of bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The part of at most `len` bytes from byte `at` on.
    pub fn part(&self, at: usize, len: usize) -> Buffer<'a> {
        let mut part = Buffer::default();
        let mut skip = at;
        for piece in &self.pieces {
            let from = skip.min(piece.len());
            skip -= from;
            let count = (piece.len() - from).min(len - part.len);
            if let Ok(piece) = piece.subslice(from, count) {
                part.push(piece);
            }
        }
        part
    }

    /// Copies from byte `at` on into `into`; returns how many bytes there were to copy.
    pub fn read(&self, at: usize, into: &mut [u8]) -> usize {
        let mut done = 0;
        for piece in &self.part(at, into.len()).pieces {
            done += piece.copy_to(&mut into[done..]);
        }
        done
    }

    /// Copies `from` to byte `at` on; returns how many bytes there was room for.
    pub fn write(&self, at: usize, from: &[u8]) -> usize {
        let mut done = 0;
        for piece in &self.part(at, from.len()).pieces {
            let count = piece.len();
            piece.copy_from(&from[done..done + count]);
            done += count;
        }
        done
    }

    /// Fills the whole buffer from `file` at `offset`, with zeroes where the file has ended.
    pub fn fill_from(&self, file: &File, offset: u64) -> io::Result<()> {
        let done = self.transfer(offset, |pieces, offset| {
            // SAFETY: each element of `pieces` names memory that `self` borrows and that may be
            // written, and there are at most MAX_PIECES of them.
            unsafe {
                libc::preadv(
                    file.as_raw_fd(),
                    pieces.as_ptr(),
                    pieces.len() as i32,
                    offset,
                )
            }
        })?;
        for piece in &self.part(done, self.len - done).pieces {
            piece.copy_from(&vec![0u8; piece.len()]);
        }
        Ok(())
    }

    /// Writes the whole buffer to `file` at `offset`.
    pub fn drain_to(&self, file: &File, offset: u64) -> io::Result<()> {
        let done = self.transfer(offset, |pieces, offset| {
            // SAFETY: each element of `pieces` names memory that `self` borrows, and there are at
            // most MAX_PIECES of them.
            unsafe {
                libc::pwritev(
                    file.as_raw_fd(),
                    pieces.as_ptr(),
                    pieces.len() as i32,
                    offset,
                )
            }
        })?;
        if done == self.len {
            Ok(())
        } else {
            Err(io::ErrorKind::WriteZero.into())
        }
    }

    /// Calls `call` with pieces and a file offset until all are transferred or it transfers
    /// nothing; returns how many bytes were.
    fn transfer(
        &self,
        offset: u64,
        call: impl Fn(&[libc::iovec], i64) -> isize,
    ) -> io::Result<usize> {
        let mut done = 0;
        while done < self.len {
            let rest = self.part(done, self.len - done);
            let guards: Vec<_> = rest
                .pieces
                .iter()
                .take(MAX_PIECES)
                .map(VolatileSlice::ptr_guard_mut)
                .collect();
            let pieces: Vec<_> = guards
                .iter()
                .map(|guard| libc::iovec {
                    iov_base: guard.as_ptr().cast(),
                    iov_len: guard.len(),
                })
                .collect();
            let at =
                i64::try_from(offset + done as u64).map_err(|_| io::ErrorKind::InvalidInput)?;
            match call(&pieces, at) {
                0 => break,
                count if count > 0 => done += count as usize,
                _ => {
                    let error = io::Error::last_os_error();
                    if error.kind() != io::ErrorKind::Interrupted {
                        return Err(error);
                    }
                }
            }
        }
        Ok(done)
    }
}
