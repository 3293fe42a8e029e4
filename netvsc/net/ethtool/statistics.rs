// SPDX-License-Identifier: GPL-2.0

//! Named numbers.

use core::fmt::Write as _;
use kernel::fmt;
use vmbus::bindings;

/// The length of a name, with a null byte at its end.
// CAST: A small constant.
const NAME: usize = bindings::ETH_GSTRING_LEN as usize;

/// Where the driver puts its numbers, or what they are called, or nothing but how many there are.
pub(crate) struct Statistics<'a> {
    count: usize,
    room: Room<'a>,
}

enum Room<'a> {
    None,
    Names(&'a mut [[u8; NAME]]),
    Values(&'a mut [u64]),
}

impl<'a> Statistics<'a> {
    pub(super) fn counting() -> Self {
        Self {
            count: 0,
            room: Room::None,
        }
    }

    pub(super) fn names(names: &'a mut [[u8; NAME]]) -> Self {
        Self {
            count: 0,
            room: Room::Names(names),
        }
    }

    pub(super) fn values(values: &'a mut [u64]) -> Self {
        Self {
            count: 0,
            room: Room::Values(values),
        }
    }

    /// How many numbers were added.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Adds a number. Of the name, 31 bytes are shown.
    pub(crate) fn add(&mut self, name: fmt::Arguments<'_>, value: u64) {
        match &mut self.room {
            Room::None => {}
            Room::Names(names) => {
                if let Some(slot) = names.get_mut(self.count) {
                    write_name(slot, name);
                }
            }
            Room::Values(values) => {
                if let Some(slot) = values.get_mut(self.count) {
                    *slot = value;
                }
            }
        }
        self.count = self.count.wrapping_add(1);
    }
}

fn write_name(slot: &mut [u8; NAME], name: fmt::Arguments<'_>) {
    *slot = [0; NAME];
    // The last byte stays null.
    let mut cursor = Cursor {
        slot: &mut slot[..NAME - 1],
    };
    // What does not fit is cut off.
    let _ = cursor.write_fmt(name);
}

/// Writes text to bytes until there are no more.
struct Cursor<'a> {
    slot: &'a mut [u8],
}

impl core::fmt::Write for Cursor<'_> {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        let slot = core::mem::take(&mut self.slot);
        let len = text.len().min(slot.len());
        let (now, later) = slot.split_at_mut(len);
        now.copy_from_slice(&text.as_bytes()[..len]);
        self.slot = later;
        Ok(())
    }
}
