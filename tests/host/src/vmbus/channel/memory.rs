// SPDX-License-Identifier: GPL-2.0

//! Guest memory that packets of a channel refer to.

use std::sync::Arc;

use super::{Channel, GpaRange, MemoryError, SharedMemory};
use crate::vmbus::gpa;
use crate::vmbus::stats::add;
use crate::vmbus::sync::read_lock;

impl Channel {
    /// The memory that the guest shares with this channel under `gpadl`. A guest that ends the
    /// sharing while the device still has it breaks the protocol.
    pub fn shared(&self, gpadl: u32) -> Option<SharedMemory> {
        let server = self.server.upgrade()?;
        let (pages, lease) = server.lend(self.relid, gpadl)?;
        Some(SharedMemory::new(Arc::clone(self.memory()), pages, lease))
    }

    /// Copies from guest buffers.
    ///
    /// # Errors
    ///
    /// Where the buffer is too short, is not memory, or the channel is closed.
    pub fn read_ranges(
        &self,
        ranges: &[GpaRange],
        at: usize,
        into: &mut [u8],
    ) -> Result<(), MemoryError> {
        let open = read_lock(&self.open);
        if !*open {
            return Err(MemoryError::Closed);
        }
        gpa::read(self.memory(), ranges, at, into)?;
        self.count_buffer_read(into.len());
        Ok(())
    }

    /// Copies into guest buffers.
    ///
    /// # Errors
    ///
    /// Where the buffer is too short, is not memory, or the channel is closed.
    pub fn write_ranges(
        &self,
        ranges: &[GpaRange],
        at: usize,
        from: &[u8],
    ) -> Result<(), MemoryError> {
        let open = read_lock(&self.open);
        if !*open {
            return Err(MemoryError::Closed);
        }
        gpa::write(self.memory(), ranges, at, from)?;
        self.count_buffer_written(from.len());
        Ok(())
    }

    /// Counts bytes that the device read from guest buffers by itself.
    pub fn count_buffer_read(&self, bytes: usize) {
        add(&self.counters.buffer_read, bytes);
        add(&self.services.totals().buffer_read, bytes);
    }

    /// Counts bytes that the device wrote to guest buffers by itself.
    pub fn count_buffer_written(&self, bytes: usize) {
        add(&self.counters.buffer_written, bytes);
        add(&self.services.totals().buffer_written, bytes);
    }
}
