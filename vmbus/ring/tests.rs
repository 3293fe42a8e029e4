// SPDX-License-Identifier: GPL-2.0

//! Tests of what the rings have of the kernel: their memory, and the atomic words of the slots.

use super::*;
use crate::{
    hv::testing::virtual_address,
    wire::{
        packet::Kind,
        HV_PAGE_SIZE, //
    }, //
};
use core::mem::MaybeUninit;
use kernel::{
    page::PAGE_SIZE,
    prelude::*, //
};
use mapping::RingMemory;
use reader::Reader;
use shared::{
    Shared,
    Word, //
};
use testing::HostRing;
use writer::Writer;

const ANY_NODE: i32 = crate::bindings::NUMA_NO_NODE;

/// A byte of a page that is known by its number.
fn byte_of(pfn: u64, at: usize) -> u8 {
    // SAFETY: Callers hand over pages that exist.
    unsafe {
        virtual_address(pfn * HV_PAGE_SIZE as u64)
            .add(at)
            .read_volatile()
    }
}

/// The host's end of a ring.
fn host_ring(pfns: &[u64]) -> Result<HostRing> {
    // SAFETY: Callers keep the ring.
    unsafe { HostRing::new(pfns) }
}

fn collect(pfns: impl Iterator<Item = u64>) -> Result<KVec<u64>> {
    let mut all = KVec::new();
    for pfn in pfns {
        all.push(pfn, GFP_KERNEL)?;
    }
    Ok(all)
}

#[kunit_tests(hv_vmbus_ring_memory)]
mod memory_suite {
    use super::*;

    #[test]
    fn memory_is_in_the_pages_of_its_numbers() -> Result {
        let memory = HostMemory::allocate(2 * PAGE_SIZE + 1, ANY_NODE)?;
        assert_eq!(memory.size(), 3 * PAGE_SIZE);
        assert_eq!(memory.pfns().len() * HV_PAGE_SIZE, memory.size());
        assert!(memory.copy_in(2 * PAGE_SIZE - 1, &[1, 2]).is_some());
        for (index, pfn) in memory.pfns().enumerate() {
            assert_eq!(memory.pfn(index), Some(pfn));
            assert_eq!(
                byte_of(pfn, 0),
                if index * HV_PAGE_SIZE == 2 * PAGE_SIZE {
                    2
                } else {
                    0
                }
            );
        }
        let before = memory.pfn(2 * PAGE_SIZE / HV_PAGE_SIZE - 1).ok_or(EINVAL)?;
        assert_eq!(byte_of(before, HV_PAGE_SIZE - 1), 1);
        assert_eq!(memory.pfn(memory.pfns().len()), None);
        Ok(())
    }

    #[test]
    fn nothing_is_copied_beyond_the_end() -> Result {
        let memory = HostMemory::allocate(PAGE_SIZE, ANY_NODE)?;
        let mut into = [0; 8];
        assert!(memory.copy_in(PAGE_SIZE - 8, &[7; 8]).is_some());
        assert!(memory.copy_out(PAGE_SIZE - 8, &mut into).is_some());
        assert_eq!(into, [7; 8]);
        assert!(memory.copy_in(PAGE_SIZE - 7, &[0; 8]).is_none());
        assert!(memory.copy_out(PAGE_SIZE - 7, &mut into).is_none());
        assert!(memory.copy_out(usize::MAX, &mut into).is_none());
        let mut room = [const { MaybeUninit::uninit() }; 8];
        assert!(memory.copy_out_uninit(PAGE_SIZE - 7, &mut room).is_none());
        let copy = memory.copy_out_uninit(PAGE_SIZE - 8, &mut room);
        assert_eq!(copy.map(|copy| copy[0]), Some(7));
        Ok(())
    }

