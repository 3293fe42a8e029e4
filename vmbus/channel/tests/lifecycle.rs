// SPDX-License-Identifier: GPL-2.0

//! Channels are opened, closed and taken away; memory is shared.

use super::{
    super::*,
    count,
    open,
    Counting, //
};
use crate::{
    connection::testing::{
        Bench,
        Mood, //
    },
    wire::{
        gpadl::{
            BODY_PFNS,
            HEADER_PFNS, //
        },
        message::MessageType, //
    },
};
use kernel::{
    cpu::nr_cpu_ids,
    page::PAGE_SIZE, //
};

#[kunit_tests(hv_vmbus_channel)]
mod channel_suite {
    use super::*;

    #[test]
    fn opened_and_closed_and_opened() -> Result {
        let bench = Bench::new()?;
        let channel = bench.offer(3)?;
        let handler = Counting::new(10)?;
        for round in 1..=2 {
            let open = bench.open(&channel, CallbackMode::Direct, handler.clone())?;
            let message = bench.host.last(MessageType::OPEN_CHANNEL).ok_or(EIO)?;
            assert_eq!((message.word(8), message.word(20)), (3, 64));
            assert_eq!(channel.state(), ChannelState::Opened);
            let again = bench.open(&channel, CallbackMode::Direct, handler.clone());
            assert!(matches!(again, Err(EINVAL)));
            assert_eq!(channel.state(), ChannelState::Opened);
            assert!(channel.ring_debug(Direction::Incoming).is_ok());
            drop(open);
            assert_eq!(channel.state(), ChannelState::Closed);
            assert!(channel.ring_debug(Direction::Incoming).is_err());
            assert_eq!(count(&handler.closings), round);
            for kind in [MessageType::CLOSE_CHANNEL, MessageType::GPADL_TEARDOWN] {
                assert_eq!(bench.host.count(kind), round as usize);
            }
        }
        Ok(())
    }

    #[test]
    fn refused_by_the_host() -> Result {
        let bench = Bench::new()?;
        let channel = bench.offer(3)?;
        let handler = Counting::new(10)?;
        bench.set_mood(Mood::Refusing);
        let result = bench.open(&channel, CallbackMode::Direct, handler.clone());
        assert!(matches!(result, Err(error) if error == EDQUOT));
        assert_eq!(channel.state(), ChannelState::Closed);
        // What the host did not take it need not give back.
        assert_eq!(bench.host.count(MessageType::GPADL_TEARDOWN), 0);
        bench.set_mood(Mood::Obliging);
        assert!(bench.open(&channel, CallbackMode::Direct, handler).is_ok());
        Ok(())
    }

    #[test]
    fn rescinded_instead_of_opened() -> Result {
        let bench = Bench::new()?;
        let channel = bench.offer(3)?;
        bench.set_mood(Mood::Rescinding);
        let result = bench.open(&channel, CallbackMode::Direct, Counting::new(10)?);
        assert!(matches!(result, Err(ENODEV)));
        bench.settle();
        assert!(matches!(
            SharedBuffer::new(&channel, PAGE_SIZE),
            Err(ENODEV)
        ));
        drop(channel);
        bench.settle();
        assert_eq!(bench.host.count(MessageType::RELID_RELEASED), 1);
        Ok(())
    }

    #[test]
    fn rescinded_while_open() -> Result {
        let bench = Bench::new()?;
        let handler = Counting::new(10)?;
        let open = open(&bench, CallbackMode::Direct, &handler)?;
        bench.rescind(3);
        assert_eq!(count(&handler.rescinds), 1);
        assert!(!open.endpoint().is_open());
        let sent = open.endpoint().send_inband(&[0; 8], 1, false);
        assert_eq!(sent, Err(SendError::Closed));
        assert_eq!(bench.host.count(MessageType::RELID_RELEASED), 0);
        drop(open);
        bench.settle();
        // The host is told that the rings are not used any more, and then that the relid is not.
        assert_eq!(bench.host.count(MessageType::CLOSE_CHANNEL), 1);
        assert_eq!(bench.host.count(MessageType::RELID_RELEASED), 1);
        Ok(())
    }

    #[test]
    fn buffers_are_shared_page_by_page() -> Result {
        let bench = Bench::new()?;
        let channel = bench.offer(3)?;
        let count = HEADER_PFNS + 2 * BODY_PFNS + 1;
        let buffer = SharedBuffer::new(&channel, count * PAGE_SIZE)?;
        let pages = bench.host.pages(buffer.gpadl())?;
        assert!(pages.iter().copied().eq(buffer.memory().pfns()));
        assert_eq!(pages.len() * 4096, count * PAGE_SIZE);
        let other = SharedBuffer::new(&channel, 1)?;
        assert!(other.gpadl() != buffer.gpadl());
        let gpadl = buffer.gpadl();
        drop(buffer);
        let message = bench.host.last(MessageType::GPADL_TEARDOWN).ok_or(EIO)?;
        assert_eq!((message.word(8), message.word(12)), (3, gpadl));
        Ok(())
    }

    #[test]
    fn buffers_that_nobody_wants() -> Result {
        let bench = Bench::new()?;
        let channel = bench.offer(3)?;
        assert!(matches!(SharedBuffer::new(&channel, 0), Err(EINVAL)));
        bench.set_mood(Mood::Refusing);
        let result = SharedBuffer::new(&channel, PAGE_SIZE);
        assert!(matches!(result, Err(error) if error == EDQUOT));
        assert_eq!(bench.host.count(MessageType::GPADL_TEARDOWN), 0);
        Ok(())
    }

    #[test]
    fn moved_to_the_cpu_where_it_is() -> Result {
        let bench = Bench::new()?;
        let channel = bench.offer(3)?;
        assert_eq!(channel.set_target_cpu(0), Err(EIO));
        let open = bench.open(&channel, CallbackMode::Direct, Counting::new(1)?)?;
        assert_eq!(channel.set_target_cpu(0), Ok(()));
        assert_eq!(channel.set_target_cpu(nr_cpu_ids()), Err(EINVAL));
        assert_eq!(bench.host.count(MessageType::MODIFY_CHANNEL), 0);
        assert_eq!(open.endpoint().target_cpu(), 0);
        Ok(())
    }
}
