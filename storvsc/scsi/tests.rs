// SPDX-License-Identifier: GPL-2.0

//! Tests of commands, of their data, and of the table of those in flight.

use super::{
    data::Mapped,
    testing::Fake,
    *, //
};
use core::mem::MaybeUninit;
use kernel::{
    prelude::*, //
};
use vmbus::bindings;

const SHIFT: u32 = 12;
const FRAME: u64 = 1 << SHIFT;

/// What a command that was dropped ends with.
const ERROR: Option<(u32, u8)> = Some((HostStatus::Error as u32, 0));

/// A scatter list of these addresses and lengths.
fn list(segments: &[(u64, u32)]) -> Result<KVec<bindings::scatterlist>> {
    let mut list = KVec::new();
    for &(address, length) in segments {
        let mut entry: bindings::scatterlist = pin_init::zeroed();
        entry.dma_address = address;
        entry.dma_length = length;
        list.push(entry, GFP_KERNEL)?;
    }
    Ok(list)
}

fn mapped(list: &mut [bindings::scatterlist], entries: usize) -> Mapped<'_> {
    // SAFETY: Callers hand over lists of so many entries.
    unsafe { Mapped::new(list.as_mut_ptr(), entries as u32) }
}

#[kunit_tests(hv_storvsc_data)]
mod data_suite {
    use super::*;

    fn frames_are(segments: &[(u64, u32)], wanted: Option<&[u64]>) -> bool {
        let Ok(mut list) = list(segments) else {
            return false;
        };
        let data = mapped(&mut list, segments.len());
        let mut room = [const { MaybeUninit::uninit() }; 4];
        data.write_frames(SHIFT, &mut room) == wanted
    }

    #[test]
    fn frames_of_one_segment() {
        assert!(frames_are(&[(5 * FRAME, 4096)], Some(&[5])));
        assert!(frames_are(&[(5 * FRAME, 4097)], Some(&[5, 6])));
        assert!(frames_are(&[(5 * FRAME + 4095, 2)], Some(&[5, 6])));
        assert!(frames_are(&[(5 * FRAME + 512, 512)], Some(&[5])));
        assert!(frames_are(&[(5 * FRAME, 4 * 4096)], Some(&[5, 6, 7, 8])));
        assert!(frames_are(&[(5 * FRAME, 4 * 4096 + 1)], None));
    }

    #[test]
    fn frames_of_several_segments() {
        let good = [(9 * FRAME + 8, 4088), (2 * FRAME, 4096), (7 * FRAME, 100)];
        assert!(frames_are(&good, Some(&[9, 2, 7])));
        assert!(frames_are(&[(9 * FRAME, 4095), (2 * FRAME, 1)], None));
        assert!(frames_are(&[(9 * FRAME, 4096), (2 * FRAME + 1, 1)], None));
        assert!(frames_are(
            &[(FRAME, 3 * 4096), (9 * FRAME, 2 * 4096)],
            None
        ));
    }

    #[test]
    fn offset_of_the_first_byte() -> Result {
        let mut list = list(&[(9 * FRAME + 8, 4088), (2 * FRAME, 4096)])?;
        let data = mapped(&mut list, 2);
        assert_eq!(data.offset(SHIFT), 8);
        assert!(!data.is_empty() && Mapped::empty().is_empty());
        assert_eq!(Mapped::empty().offset(SHIFT), 0);
        assert!(Mapped::empty().write_frames(SHIFT, &mut []) == Some(&[]));
        Ok(())
    }

    /// The last entry of a list may be a pointer to the next one.
    #[test]
    fn lists_are_chained() -> Result {
        let mut second = list(&[(2 * FRAME, 4096), (3 * FRAME, 4096)])?;
        let mut first = list(&[(FRAME, 4096), (99 * FRAME, 4096)])?;
        let link = second.as_mut_ptr() as c_ulong;
        first[1].page_link = link | bindings::SG_CHAIN as c_ulong;
        let data = mapped(&mut first, 3);
        let mut room = [const { MaybeUninit::uninit() }; 4];
        assert!(data.write_frames(SHIFT, &mut room) == Some(&[1, 2, 3]));
        Ok(())
    }
}

#[kunit_tests(hv_storvsc_command)]
mod command_suite {
    use super::*;

    #[test]
    fn ends_as_the_device_says() -> Result {
        let fake = Fake::new(0, 1, 4096)?;
        assert_eq!(fake.command().buffer_len(), 4096);
        assert_eq!(fake.command().address().lun, 7);
        fake.command().done(Completion {
            host: HostStatus::Passthrough,
            status: 2,
            residual: 100,
            sense: &[0x70; 200],
        });
        assert_eq!(fake.result(), Some((HostStatus::Passthrough as u32, 2)));
        assert_eq!(fake.residual(), 100);
        assert!(fake.sense() == [0x70; 96]);
        Ok(())
    }

