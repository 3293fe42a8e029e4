// SPDX-License-Identifier: GPL-2.0

//! The data of a command, mapped for the device.
//!
//! C header: [`include/linux/scatterlist.h`](srctree/include/linux/scatterlist.h)

use core::{
    marker::PhantomData,
    mem::MaybeUninit, //
};
use kernel::prelude::*;
use vmbus::bindings;

/// The mapped data of a command.
///
/// # Invariants
///
/// `list` is the start of a scatter list of which `entries` entries are mapped for `'a`.
pub(crate) struct Mapped<'a> {
    list: *mut bindings::scatterlist,
    entries: u32,
    _command: PhantomData<&'a ()>,
}

/// A piece of the data that is contiguous for the device.
#[derive(Clone, Copy)]
struct Segment {
    address: u64,
    length: u32,
}

impl<'a> Mapped<'a> {
    /// No data.
    pub(super) fn empty() -> Self {
        // INVARIANT: There are no entries.
        Self {
            list: core::ptr::null_mut(),
            entries: 0,
            _command: PhantomData,
        }
    }

    /// # Safety
    ///
    /// The first `entries` entries of `list` must be mapped for `'a`.
    #[inline]
    pub(super) unsafe fn new(list: *mut bindings::scatterlist, entries: u32) -> Self {
        // INVARIANT: By the safety requirements.
        Self {
            list,
            entries,
            _command: PhantomData,
        }
    }

    /// Whether there is no data.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.entries == 0
    }

    /// Reads an entry of the list.
    ///
    /// # Safety
    ///
    /// The entry must be one of those that are mapped.
    #[inline]
    unsafe fn segment(entry: *const bindings::scatterlist) -> Segment {
        // SAFETY: By the safety requirements, and the type invariants.
        unsafe {
            Segment {
                address: (*entry).dma_address,
                length: (*entry).dma_length,
            }
        }
    }

    /// The entry after one that is not the last.
    ///
    /// # Safety
    ///
    /// The list must have an entry after this one.
    #[inline]
    unsafe fn after(entry: *mut bindings::scatterlist) -> *mut bindings::scatterlist {
        const CHAIN: c_ulong = bindings::SG_CHAIN as c_ulong;
        const FLAGS: c_ulong = (bindings::SG_CHAIN | bindings::SG_END) as c_ulong;

        let next = entry.wrapping_add(1);
        // SAFETY: By the safety requirements, something follows: the next entry, or a pointer to it.
        let link = unsafe { (*next).page_link };
        if link & CHAIN == 0 {
            next
        } else {
            // CAST: The rest of the word is the pointer.
            (link & !FLAGS) as *mut bindings::scatterlist
        }
    }

    #[inline]
    fn segments(&self) -> impl Iterator<Item = Segment> + 'a {
        let (mut entry, mut left) = (self.list, self.entries);
        core::iter::from_fn(move || {
            if left == 0 {
                return None;
            }
            // SAFETY: There was at least one entry left, which is this one.
            let segment = unsafe { Self::segment(entry) };
            left -= 1;
            if left != 0 {
                // SAFETY: By the type invariants, the entry is valid and another one follows.
                entry = unsafe { Self::after(entry) };
            }
            Some(segment)
        })
    }

    /// Where the data starts within a frame of `1 << shift` bytes.
    #[inline]
    pub(crate) fn offset(&self, shift: u32) -> u32 {
        if self.is_empty() {
            return 0;
        }
        // SAFETY: There is at least one entry.
        let first = unsafe { Self::segment(self.list) };
        // CAST: The mask makes it fit, as frames are smaller than 4 GiB.
        (first.address & ((1 << shift) - 1)) as u32
    }

    /// Writes the numbers of the frames of `1 << shift` bytes that hold the data to `room`, and
    /// returns them; [`None`] if there is not enough room, or if a segment other than the first and
    /// the last begins or ends within a frame.
    #[inline]
    pub(crate) fn write_frames<'f>(
        &self,
        shift: u32,
        room: &'f mut [MaybeUninit<u64>],
    ) -> Option<&'f [u64]> {
        let within_frame = (1 << shift) - 1;
        let mut count = 0;
        let mut seam = 0;
        for Segment { address, length } in self.segments() {
            if count != 0 && (seam | address) & within_frame != 0 {
                return None;
            }
            let end = address.wrapping_add(length.into());
            // There is one frame at least, and the number of the last one is not below the first.
            let (first, last) = (address >> shift, end.wrapping_sub(1) >> shift);
            room.get_mut(count)?.write(first);
            count += 1;
            if last > first {
                // CAST: From 64 bits to the size of a pointer.
                let more = (last - first) as usize;
                count_up(room.get_mut(count..)?.get_mut(..more)?, first);
                count += more;
            }
            seam = end;
        }
        let written: *const [MaybeUninit<u64>] = room.get(..count)?;
        // SAFETY: All of these were written just now, and nobody writes there for `'f`.
        Some(unsafe { &*(written as *const [u64]) })
    }
}

/// Writes the numbers that follow `last` to all of `places`: most of a large transfer is here.
#[inline(never)]
fn count_up(places: &mut [MaybeUninit<u64>], mut last: u64) {
    const AT_ONCE: usize = 8;

    let mut several = places.chunks_exact_mut(AT_ONCE);
    for places in &mut several {
        for (number, place) in (1..).zip(places) {
            place.write(last.wrapping_add(number));
        }
        last = last.wrapping_add(AT_ONCE as u64);
    }
    for place in several.into_remainder() {
        last = last.wrapping_add(1);
        place.write(last);
    }
}
