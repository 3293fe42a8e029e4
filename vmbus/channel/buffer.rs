// SPDX-License-Identifier: GPL-2.0

//! Memory of a driver that it shares with a device for as long as its channel is open, and longer.

use kernel::{
    prelude::*,
    sync::Arc, //
};

use super::{
    gpadl::Gpadl,
    Channel, //
};
use crate::ring::HostMemory;

/// Memory that the host reads and writes.
///
/// To be dropped in process context, after the channel was closed. That ends the sharing; memory
/// that the host does not give back is never used again.
pub struct SharedBuffer {
    memory: HostMemory,
    gpadl: Gpadl,
}

impl SharedBuffer {
    /// Allocates `bytes` bytes, rounded up to whole pages, and shares them with the device behind
    /// `channel`. They begin with zeros.
    ///
    /// # Errors
    ///
    /// `ENODEV` when the channel is rescinded; `EDQUOT` when the host does not want any more;
    /// `ETIMEDOUT` when it does not answer; `EINVAL` for no bytes or too many; `ENOMEM`; errors of
    /// sending messages.
    pub fn new(channel: &Arc<Channel>, bytes: usize) -> Result<Self> {
        let memory = HostMemory::allocate(bytes, channel.numa_node())?;
        let (gpadl, result) = Gpadl::share(channel, memory.pfns());
        let buffer = Self { memory, gpadl };
        result.map(|()| buffer)
    }

    /// The name of the memory, for messages to the device.
    pub fn gpadl(&self) -> u32 {
        self.gpadl.handle()
    }

    /// The memory.
    #[inline]
    pub fn memory(&self) -> &HostMemory {
        &self.memory
    }
}

impl Drop for SharedBuffer {
    fn drop(&mut self) {
        if !self.gpadl.end("buffer") {
            self.memory.leak();
        }
    }
}
