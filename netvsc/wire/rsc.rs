// SPDX-License-Identifier: GPL-2.0

//! Coalesced frames, which come in parts.
//!
//! All parts of a frame are ranges of one packet, in order. What was said about the first part holds
//! for the frame.

use super::{
    info::{
        FrameInfo,
        Part, //
    },
    Fault, //
};

/// The most parts of a frame.
pub(crate) const MAX_PARTS: usize = 562;

/// Where a part is in the receive buffer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Piece {
    /// Where it begins.
    pub(crate) offset: usize,
    /// Its length.
    pub(crate) len: usize,
}

/// A frame in the making. `P` is room for pieces.
#[derive(Debug)]
pub(crate) struct Assembly<P> {
    pieces: P,
    count: usize,
    len: usize,
    info: FrameInfo,
}

/// A whole frame.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame<'a> {
    /// Its parts, in order.
    pub(crate) pieces: &'a [Piece],
    /// The length of all of them.
    pub(crate) len: usize,
    /// What the host said about it.
    pub(crate) info: &'a FrameInfo,
}

impl<'a> Frame<'a> {
    /// A frame that came as a whole.
    #[inline(always)]
    pub(crate) fn whole(piece: &'a Piece, info: &'a FrameInfo) -> Self {
        Self {
            pieces: core::slice::from_ref(piece),
            len: piece.len,
            info,
        }
    }
}

impl<P: core::ops::DerefMut<Target = [Piece]>> Assembly<P> {
    /// Begins with nothing.
    pub(crate) fn new(pieces: P) -> Self {
        Self {
            pieces,
            count: 0,
            len: 0,
            info: FrameInfo::default(),
        }
    }

    /// Forgets the parts of a frame that will not be whole.
    #[inline]
    pub(crate) fn reset(&mut self) {
        self.count = 0;
    }

    /// Takes a part of a frame, and returns the frame if it is whole. `is_last` says that the packet
    /// has no more ranges.
    ///
    /// # Errors
    ///
    /// A part is missing, or there are too many. What there was is forgotten.
    pub(crate) fn add(
        &mut self,
        part: Part,
        piece: Piece,
        info: &FrameInfo,
        is_last: bool,
    ) -> Result<Option<Frame<'_>>, Fault> {
        let count = core::mem::take(&mut self.count);
        let is_whole = part.is_last();
        if (count == 0 && !part.is_first()) || (is_last && !is_whole) {
            return Err(Fault::Sequence);
        }
        let count = if part.is_first() { 0 } else { count };
        if count == 0 {
            self.len = 0;
            self.info = *info;
        }
        *self.pieces.get_mut(count).ok_or(Fault::Sequence)? = piece;
        self.len = self.len.checked_add(piece.len).ok_or(Fault::Sequence)?;
        if !is_whole {
            self.count = count + 1;
            return Ok(None);
        }
        Ok(Some(Frame {
            pieces: self.pieces.get(..=count).unwrap_or_default(),
            len: self.len,
            info: &self.info,
        }))
    }
}
