// SPDX-License-Identifier: GPL-2.0

//! The encodings of text: the host has UTF-16, the guest UTF-8. Both end at a zero, or where their
//! place ends.

/// The size of a unit of UTF-16.
const UNIT: usize = size_of::<u16>();

/// Converts UTF-16 with the low byte first. Returns the number of bytes written, which does not
/// count a terminator; none is written.
///
/// Halves of pairs are left out. What does not fit is cut off, between characters.
pub(crate) fn utf8_from_utf16(text: &[u8], out: &mut [u8]) -> usize {
    let units = text
        .chunks_exact(UNIT)
        .map(|unit| u16::from_le_bytes([unit[0], unit[1]]))
        .take_while(|&unit| unit != 0);
    let mut len = 0;
    for character in char::decode_utf16(units).flatten() {
        let mut bytes = [0; 4];
        let bytes = character.encode_utf8(&mut bytes).as_bytes();
        let end = len + bytes.len();
        let Some(place) = out.get_mut(len..end) else {
            break;
        };
        place.copy_from_slice(bytes);
        len = end;
    }
    len
}

/// Converts UTF-8. Returns the number of bytes written, which does not count a terminator; none is
/// written. [`None`] if it is not valid.
///
/// What does not fit is cut off, between characters.
pub(crate) fn utf16_from_utf8(text: &[u8], out: &mut [u8]) -> Option<usize> {
    let end = text.iter().position(|&byte| byte == 0);
    let text = core::str::from_utf8(text.get(..end.unwrap_or(text.len()))?).ok()?;
    let mut len = 0;
    for character in text.chars() {
        let end = len + character.len_utf16() * UNIT;
        let Some(place) = out.get_mut(len..end) else {
            break;
        };
        let mut units = [0; 2];
        for (place, unit) in place
            .chunks_exact_mut(UNIT)
            .zip(character.encode_utf16(&mut units))
        {
            place.copy_from_slice(&unit.to_le_bytes());
        }
        len = end;
    }
    Some(len)
}
