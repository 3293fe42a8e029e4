// SPDX-License-Identifier: GPL-2.0

//! What a host can do wrong.

/// Why a message of the host was not understood. The number is the one that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The message is shorter than its kind must be.
    Short(usize),
    /// A length in it does not fit.
    Length(u32),
    /// An offset in it is outside of it.
    Offset(u32),
    /// A count in it is not what it must be.
    Count(u32),
    /// Nobody knows such a message, or not here.
    Kind(u32),
    /// The information about a frame is not well-formed.
    Info(u32),
    /// A piece of a coalesced frame came without those before it.
    Sequence,
}
