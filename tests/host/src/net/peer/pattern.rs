// SPDX-License-Identifier: GPL-2.0

//! Bytes that anybody can make again, and their checksum.

/// Byte number `at` of the pattern: each 64-bit word is its number, stirred.
pub fn byte(at: u64) -> u8 {
    let mut word = (at / 8).wrapping_add(0x9e37_79b9_7f4a_7c15);
    word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    (word >> (8 * (at % 8))) as u8
}

/// Fills `bytes` with the pattern from byte number `at` on.
pub fn fill(bytes: &mut [u8], at: u64) {
    for (byte_, number) in bytes.iter_mut().zip(at..) {
        *byte_ = byte(number);
    }
}

/// A CRC-32 as of Ethernet and gzip, that takes bytes piece by piece.
#[derive(Clone, Copy, Debug)]
pub struct Crc(u32);

impl Default for Crc {
    fn default() -> Self {
        Self(!0)
    }
}

/// The remainders of all bytes.
const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut index = 0;
    while index < table.len() {
        let mut value = index as u32;
        let mut bit = 0;
        while bit < 8 {
            value = value >> 1 ^ if value & 1 == 1 { 0xedb8_8320 } else { 0 };
            bit += 1;
        }
        table[index] = value;
        index += 1;
    }
    table
};

impl Crc {
    /// Takes bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0 >> 8 ^ TABLE[usize::from(self.0 as u8 ^ byte)];
        }
    }

    /// The value so far.
    pub fn value(self) -> u32 {
        !self.0
    }
}

/// The CRC-32 of the first `len` bytes of the pattern.
pub fn crc(len: u64) -> u32 {
    let mut crc = Crc::default();
    let mut bytes = [0; 4096];
    let mut at = 0;
    while at < len {
        let piece = (len - at).min(bytes.len() as u64);
        let bytes = &mut bytes[..piece as usize];
        fill(bytes, at);
        crc.update(bytes);
        at += piece;
    }
    crc.value()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_value() {
        let mut crc = Crc::default();
        crc.update(b"1234");
        crc.update(b"56789");
        assert_eq!(crc.value(), 0xcbf4_3926);
    }

    #[test]
    fn pieces_are_the_whole() {
        let mut whole = [0; 100];
        fill(&mut whole, 0);
        let mut piece = [0; 9];
        fill(&mut piece, 33);
        assert_eq!(piece, whole[33..42]);
        let mut sum = Crc::default();
        sum.update(&whole);
        assert_eq!(sum.value(), crc(100));
    }
}
