// SPDX-License-Identifier: GPL-2.0

//! MODE SENSE (6) and (10) (SPC-4 sections 6.11 and 6.12), with the caching and control pages.

use super::command::{Ended, Request};
use super::disk::{BLOCK, Disk};
use super::sense::Sense;

const PAGE_CACHING: u8 = 0x08;
const PAGE_CONTROL: u8 = 0x0a;
const PAGE_ALL: u8 = 0x3f;

const WRITE_PROTECT: u8 = 0x80;
const DPO_FUA: u8 = 0x10;
const WRITE_CACHE_ENABLED: u8 = 0x04;

/// Values of the page control field.
const CHANGEABLE: u8 = 1;
const SAVED: u8 = 3;

/// MODE SENSE (6).
pub fn mode_sense_6(disk: &Disk, request: &Request<'_>) -> Ended {
    let descriptor = block_descriptor(disk, request);
    let pages = pages(disk, request)?;
    let mut data = vec![0, 0, specific(disk), descriptor.len() as u8];
    data.extend(descriptor);
    data.extend(pages);
    data[0] = data.len() as u8 - 1;
    request.reply(&data, usize::from(request.cdb.byte(4)))
}

/// MODE SENSE (10).
pub fn mode_sense_10(disk: &Disk, request: &Request<'_>) -> Ended {
    let descriptor = block_descriptor(disk, request);
    let pages = pages(disk, request)?;
    let mut data = vec![0, 0, 0, specific(disk), 0, 0, 0, descriptor.len() as u8];
    data.extend(descriptor);
    data.extend(pages);
    let len = data.len() as u16 - 2;
    data[0..2].copy_from_slice(&len.to_be_bytes());
    request.reply(&data, usize::from(request.cdb.be16(7)))
}

fn specific(disk: &Disk) -> u8 {
    DPO_FUA
        | if disk.is_read_only() {
            WRITE_PROTECT
        } else {
            0
        }
}

/// The short block descriptor, unless the command disables it.
fn block_descriptor(disk: &Disk, request: &Request<'_>) -> Vec<u8> {
    if request.cdb.byte(1) & 0x08 != 0 {
        return Vec::new();
    }
    let blocks = u32::try_from(disk.blocks()).unwrap_or(u32::MAX);
    [blocks.to_be_bytes(), (BLOCK as u32).to_be_bytes()].concat()
}

fn pages(disk: &Disk, request: &Request<'_>) -> Result<Vec<u8>, Sense> {
    let control = request.cdb.byte(2) >> 6;
    if control == SAVED {
        return Err(Sense::NO_SAVED_PAGES);
    }
    let current = control != CHANGEABLE;
    match (request.cdb.byte(2) & 0x3f, request.cdb.byte(3)) {
        (PAGE_CACHING, 0) => Ok(caching(disk, current)),
        (PAGE_CONTROL, 0) => Ok(control_page(current)),
        (PAGE_ALL, 0x00 | 0xff) => Ok([caching(disk, current), control_page(current)].concat()),
        _ => Err(Sense::INVALID_FIELD),
    }
}

fn caching(disk: &Disk, current: bool) -> Vec<u8> {
    let mut page = vec![0; 20];
    page[0] = PAGE_CACHING;
    page[1] = page.len() as u8 - 2;
    if current && disk.has_write_cache() {
        page[2] = WRITE_CACHE_ENABLED;
    }
    page
}

fn control_page(current: bool) -> Vec<u8> {
    let mut page = vec![0; 12];
    page[0] = PAGE_CONTROL;
    page[1] = page.len() as u8 - 2;
    if current {
        page[3] = 0x10; // commands may be reordered without restriction
    }
    page
}
