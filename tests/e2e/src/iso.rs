// SPDX-License-Identifier: GPL-2.0

//! The smallest ISO 9660 image that Linux mounts: one folder with one file.

const SECTOR: usize = 2048;

const VOLUME: usize = 16;
const ROOT: usize = 18;
const DATA: usize = 19;

/// An image with a file `data.bin` of these contents.
pub fn image(contents: &[u8]) -> Vec<u8> {
    let sectors = DATA + contents.len().div_ceil(SECTOR);
    let mut image = vec![0; sectors * SECTOR];
    let root = record(&[0], ROOT, SECTOR, true);
    put(&mut image, VOLUME, &volume(sectors, &root));
    put(&mut image, VOLUME + 1, b"\xffCD001\x01");
    let file = record(b"DATA.BIN;1", DATA, contents.len(), false);
    let folder = [root, record(&[1], ROOT, SECTOR, true), file].concat();
    put(&mut image, ROOT, &folder);
    put(&mut image, DATA, contents);
    image
}

/// The primary volume descriptor.
fn volume(sectors: usize, root: &[u8]) -> Vec<u8> {
    let mut volume = vec![0; SECTOR];
    for (at, field) in [
        (0, b"\x01CD001\x01".to_vec()),
        (8, vec![b' '; 64]),
        (80, both_32(sectors)),
        (120, both_16(1)),
        (124, both_16(1)),
        (128, both_16(SECTOR)),
        (156, root.to_vec()),
        (881, vec![1]),
    ] {
        volume[at..at + field.len()].copy_from_slice(&field);
    }
    volume
}

/// The record of a folder or a file within a folder.
fn record(name: &[u8], sector: usize, bytes: usize, is_folder: bool) -> Vec<u8> {
    const DATE: [u8; 7] = [126, 1, 1, 0, 0, 0, 0];
    const FOLDER: u8 = 2;

    let mut record = vec![0, 0];
    record.extend(both_32(sector));
    record.extend(both_32(bytes));
    record.extend(DATE);
    record.extend([if is_folder { FOLDER } else { 0 }, 0, 0]);
    record.extend(both_16(1));
    record.push(name.len() as u8);
    record.extend(name);
    record.resize(record.len().next_multiple_of(2), 0);
    record[0] = record.len() as u8;
    record
}

/// A number in both byte orders.
fn both_32(number: usize) -> Vec<u8> {
    let number = number as u32;
    [number.to_le_bytes(), number.to_be_bytes()].concat()
}

fn both_16(number: usize) -> Vec<u8> {
    let number = number as u16;
    [number.to_le_bytes(), number.to_be_bytes()].concat()
}

fn put(image: &mut [u8], sector: usize, bytes: &[u8]) {
    let start = sector * SECTOR;
    image[start..start + bytes.len()].copy_from_slice(bytes);
}
