// SPDX-License-Identifier: GPL-2.0

//! The data of a command, mapped for the device.
//!
//! C header: [`include/linux/scatterlist.h`](srctree/include/linux/scatterlist.h)

use core::{
    marker::PhantomData,
    mem::MaybeUninit, //
};
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

    #[inline]
    fn segments(&self) -> impl Iterator<Item = Segment> + 'a {
        let (mut entry, mut left) = (self.list, self.entries);
        core::iter::from_fn(move || {
            left = left.checked_sub(1)?;
            // SAFETY: By the type invariants, this is one of the mapped entries.
            let segment = unsafe {
                Segment {
                    address: (*entry).dma_address,
                    length: (*entry).dma_length,
                }
            };
            // SAFETY: As above; the function follows chained lists and ends with a null pointer,
            // which is not used because then nothing is left.
            entry = unsafe { bindings::sg_next(entry) };
            Some(segment)
        })
    }

    /// Where the data starts within a frame of `1 << shift` bytes.
    #[inline]
    pub(crate) fn offset(&self, shift: u32) -> u32 {
        let mask = (1u64 << shift) - 1;
        self.segments()
            .next()
            // CAST: The mask makes it fit, as frames are smaller than 4 GiB.
            .map_or(0, |segment| (segment.address & mask) as u32)
    }

    /// Writes the numbers of the frames of `1 << shift` bytes that hold the data to `room`, and
    /// returns them; [`None`] if there is not enough room.
    #[inline]
    pub(crate) fn write_frames<'f>(&self, shift: u32, room: &'f mut [u64]) -> Option<&'f [u64]> {
        let mut places = room.iter_mut();
        let count = self.for_each_frame(shift, |frame| {
            *places.next()? = frame;
            Some(())
        })?;
        room.get(..count)
    }

    /// As [`Self::write_frames`], to a place of its own.
    #[inline]
    pub(crate) fn frames<const N: usize>(&self, shift: u32) -> Option<Frames<N>> {
        let mut frames = Frames {
            count: 0,
            frames: [const { MaybeUninit::uninit() }; N],
        };
        let mut places = frames.frames.iter_mut();
        // INVARIANT: That many were written, from the start.
        frames.count = self.for_each_frame(shift, |frame| {
            places.next()?.write(frame);
            Some(())
        })?;
        Some(frames)
    }

    /// Calls `put` for each frame until it returns [`None`]; returns how many there are.
    #[inline]
    fn for_each_frame(&self, shift: u32, mut put: impl FnMut(u64) -> Option<()>) -> Option<usize> {
        let mut count = 0;
        for Segment { address, length } in self.segments() {
            let end = address.checked_add(u64::from(length.checked_sub(1)?))?;
            for frame in address >> shift..=end >> shift {
                put(frame)?;
                count += 1;
            }
        }
        Some(count)
    }
}

/// The numbers of up to `N` frames.
///
/// # Invariants
///
/// The first `count` of `frames` are initialised.
pub(crate) struct Frames<const N: usize> {
    count: usize,
    frames: [MaybeUninit<u64>; N],
}

impl<const N: usize> Frames<N> {
    /// The numbers.
    #[inline]
    pub(crate) fn as_slice(&self) -> &[u64] {
        // SAFETY: By the type invariants, that many are initialised, and there are as many.
        unsafe { core::slice::from_raw_parts(self.frames.as_ptr().cast(), self.count) }
    }
}
