// SPDX-License-Identifier: GPL-2.0

//! Tests of what the driver keeps: packets until they are completed, answers until they are sent,
//! buffers, and what is read without locks.

use super::{
    buffers::{
        ReceiveBuffer,
        SendBuffer, //
    },
    completions::{
        Completions,
        Pending, //
    },
    net::Target,
    sys::{
        InFlight,
        Published,
        Section,
        TryCell, //
    },
    wire::nvsp::{
        Sections,
        Status, //
    },
};
use kernel::{
    prelude::*,
    sync::{
        rcu,
        Arc, //
    }, //
};
use vmbus::{
    ring::HostMemory,
    testing::Bench,
    Channel,
    SharedBuffer, //
};

/// Whether the only reference to an object is this one.
fn is_last<T>(object: Arc<T>) -> bool {
    Arc::into_unique_or_drop(object).is_some()
}

#[kunit_tests(hv_netvsc_sys)]
mod sys_suite {
    use super::*;

    #[test]
    fn packets_are_completed_once() -> Result {
        let packets = InFlight::new(65)?;
        let mut ids = KVec::new();
        for value in 0..65 {
            ids.push(packets.insert(value).map_err(|_| EIO)?, GFP_KERNEL)?;
        }
        assert_eq!(packets.insert(99), Err(99));
        for wrong in [0, 66, 1 << 32, u64::MAX] {
            assert_eq!(packets.take(wrong), None);
        }
        for (value, id) in ids.iter().enumerate() {
            assert_eq!(packets.take(*id), Some(value));
            assert_eq!(packets.take(*id), None);
        }
        assert!(packets.insert(1).is_ok());
        Ok(())
    }

    #[test]
    fn packets_end_with_their_table() -> Result {
        let (kept, taken) = (Arc::new(1, GFP_KERNEL)?, Arc::new(2, GFP_KERNEL)?);
        let packets = InFlight::new(2)?;
        let id = packets.insert(taken.clone()).map_err(|_| EIO)?;
        packets.insert(kept.clone()).map_err(|_| EIO)?;
        drop(packets.take(id));
        drop(packets);
        assert!(is_last(kept) && is_last(taken));
        Ok(())
    }

    #[test]
    fn cells_are_for_one_at_a_time() {
        let cell = TryCell::new(1);
        let result = cell.try_with(|value| {
            *value += 1;
            cell.try_with(|value| *value += 10)
        });
        assert_eq!(result, Some(None));
        assert_eq!(cell.try_with(|value| *value), Some(2));
    }

    #[test]
    fn published_objects_live_as_long_as_they_are_read() -> Result {
        let place = Published::new();
        assert!(place.share().is_none() && place.replace(None).is_none());
        let (first, second) = (Arc::new(1, GFP_KERNEL)?, Arc::new(2, GFP_KERNEL)?);
        assert!(place.replace(Some(first.clone())).is_none());
        assert_eq!(place.get(&rcu::read_lock()), Some(&1));
        let shared = place.share().ok_or(EIO)?;
        assert_eq!(place.replace(Some(second.clone())).map(|old| *old), Some(1));
        assert_eq!((*shared, place.share().map(|new| *new)), (1, Some(2)));
        drop(shared);
        assert!(is_last(first));
        drop(place);
        assert!(is_last(second));
        Ok(())
    }

    #[test]
    fn sections_end_where_they_end() -> Result {
        let memory = HostMemory::allocate(4096, -1)?;
        assert!(Section::new(&memory, 1, 2049).is_none());
        assert!(Section::new(&memory, u32::MAX, usize::MAX).is_none());
        let section = Section::new(&memory, 2, 1024).ok_or(EIO)?;
        assert_eq!(
            (section.len(), section.address() as usize),
            (1024, memory.as_ptr() as usize + 2048)
        );
        assert!(section.write(1020, &[5; 4]).is_some());
        assert!(section.write(1020, &[5; 5]).is_none());
        assert!(section.write(usize::MAX, &[5; 5]).is_none());
        let mut end = [0; 5];
        assert!(memory.copy_out(3067, &mut end).is_some());
        assert_eq!(end, [0, 5, 5, 5, 5]);
        Ok(())
    }

    #[test]
    fn answers_in_turn() -> Result {
        let mut answers = Completions::new(3)?;
        let pending = |transaction| Pending {
            transaction,
            status: Status::SUCCESS,
        };
        answers.pop();
        for round in 0..5 {
            for transaction in 0..3 {
                assert!(answers.push(pending(round * 10 + transaction)).is_some());
            }
            assert!(answers.push(pending(99)).is_none());
            for transaction in 0..3 {
                let first = answers.first().map(|first| first.transaction);
                assert_eq!(first, Some(round * 10 + transaction));
                answers.pop();
            }
            assert!(answers.first().is_none() && answers.len() == 0);
            // The next round begins elsewhere.
            let _ = answers.push(pending(0));
            answers.pop();
        }
        Ok(())
    }
}

#[kunit_tests(hv_netvsc_buffers)]
mod buffers_suite {
    use super::*;

    fn share(channel: &Arc<Channel>) -> Result<(SharedBuffer, Sections)> {
        let buffer = SharedBuffer::new(channel, 10_000)?;
        Ok((
            buffer,
            Sections {
                count: 5,
                len: 2000,
            },
        ))
    }

    #[test]
    fn sections_are_taken_and_given_back() -> Result {
        let bench = Bench::new()?;
        let channel = bench.offer(1)?;
        let (buffer, sections) = share(&channel)?;
        let buffer = SendBuffer::new(buffer, sections)?;
        for wanted in 0..5 {
            assert_eq!(buffer.take(wanted), Some(wanted as u32));
        }
        assert_eq!(buffer.take(0), None);
        buffer.give_back(3);
        buffer.give_back(99);
        assert_eq!((buffer.take(0), buffer.take(0)), (Some(3), None));
        assert_eq!(buffer.section_len(), 2000);
        Ok(())
    }

    #[test]
    fn messages_are_within_the_buffer() -> Result {
        let bench = Bench::new()?;
        let channel = bench.offer(1)?;
        let (buffer, sections) = share(&channel)?;
        let buffer = ReceiveBuffer::new(buffer, sections);
        let size = buffer.memory().size();
        assert_eq!(size, 3 * 4096);
        assert!(buffer.contains(0, 2000) && buffer.contains(size - 2000, 2000));
        assert!(!buffer.contains(0, 2001) && !buffer.contains(size - 1999, 2000));
        assert!(!buffer.contains(size + 1, 0) && !buffer.contains(usize::MAX, 2));
        Ok(())
    }
}
