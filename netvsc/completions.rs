// SPDX-License-Identifier: GPL-2.0

//! Answers to what the host sent, until there is a good moment to send them.

use super::wire::nvsp::Status;
use kernel::prelude::*;

/// An answer: the transaction, and how it fared.
#[derive(Clone, Copy)]
pub(crate) struct Pending {
    /// What it answers.
    pub(crate) transaction: u64,
    /// How that fared.
    pub(crate) status: Status,
}

/// Answers in the order in which they are to be sent.
pub(crate) struct Completions {
    slots: KVVec<Pending>,
    first: usize,
    len: usize,
}

impl Completions {
    /// Makes room for `count` answers.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn new(count: usize) -> Result<Self> {
        let empty = Pending {
            transaction: 0,
            status: Status::SUCCESS,
        };
        Ok(Self {
            slots: KVVec::from_elem(empty, count, GFP_KERNEL)?,
            first: 0,
            len: 0,
        })
    }

    /// How many there are.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Adds one, unless there is no room.
    #[inline]
    #[must_use]
    pub(crate) fn push(&mut self, pending: Pending) -> Option<()> {
        if self.len >= self.slots.len() {
            return None;
        }
        let index = self.wrap(self.first + self.len);
        *self.slots.get_mut(index)? = pending;
        self.len += 1;
        Some(())
    }

    /// The first one.
    #[inline]
    pub(crate) fn first(&self) -> Option<Pending> {
        if self.len == 0 {
            return None;
        }
        self.slots.get(self.first).copied()
    }

    /// Removes the first one.
    #[inline]
    pub(crate) fn pop(&mut self) {
        if self.len != 0 {
            self.first = self.wrap(self.first + 1);
            self.len -= 1;
        }
    }

    /// Both numbers are less than the number of slots, so that once is enough.
    #[inline]
    fn wrap(&self, index: usize) -> usize {
        if index >= self.slots.len() {
            index - self.slots.len()
        } else {
            index
        }
    }
}
