// SPDX-License-Identifier: GPL-2.0

//! Disks and buffers.

use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;

use vm_memory::{Bytes as _, GuestAddress, GuestMemoryMmap};

use super::*;
use crate::scsi::disk::DiskError;
use crate::vmbus::channel::{GpaRange, MemoryError};

fn memory() -> GuestMemoryMmap {
    let regions = [(GuestAddress(0), 0x8000), (GuestAddress(0x8000), 0x8000)];
    GuestMemoryMmap::from_ranges(&regions).unwrap()
}

fn range(offset: u32, len: u32, pfns: &[u64]) -> GpaRange {
    GpaRange {
        len,
        offset,
        pfns: pfns.to_vec(),
    }
}

#[test]
fn a_buffer_follows_the_page_list() {
    let memory = memory();
    let ranges = [range(0x800, 0x2000, &[5, 2, 3])];
    let buffer = Buffer::from_ranges(&memory, &ranges, 0x2000).unwrap();
    let data = pattern(0x2000);
    assert_eq!(buffer.write(0, &data), data.len());
    let piece = |at, len| {
        let mut bytes = vec![0; len];
        memory.read_slice(&mut bytes, GuestAddress(at)).unwrap();
        bytes
    };
    assert_eq!(piece(0x5800, 0x800), data[..0x800]);
    assert_eq!(piece(0x2000, 0x1800), data[0x800..]);
    assert_eq!(piece(0x3800, 0x800), [0; 0x800]);

    let mut back = vec![0; 0x2000];
    assert_eq!(buffer.read(0x700, &mut back), 0x1900);
    assert_eq!(back[..0x1900], data[0x700..]);
    assert_eq!(buffer.part(0x7ff, 2).len(), 2);
    assert_eq!(buffer.part(0x2000, 1).len(), 0);
    assert_eq!(buffer.part(0x3000, 1).len(), 0);
}

#[test]
fn a_buffer_may_cross_memory_regions() {
    let memory = memory();
    let buffer = Buffer::from_ranges(&memory, &[range(0, 0x2000, &[7, 8])], 0x2000).unwrap();
    assert_eq!(buffer.write(0, &pattern(0x2000)), 0x2000);
    assert_eq!(
        memory.read_obj::<u8>(GuestAddress(0x8001)).unwrap(),
        pattern(0x2000)[0x1001]
    );
}

#[test]
fn a_buffer_that_is_not_memory() {
    let memory = memory();
    let unbacked = |pfns: &[u64]| {
        let result = Buffer::from_ranges(&memory, &[range(0, 0x1000, pfns)], 0x1000);
        matches!(result, Err(MemoryError::Unbacked { .. }))
    };
    assert!(!unbacked(&[15]));
    assert!(unbacked(&[16]));
    assert!(unbacked(&[u64::MAX >> 12]));
    assert!(Buffer::from_ranges(&memory, &[range(0, 0x1000, &[1])], 0x1001).is_err());
    assert!(Buffer::from_ranges(&memory, &[range(1, 0x1000, &[1])], 0x1000).is_err());
    assert!(Buffer::from_ranges(&memory, &[range(0, 8, &[u64::MAX])], 8).is_err());
}

#[test]
fn many_pieces_move_in_one_go() {
    let pages = 1300u64;
    let regions = [(GuestAddress(0), 2 * pages as usize * 4096)];
    let memory = GuestMemoryMmap::<()>::from_ranges(&regions).unwrap();
    let pfns: Vec<_> = (0..pages).map(|page| 2 * page).collect();
    let len = pages as usize * 4096;
    let ranges = [range(0, len as u32, &pfns)];
    let buffer = Buffer::from_ranges(&memory, &ranges, len).unwrap();
    let disk = Disk::memory(len as u64).unwrap();
    buffer.write(0, &pattern(len));
    disk.write(0, &buffer).unwrap();
    let mut back = vec![0; len];
    disk.read(0, &Buffer::from_bytes(&mut back)).unwrap();
    assert!(back == pattern(len));
}

#[test]
fn a_file_is_a_disk() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&pattern(1 << 20)).unwrap();
    file.write_all(b"a part of a block").unwrap();
    let disk = Disk::open(file.path()).unwrap();
    assert_eq!(disk.blocks(), 2048);

    let mut block = [0x77; 512];
    disk.write(1, &Buffer::from_bytes(&mut block)).unwrap();
    disk.flush().unwrap();
    assert_eq!(std::fs::read(file.path()).unwrap()[512..1024], block);

    let before = file.as_file().metadata().unwrap().blocks();
    disk.unmap(8, 2040).unwrap();
    assert!(file.as_file().metadata().unwrap().blocks() < before);

    let read_only = Disk::open_read_only(file.path()).unwrap();
    let refused = read_only.write(0, &Buffer::from_bytes(&mut block));
    assert!(matches!(refused, Err(DiskError::ReadOnly)));
    assert!(matches!(read_only.unmap(0, 1), Err(DiskError::ReadOnly)));
}

#[test]
fn memory_is_taken_when_written() {
    let disk = Disk::memory(1 << 44).unwrap();
    let mut block = [1; 512];
    disk.write((1 << 35) - 1, &Buffer::from_bytes(&mut block))
        .unwrap();
    assert!(matches!(
        disk.locate(1 << 35, 1),
        Err(DiskError::OutOfRange)
    ));
}

#[test]
fn there_are_no_empty_disks() {
    assert!(Disk::memory(511).is_err());
    let disk = Disk::memory(512).unwrap();
    assert!(disk.resize(511).is_err());
    assert_eq!(disk.blocks(), 1);
}

#[test]
fn a_disk_grows_and_shrinks() {
    let rig = Rig::blocks(8);
    rig.send(&cdb10(0x2a, 0, 6, 2), &[9; 1024]);
    rig.disk().resize(7 * 512).unwrap();
    assert_eq!(
        rig.fetch(&cdb10(0x28, 0, 7, 1), 512).0,
        check(Sense::LBA_OUT_OF_RANGE)
    );
    rig.disk().resize(16 * 512).unwrap();
    assert_eq!(rig.read(&cdb10(0x28, 0, 6, 1), 512), [9; 512]);
    assert_eq!(rig.read(&cdb10(0x28, 0, 7, 9), 9 * 512), [0; 9 * 512]);
}

#[test]
fn a_failing_file_is_a_medium_error() {
    let full = std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let mut block = [1; 512];
    let buffer = Buffer::from_bytes(&mut block);
    let error = buffer.drain_to(&full, 0).unwrap_err();
    assert_eq!(Sense::from(DiskError::Write(error)), Sense::WRITE_ERROR);
    let error = buffer.fill_from(&full, 0).unwrap_err();
    assert_eq!(Sense::from(DiskError::Read(error)), Sense::READ_ERROR);
}
