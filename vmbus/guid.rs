// SPDX-License-Identifier: GPL-2.0

//! GUIDs: how device classes and device instances are named on the bus.
//!
//! C header: [`include/linux/uuid.h`](srctree/include/linux/uuid.h)

use core::fmt;
use zerocopy_derive::{
    FromBytes,
    Immutable,
    IntoBytes,
    KnownLayout,
    Unaligned, //
};

/// The number of characters in the text form of a GUID.
const TEXT_LEN: usize = 36;

/// For each byte in memory, where its first hexadecimal digit is in the text form.
const DIGITS: [usize; 16] = [6, 4, 2, 0, 11, 9, 16, 14, 19, 21, 24, 26, 28, 30, 32, 34];

/// A GUID in its memory layout: the first three fields little endian, the others as written.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    FromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
    Unaligned,
)]
#[repr(transparent)]
pub struct Guid([u8; 16]);

impl Guid {
    /// The GUID of all zeros.
    pub const NULL: Self = Self([0; 16]);

    /// Makes a GUID from its memory layout.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The memory layout.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Parses the text form, such as `f8615163-df3e-46c5-913f-f2d2f965ed0e`, in either case.
    pub const fn parse(text: &str) -> Option<Self> {
        let text = text.as_bytes();
        if text.len() != TEXT_LEN
            || text[8] != b'-'
            || text[13] != b'-'
            || text[18] != b'-'
            || text[23] != b'-'
        {
            return None;
        }
        let mut bytes = [0; 16];
        let mut i = 0;
        while i < bytes.len() {
            bytes[i] = match (nibble(text[DIGITS[i]]), nibble(text[DIGITS[i] + 1])) {
                (Some(high), Some(low)) => high << 4 | low,
                _ => return None,
            };
            i += 1;
        }
        Some(Self(bytes))
    }
}

const fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let b = &self.0;
        write!(
            f,
            "{:02x}{:02x}{:02x}{:02x}-{:02x}{:02x}-{:02x}{:02x}-{:02x}{:02x}-",
            b[3], b[2], b[1], b[0], b[5], b[4], b[7], b[6], b[8], b[9]
        )?;
        b[10..].iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Makes a constant [`Guid`] from its text form; a malformed one fails to compile.
#[macro_export]
macro_rules! guid {
    ($text:literal) => {
        const {
            match $crate::guid::Guid::parse($text) {
                Some(guid) => guid,
                None => panic!("malformed GUID"),
            }
        }
    };
}
pub use guid;
