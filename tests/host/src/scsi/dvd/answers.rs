// SPDX-License-Identifier: GPL-2.0

//! What a DVD drive says about itself and its disc, which has one data track (MMC-6).

use super::{DISC_BLOCK, Event};
use crate::scsi::command::{Ended, Request};
use crate::scsi::sense::Sense;

/// READ CAPACITY (10).
pub fn capacity(blocks: u64, request: &Request<'_>) -> Ended {
    let last = u32::try_from(blocks.saturating_sub(1)).unwrap_or(u32::MAX);
    let data = [last.to_be_bytes(), (DISC_BLOCK as u32).to_be_bytes()].concat();
    request.reply(&data, data.len())
}

/// READ TOC/PMA/ATIP: the table itself, or the one session.
pub fn table_of_contents(blocks: u64, request: &Request<'_>) -> Ended {
    const TABLE: u8 = 0;
    const SESSIONS: u8 = 1;
    const LEAD_OUT: u8 = 0xaa;

    let cdb = &request.cdb;
    let in_minutes = cdb.byte(1) & 2 != 0;
    let end = u32::try_from(blocks).unwrap_or(u32::MAX);
    let first = track(1, 0, in_minutes);
    let tracks = match cdb.byte(2) & 0xf {
        TABLE if cdb.byte(6) <= 1 => [first, track(LEAD_OUT, end, in_minutes)].concat(),
        TABLE if cdb.byte(6) == LEAD_OUT => track(LEAD_OUT, end, in_minutes).to_vec(),
        SESSIONS => first.to_vec(),
        _ => return Err(Sense::INVALID_FIELD.into()),
    };
    let mut data = (tracks.len() as u16 + 2).to_be_bytes().to_vec();
    data.extend([1, 1]);
    data.extend(tracks);
    request.reply(&data, usize::from(cdb.be16(7)))
}

/// The entry of a data track that begins at `block`.
fn track(number: u8, block: u32, in_minutes: bool) -> [u8; 8] {
    const DATA: u8 = 0x14;
    let start = if in_minutes {
        minutes(block)
    } else {
        block.to_be_bytes()
    };
    let mut entry = [0, DATA, number, 0, 0, 0, 0, 0];
    entry[4..].copy_from_slice(&start);
    entry
}

/// Minute, second and frame, counted from two seconds before the first block.
fn minutes(block: u32) -> [u8; 4] {
    const FRAMES: u32 = 75;
    let frames = block.saturating_add(2 * FRAMES);
    let minute = u8::try_from(frames / (60 * FRAMES)).unwrap_or(u8::MAX);
    let second = (frames / FRAMES % 60) as u8;
    [0, minute, second, (frames % FRAMES) as u8]
}

/// GET CONFIGURATION: the profile of the disc, and the list of profiles, which has one.
pub fn configuration(has_disc: bool, request: &Request<'_>) -> Ended {
    const DVD_ROM: u8 = 0x10;
    let current = u8::from(has_disc);
    let mut data = vec![0, 0, 0, 0, 0, 0, 0, DVD_ROM * current];
    data.extend([0, 0, 0x03, 4, 0, DVD_ROM, current, 0]);
    let len = data.len() as u32 - 4;
    data[0..4].copy_from_slice(&len.to_be_bytes());
    request.reply(&data, usize::from(request.cdb.be16(7)))
}

/// GET EVENT STATUS NOTIFICATION, of which there are those of the disc.
pub fn event_status(event: Event, has_disc: bool, request: &Request<'_>) -> Ended {
    const POLLED: u8 = 1;
    const MEDIA: u8 = 4;
    const NO_EVENT_AVAILABLE: u8 = 0x80;

    let cdb = &request.cdb;
    if cdb.byte(1) & POLLED == 0 {
        return Err(Sense::INVALID_FIELD.into());
    }
    let allocation = usize::from(cdb.be16(7));
    if cdb.byte(4) & (1 << MEDIA) == 0 {
        return request.reply(&[0, 2, NO_EVENT_AVAILABLE, 1 << MEDIA], allocation);
    }
    let code = match event {
        Event::None => 0,
        Event::NewDisc => 2,
        Event::DiscRemoved => 3,
    };
    let present = if has_disc { 2 } else { 0 };
    request.reply(&[0, 6, MEDIA, 1 << MEDIA, code, present, 0, 0], allocation)
}