    #[test]
    fn pieces_fit_all_or_none() -> Result {
        let memory = HostMemory::allocate(PAGE_SIZE, ANY_NODE)?;
        assert!(memory
            .copy_in_all(PAGE_SIZE - 4, [&[1, 2], &[], &[3, 4]])
            .is_some());
        assert!(memory
            .copy_in_all(PAGE_SIZE - 4, [&[9, 9], &[9, 9, 9]])
            .is_none());
        let mut into = [0; 4];
        assert!(memory.copy_out(PAGE_SIZE - 4, &mut into).is_some());
        assert_eq!(into, [1, 2, 3, 4]);
        Ok(())
    }

    #[test]
    fn rings_have_sizes_that_make_sense() {
        for bytes in [0, PAGE_SIZE, PAGE_SIZE + 1, 3 * PAGE_SIZE - 8, 2 << 30] {
            assert!(matches!(RingMemory::allocate(bytes, ANY_NODE), Err(EINVAL)));
        }
        assert!(HostMemory::allocate(0, ANY_NODE).is_err());
    }

    #[test]
    fn data_are_mapped_twice() -> Result {
        let ring = RingMemory::allocate(3 * PAGE_SIZE, ANY_NODE)?;
        let size = ring.size().get();
        assert_eq!(size as usize, 2 * PAGE_SIZE);
        assert!(ring.copy_in(size - 2, &[1, 2, 3, 4]).is_some());
        let mut into = [0; 2];
        assert!(ring.copy_out(0, &mut into).is_some());
        assert_eq!(into, [3, 4]);
        assert!(ring.copy_out(2 * size - 2, &mut into).is_some());
        assert_eq!(into, [1, 2]);
        assert!(ring.copy_out(2 * size - 1, &mut into).is_none());
        Ok(())
    }

    #[test]
    fn words_are_where_the_host_has_them() -> Result {
        let pages = RingPages::allocate(2 * PAGE_SIZE, 3 * PAGE_SIZE, ANY_NODE)?;
        let (outgoing, incoming) = pages.rings(1, 4096)?;
        let pfns = collect(pages.pfns())?;
        let middle = pages.downstream_offset() as usize;
        let host = host_ring(&pfns[middle..])?;
        assert_eq!(host.size().get() as usize, 2 * PAGE_SIZE);
        assert_eq!(host.load(Word::Features), 1);
        incoming.mask();
        assert_eq!(host.load(Word::InterruptMask), 1);
        for (word, at) in [
            (Word::WriteIndex, 0),
            (Word::ReadIndex, 4),
            (Word::PendingSend, 12),
        ] {
            host.store(word, 0xab);
            assert_eq!(byte_of(pfns[middle], at), 0xab);
        }
        let debug = pages.debug(Direction::Incoming);
        assert_eq!(
            (debug.read_index, debug.write_index, debug.interrupt_mask),
            (0xab, 0xab, 1)
        );
        // The other ring is another one.
        assert_eq!(outgoing.shared().load(Word::WriteIndex), 0);
        Ok(())
    }
}

#[kunit_tests(hv_vmbus_ring)]
mod ring_suite {
    use super::*;

    /// Sends packets of growing length until they have gone round the ring some times.
    #[test]
    fn packets_reach_the_host() -> Result {
        let pages = RingPages::allocate(2 * PAGE_SIZE, 2 * PAGE_SIZE, ANY_NODE)?;
        let (mut outgoing, _incoming) = pages.rings(1, 4096)?;
        let pfns = collect(pages.pfns())?;
        let host = host_ring(&pfns[..pages.downstream_offset() as usize])?;
        let mut host = Reader::new(host, KVec::from_elem(0, PAGE_SIZE, GFP_KERNEL)?);
        let payload = KVec::from_elem(0x42, PAGE_SIZE / 2, GFP_KERNEL)?;
        for len in 0..100 {
            let payload = &payload[..len * 8];
            assert_eq!(
                outgoing.send_inband(payload, len as u64, true),
                Ok(Signal::Needed)
            );
            let Ok(Some(found)) = host.advance() else {
                return Err(EIO);
            };
            let packet = host.packet(found);
            assert_eq!(
                (packet.kind, packet.transaction),
                (Kind::INBAND, len as u64)
            );
            assert!(packet.payload == payload);
            let _ = host.finish();
        }
        Ok(())
    }