    #[test]
    fn ends_well() -> Result {
        let fake = Fake::new(0, 1, 4096)?;
        fake.command().succeed(0);
        assert_eq!((fake.result(), fake.residual()), (Some((0, 0)), 0));
        assert!(fake.sense() == [0; 96]);
        Ok(())
    }

    #[test]
    fn is_never_lost() -> Result {
        let fake = Fake::new(0, 1, 4096)?;
        drop(fake.command());
        assert_eq!((fake.result(), fake.residual()), (ERROR, 4096));
        Ok(())
    }

    #[test]
    fn goes_back_without_an_end() -> Result {
        let fake = Fake::new(0, 1, 4096)?;
        let rejected = fake.command().reject(Busy::Device);
        assert_eq!(
            rejected.code(),
            bindings::scsi_qc_status_SCSI_MLQUEUE_DEVICE_BUSY
        );
        assert_eq!(fake.result(), None);
        Ok(())
    }
}

#[kunit_tests(hv_storvsc_in_flight)]
mod in_flight_suite {
    use super::*;

    #[test]
    fn taken_once_by_its_id() -> Result {
        let fake = Fake::new(1, 3, 0)?;
        let table = InFlight::new(2, 4)?;
        assert!(table.is_empty());
        let id = table.insert(fake.command(), 1).map_err(|_| EIO)?;
        assert!(id != 0 && !table.is_empty());
        for wrong in [0, 1, id - 1, id + 1, id ^ 1 << 32, id ^ 1 << 63, u64::MAX] {
            assert!(table.take(wrong).is_none());
        }
        let command = table.take(id).ok_or(EIO)?;
        assert_eq!(fake.result(), None);
        assert!(table.take(id).is_none() && table.is_empty());
        command.succeed(0);
        Ok(())
    }

    /// An answer that comes late is not for the next command with the same tag.
    #[test]
    fn ids_are_not_used_again() -> Result {
        let mut fake = Fake::new(0, 0, 0)?;
        let table = InFlight::new(1, 1)?;
        let mut last = 0;
        for _ in 0..3 {
            let id = table.insert(fake.command(), 1).map_err(|_| EIO)?;
            assert!(id != last && table.take(last).is_none());
            drop(table.take(id));
            assert_eq!(fake.result(), ERROR);
            fake.renew();
            last = id;
        }
        Ok(())
    }

    #[test]
    fn slots_are_for_one() -> Result {
        let (first, second) = (Fake::new(0, 0, 0)?, Fake::new(0, 0, 0)?);
        let table = InFlight::new(1, 2)?;
        let id = table.insert(first.command(), 1).map_err(|_| EIO)?;
        assert!(table.insert(second.command(), 1).is_err());
        assert_eq!((first.result(), second.result()), (None, ERROR));
        assert!(table.take(id).is_some());
        Ok(())
    }

    #[test]
    fn tags_without_a_slot() -> Result {
        let table = InFlight::new(2, 4)?;
        for (queue, tag) in [(0, 4), (2, 0), (1, 4), (0xffff, 0xffff)] {
            let fake = Fake::new(queue, tag, 0)?;
            assert!(table.insert(fake.command(), 1).is_err());
            assert_eq!(fake.result(), ERROR);
        }
        assert!(table.is_empty());
        assert!(InFlight::new(1, (1 << 16) + 1).is_err());
        assert!(InFlight::new((1 << 15) + 1, 1).is_err());
        Ok(())
    }

    #[test]
    fn taken_all_or_by_their_way() -> Result {
        let fakes = [
            Fake::new(0, 0, 0)?,
            Fake::new(0, 1, 0)?,
            Fake::new(1, 0, 0)?,
        ];
        let table = InFlight::new(2, 2)?;
        for (fake, way) in fakes.iter().zip([5, 6, 5]) {
            table.insert(fake.command(), way).map_err(|_| EIO)?;
        }
        assert_eq!(
            table.take_way(5).map(|command| command.succeed(0)).count(),
            2
        );
        assert_eq!(fakes[1].result(), None);
        assert_eq!(table.take_way(5).count(), 0);
        assert_eq!(table.take_all().count(), 1);
        assert!(table.is_empty());
        Ok(())
    }

    #[test]
    fn commands_end_with_the_table() -> Result {
        let fake = Fake::new(0, 0, 0)?;
        let table = InFlight::new(1, 1)?;
        table.insert(fake.command(), 1).map_err(|_| EIO)?;
        drop(table);
        assert_eq!(fake.result(), ERROR);
        Ok(())
    }
}
