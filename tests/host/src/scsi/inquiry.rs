// SPDX-License-Identifier: GPL-2.0

//! INQUIRY (SPC-4 section 6.4): who the unit is, with the names and versions that Hyper-V gives.

use super::command::{Ended, Request};
use super::disk::{BLOCK, Disk, PHYSICAL_EXPONENT};
use super::protocol::Version;
use super::provision::{MAX_UNMAP_BLOCKS, MAX_UNMAP_DESCRIPTORS, MAX_WRITE_SAME_BLOCKS};
use super::sense::Sense;

const VENDOR: &[u8; 8] = b"Msft    ";
const PRODUCT: &[u8; 16] = b"Virtual Disk    ";
const DVD_PRODUCT: &[u8; 16] = b"Virtual DVD-ROM ";
const REVISION: &[u8; 4] = b"1.0 ";

/// The peripheral byte of a unit number that has no unit behind it.
const NO_UNIT: u8 = 0x7f;

const PAGE_SUPPORTED: u8 = 0x00;
const PAGE_SERIAL: u8 = 0x80;
const PAGE_IDENTIFICATION: u8 = 0x83;
const PAGE_LIMITS: u8 = 0xb0;
const PAGE_CHARACTERISTICS: u8 = 0xb1;
const PAGE_PROVISIONING: u8 = 0xb2;

const PAGES: [u8; 6] = [
    PAGE_SUPPORTED,
    PAGE_SERIAL,
    PAGE_IDENTIFICATION,
    PAGE_LIMITS,
    PAGE_CHARACTERISTICS,
    PAGE_PROVISIONING,
];

/// INQUIRY of a disk.
pub fn inquiry(disk: &Disk, request: &Request<'_>) -> Ended {
    let cdb = &request.cdb;
    let allocation = usize::from(cdb.be16(3));
    let page = cdb.byte(2);
    match cdb.byte(1) & 0x03 {
        0 if page == 0 => request.reply(&standard(0, request.host.version), allocation),
        1 => request.reply(&vital_page(disk, request, page)?, allocation),
        _ => Err(Sense::INVALID_FIELD.into()),
    }
}

/// INQUIRY of a DVD drive, which claims to conform to no standard.
pub fn inquiry_of_dvd(request: &Request<'_>) -> Ended {
    const DVD: u8 = 5;
    const REMOVABLE: u8 = 0x80;

    if request.cdb.byte(1) & 0x03 != 0 || request.cdb.byte(2) != 0 {
        return Err(Sense::INVALID_FIELD.into());
    }
    let mut data = standard(DVD, request.host.version);
    data[1] = REMOVABLE;
    data[2] = 0;
    data[16..32].copy_from_slice(DVD_PRODUCT);
    request.reply(&data, usize::from(request.cdb.be16(3)))
}

/// INQUIRY of an address without a unit.
pub fn inquiry_of_nothing(request: &Request<'_>) -> Ended {
    let allocation = usize::from(request.cdb.be16(3));
    if !request.cdb.is_complete() || request.cdb.byte(1) & 0x03 != 0 {
        return Err(Sense::INVALID_FIELD.into());
    }
    request.reply(&standard(NO_UNIT, request.host.version), allocation)
}

fn standard(peripheral: u8, version: Version) -> [u8; 36] {
    let mut data = [0; 36];
    data[0] = peripheral;
    data[2] = if version >= Version::V6_2 { 5 } else { 4 };
    data[3] = 0x02; // response data format of SPC-2 and later
    data[4] = data.len() as u8 - 5;
    data[7] = 0x02; // command queueing
    data[8..16].copy_from_slice(VENDOR);
    data[16..32].copy_from_slice(PRODUCT);
    data[32..36].copy_from_slice(REVISION);
    data
}

fn vital_page(disk: &Disk, request: &Request<'_>, page: u8) -> Result<Vec<u8>, Sense> {
    let body = match page {
        PAGE_SUPPORTED => PAGES.to_vec(),
        PAGE_SERIAL => disk.serial().as_bytes().to_vec(),
        PAGE_IDENTIFICATION => identification(disk),
        PAGE_LIMITS => limits(disk, request.host.max_transfer_bytes),
        PAGE_CHARACTERISTICS => characteristics(),
        PAGE_PROVISIONING => provisioning(disk),
        _ => return Err(Sense::INVALID_FIELD),
    };
    let mut data = vec![0, page];
    data.extend((body.len() as u16).to_be_bytes());
    data.extend(body);
    Ok(data)
}

/// A T10 vendor designator, and an NAA one with Microsoft's OUI and a hash of the serial number.
fn identification(disk: &Disk) -> Vec<u8> {
    let mut t10 = b"MSFT    ".to_vec();
    t10.extend(disk.serial().bytes());
    let mut naa = vec![0x60, 0x02, 0x24, 0x80];
    naa.extend([0; 4]);
    naa.extend(hash(disk.serial().as_bytes()).to_be_bytes());

    let mut data = Vec::new();
    for (code_set, kind, designator) in [(2, 1, t10), (1, 3, naa)] {
        data.extend([code_set, kind, 0, designator.len() as u8]);
        data.extend(designator);
    }
    data
}

/// The 64-bit FNV-1a hash.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

fn limits(disk: &Disk, max_transfer_bytes: u32) -> Vec<u8> {
    let granularity = 1u32 << PHYSICAL_EXPONENT;
    let transfer = max_transfer_bytes / BLOCK as u32;
    let mut data = vec![0; 60];
    data[0] = 1; // WRITE SAME of zero blocks is an error
    data[2..4].copy_from_slice(&(granularity as u16).to_be_bytes());
    data[4..8].copy_from_slice(&transfer.to_be_bytes());
    data[8..12].copy_from_slice(&transfer.to_be_bytes());
    if disk.is_thin() {
        data[16..20].copy_from_slice(&MAX_UNMAP_BLOCKS.to_be_bytes());
        data[20..24].copy_from_slice(&MAX_UNMAP_DESCRIPTORS.to_be_bytes());
        data[24..28].copy_from_slice(&granularity.to_be_bytes());
    }
    data[32..40].copy_from_slice(&MAX_WRITE_SAME_BLOCKS.to_be_bytes());
    data
}

fn characteristics() -> Vec<u8> {
    let mut data = vec![0; 60];
    data[1] = 1; // does not rotate
    data
}

fn provisioning(disk: &Disk) -> Vec<u8> {
    if !disk.is_thin() {
        return vec![0; 4];
    }
    // UNMAP, WRITE SAME (16) and WRITE SAME (10) unmap; unmapped blocks read as zeroes; thin.
    vec![0, 0x80 | 0x40 | 0x20 | 0x04, 2, 0]
}