    #[test]
    fn packets_of_the_host_arrive() -> Result {
        let pages = RingPages::allocate(2 * PAGE_SIZE, 2 * PAGE_SIZE, ANY_NODE)?;
        let (_outgoing, mut incoming) = pages.rings(1, 4096)?;
        let pfns = collect(pages.pfns())?;
        let host = host_ring(&pfns[pages.downstream_offset() as usize..])?;
        let mut host = Writer::new(host);
        for number in 0..50 {
            let sent = host.send_inband(&[number; 800], number.into(), false);
            assert_eq!(sent, Ok(Signal::Needed));
            let packet = incoming.next().ok_or(EIO)?;
            assert_eq!(packet.transaction, number.into());
            assert!(packet.payload == [number; 800]);
            assert!(incoming.next().is_none());
            assert_eq!(incoming.finish(), Signal::NotNeeded);
        }
        Ok(())
    }

    /// A packet that is too long for the channel, and an index that is not in the ring.
    #[test]
    fn nonsense_is_stepped_over() -> Result {
        let pages = RingPages::allocate(2 * PAGE_SIZE, 2 * PAGE_SIZE, ANY_NODE)?;
        let (_outgoing, mut incoming) = pages.rings(1, 64)?;
        let pfns = collect(pages.pfns())?;
        let host = host_ring(&pfns[pages.downstream_offset() as usize..])?;
        let mut host = Writer::new(host);
        for len in [49, 48] {
            let _ = host.send_inband(&[1; 56][..len], 1, false);
        }
        assert_eq!(incoming.next().map(|packet| packet.payload.len()), Some(48));
        assert!(incoming.next().is_none());
        assert_eq!(incoming.counters().faults, 1);
        host.shared().store(Word::WriteIndex, 12);
        assert!(incoming.next().is_none());
        let _ = incoming.finish();
        assert!(!incoming.unmask_and_check());
        Ok(())
    }

    #[test]
    fn room_is_what_the_host_has_read() -> Result {
        let pages = RingPages::allocate(2 * PAGE_SIZE, 2 * PAGE_SIZE, ANY_NODE)?;
        let (mut outgoing, _incoming) = pages.rings(1, 4096)?;
        assert!(pages.is_free_above(49));
        assert_eq!(
            outgoing.send_inband(&[0; 2024], 1, false),
            Ok(Signal::Needed)
        );
        assert_eq!(
            outgoing.send_inband(&[0; 2024], 2, false),
            Err(SendError::Full)
        );
        assert_eq!(pages.free_bytes() as usize, PAGE_SIZE - 2048);
        assert!(!pages.is_free_above(49));
        let pfns = collect(pages.pfns())?;
        let host = host_ring(&pfns[..2])?;
        host.store(Word::ReadIndex, 2048);
        assert_eq!(outgoing.set_pending_send(4000), Ok(true));
        assert_eq!(host.load(Word::PendingSend), 4000);
        assert_eq!(
            outgoing.send_inband(&[0; 2024], 2, false),
            Ok(Signal::Needed)
        );
        host.store(Word::ReadIndex, 3);
        assert_eq!(
            outgoing.send_inband(&[0; 8], 3, false),
            Err(SendError::Corrupt)
        );
        Ok(())
    }

    #[test]
    fn slots_are_claimed_once() -> Result {
        let slots = slots::allocate(70)?;
        let ids = collect((0..70).filter_map(|_| slots.take(0).map(|slot| slot.launch())))?;
        assert!(ids.iter().copied().eq(1..=70));
        assert!(slots.take(1).is_none());
        assert!(slots.claim(0).is_none() && slots.claim(71).is_none());
        drop(slots.claim(70));
        assert!(slots.claim(70).is_none());
        let slot = slots.take(0).ok_or(EIO)?;
        assert_eq!(slot.id(), 70);
        let kept = slot.keep();
        assert!(slots.take(0).is_none());
        slots.give_back(kept);
        assert_eq!(slots.claim_all().count(), 69);
        assert_eq!(slots.take(0).map(|slot| slot.id()), Some(1));
        Ok(())
    }
}
