// SPDX-License-Identifier: GPL-2.0

//! The buffers that a session shares with the host.

use super::wire::nvsp::Sections;
use kernel::prelude::*;
use vmbus::{
    ring::{
        slots::{
            self,
            Slots, //
        },
        HostMemory,
    },
    SharedBuffer, //
};

/// The largest receive buffer.
pub(crate) const MAX_RECEIVE: usize = 31 << 20;

/// The largest receive buffer for hosts up to version 2.
pub(crate) const MAX_RECEIVE_OLD: usize = 15 << 20;

/// The largest send buffer.
pub(crate) const MAX_SEND: usize = 15 << 20;

/// The fewest sections of a buffer.
pub(crate) const MIN_SECTIONS: u32 = 10;

/// How large a buffer is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    /// How many sections.
    pub(crate) count: u32,
    /// Of how many bytes each.
    pub(crate) len: u32,
}

impl Wanted {
    /// The receive buffer of a new device.
    pub(crate) const RECEIVE: Self = Self::of(16 << 20, 1728);

    /// The send buffer of a new device.
    pub(crate) const SEND: Self = Self::of(1 << 20, 6144);

    const fn of(bytes: u32, len: u32) -> Self {
        Self {
            count: bytes / len,
            len,
        }
    }

    /// The number of bytes, but no more than `most`.
    pub(crate) fn bytes(self, most: usize) -> usize {
        let bytes = u64::from(self.count) * u64::from(self.len);
        usize::try_from(bytes).map_or(most, |bytes| bytes.min(most))
    }
}

impl From<Sections> for Wanted {
    fn from(sections: Sections) -> Self {
        Self {
            count: sections.count,
            len: sections.len,
        }
    }
}

/// Where the host puts what it receives.
pub(crate) struct ReceiveBuffer {
    buffer: SharedBuffer,
    /// How the host divides it.
    pub(crate) sections: Sections,
}

impl ReceiveBuffer {
    /// A buffer that the host has divided.
    pub(crate) fn new(buffer: SharedBuffer, sections: Sections) -> Self {
        Self { buffer, sections }
    }

    /// The memory.
    #[inline]
    pub(crate) fn memory(&self) -> &HostMemory {
        self.buffer.memory()
    }

    /// Whether the host may say that a message is here.
    #[inline]
    pub(crate) fn contains(&self, offset: usize, len: usize) -> bool {
        let size = self.memory().size();
        // CAST: Widening.
        len <= self.sections.len as usize && offset <= size && len <= size - offset
    }
}

/// Where small frames are copied to, so that the host finds them in memory that it knows.
pub(crate) struct SendBuffer {
    buffer: SharedBuffer,
    /// How it is divided.
    pub(crate) sections: Sections,
    used: Slots,
}

impl SendBuffer {
    /// A buffer that the host has divided.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn new(buffer: SharedBuffer, sections: Sections) -> Result<Self> {
        // CAST: Widening.
        let used = slots::allocate(sections.count as usize)?;
        Ok(Self {
            buffer,
            sections,
            used,
        })
    }

    /// The memory.
    #[inline]
    pub(crate) fn memory(&self) -> &HostMemory {
        self.buffer.memory()
    }

    /// The length of a section.
    #[inline]
    pub(crate) fn section_len(&self) -> usize {
        // CAST: Widening.
        self.sections.len as usize
    }

    /// Takes a section, if there is one left.
    #[inline]
    pub(crate) fn take(&self, hint: usize) -> Option<u32> {
        // CAST: There are no more than 2^32 sections.
        Some(self.used.take(hint)?.keep() as u32)
    }

    /// Gives a section back.
    #[inline]
    pub(crate) fn give_back(&self, section: u32) {
        // CAST: Widening.
        self.used.give_back(section as usize);
    }
}
