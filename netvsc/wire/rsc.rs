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

    /// Takes a frame or a part of one, and returns the frame if it is whole. `is_last` says that the
    /// packet has no more ranges.
    ///
    /// # Errors
    ///
    /// A part is missing, or there are too many. What there was is forgotten.
    #[inline]
    pub(crate) fn add(
        &mut self,
        piece: Piece,
        info: &FrameInfo,
        is_last: bool,
    ) -> Result<Option<Frame<'_>>, Fault> {
        let result = self.try_add(piece, info, is_last);
        match result {
            Ok(false) => return Ok(None),
            Ok(true) => (),
            Err(fault) => {
                self.count = 0;
                return Err(fault);
            }
        }
        let count = core::mem::take(&mut self.count);
        Ok(Some(Frame {
            pieces: self.pieces.get(..count).unwrap_or_default(),
            len: self.len,
            info: &self.info,
        }))
    }

    #[inline]
    fn try_add(&mut self, piece: Piece, info: &FrameInfo, is_last: bool) -> Result<bool, Fault> {
        let mut is_whole = true;
        match info.part.filter(|part| Part::is_part(*part)) {
            None => self.count = 0,
            Some(part) => {
                if part.is_first() {
                    self.count = 0;
                } else if self.count == 0 {
                    return Err(Fault::Sequence);
                }
                is_whole = part.is_last();
                if !is_whole && is_last {
                    return Err(Fault::Sequence);
                }
            }
        }
        if self.count == 0 {
            self.len = 0;
            self.info = *info;
        }
        *self.pieces.get_mut(self.count).ok_or(Fault::Sequence)? = piece;
        self.count += 1;
        self.len = self.len.checked_add(piece.len).ok_or(Fault::Sequence)?;
        Ok(is_whole)
    }
}
