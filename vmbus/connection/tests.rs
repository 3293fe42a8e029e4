// SPDX-License-Identifier: GPL-2.0

//! Tests of the connection: what is done with the host's messages, and who waits for which.

use super::{
    relid::Table,
    testing::{
        Answer,
        Bench,
        Mood, //
    },
    *,
};
use crate::{
    channel::{
        testing::instance,
        ChannelState, //
    },
    wire::{
        message::{
            MessageType,
            RequestOffers,
            MAX_LEN, //
        },
        MAX_RELIDS, //
    },
};
use kernel::prelude::*;

/// How many relids the host was told to be free again.
fn released(bench: &Bench) -> usize {
    bench.host.count(MessageType::RELID_RELEASED)
}

fn relids(bench: &Bench) -> &Table {
    bench.connection().relids()
}

#[kunit_tests(hv_vmbus_requests)]
mod requests_suite {
    use super::*;

    #[test]
    fn each_answer_is_for_one() -> Result {
        let bench = Bench::new()?;
        let connection = bench.connection();
        let created = connection.expect(Key::GpadlCreated(7), Some(1))?;
        let torn_down = connection.expect(Key::GpadlTorndown(7), Some(1))?;
        assert!(matches!(
            connection.expect(Key::GpadlCreated(7), Some(2)),
            Err(EBUSY)
        ));
        bench.host.send(&Answer::new(12, 12).word(8, 7));
        bench
            .host
            .send(&Answer::new(10, 20).word(12, 7).word(16, 5));
        // The first answer counts.
        bench
            .host
            .send(&Answer::new(10, 20).word(12, 7).word(16, 6));
        assert_eq!(created.wait(), Ok(5));
        assert_eq!(torn_down.wait(), Ok(0));
        assert!(connection.expect(Key::GpadlCreated(7), Some(2)).is_ok());
        Ok(())
    }

    #[test]
    fn waiting_ends_with_the_channel() -> Result {
        let bench = Bench::new()?;
        let connection = bench.connection();
        let of_one = connection.expect(Key::Opened(1), Some(1))?;
        let of_other = connection.expect(Key::Opened(2), Some(2))?;
        connection.requests().abort(1);
        bench.host.send(&Answer::new(6, 20).word(8, 2).word(12, 2));
        assert_eq!(of_one.wait(), Err(ENODEV));
        assert_eq!(of_other.wait(), Ok(0));
        let of_all = connection.expect(Key::Version, None)?;
        connection.requests().abort_all();
        assert_eq!(of_all.wait(), Err(ENODEV));
        Ok(())
    }

    #[test]
    fn messages_are_posted_again() -> Result {
        let bench = Bench::new()?;
        bench.set_mood(Mood::Busy);
        bench.connection().post(&RequestOffers::new())?;
        assert_eq!(bench.host.count(MessageType::REQUEST_OFFERS), 1);
        assert_eq!(
            bench.connection().post_bytes(&[0; MAX_LEN + 1]),
            Err(EINVAL)
        );
        bench.connection().unload();
        assert_eq!(bench.connection().post(&RequestOffers::new()), Err(ENODEV));
        Ok(())
    }
}

#[kunit_tests(hv_vmbus_dispatch)]
mod dispatch_suite {
    use super::*;

    #[test]
    fn version_is_agreed_upon() -> Result {
        let bench = Bench::new()?;
        let contact = bench.host.last(MessageType::INITIATE_CONTACT).ok_or(EIO)?;
        assert_eq!(contact.word(8), Version::V5_3.0);
        assert_eq!(contact.word(12), 64);
        assert_eq!(bench.connection().version(), Version::V5_3);
        assert_eq!(bench.connection().message_connection.load(Relaxed), 0x77);
        assert_eq!(bench.connection().gather_offers(), Ok(()));
        Ok(())
    }

    /// Whatever is wrong with a message, the one behind it is understood.
    #[test]
    fn malformed_messages_are_ignored() -> Result {
        let bench = Bench::new()?;
        let pending = bench.connection().expect(Key::Opened(3), Some(3))?;
        for kind in 0..30 {
            for len in [0, 7, 8, 11, 19] {
                let message = Answer::new(kind, len).word(8, 3).word(12, 3).word(16, 1);
                if kind != 17 && kind != 4 {
                    bench.host.send(&message);
                }
            }
        }
        let refused = Answer::new(6, 20).word(8, 3).word(12, 3).word(16, 1);
        bench.host.send_as(1, 241, &refused);
        bench.host.send_as(2, 20, &refused);
        // An answer to another request.
        bench
            .host
            .send(&Answer::new(6, 20).word(8, 3).word(12, 4).word(16, 1));
        bench
            .host
            .send(&Answer::new(6, 20).word(8, 3).word(12, 3).word(16, 9));
        assert_eq!(pending.wait(), Ok(9));
        bench.settle();
        assert_eq!(relids(&bench).highest(), 0);
        Ok(())
    }

    #[test]
    fn answers_that_nobody_waits_for_do_no_harm() -> Result {
        let bench = Bench::new()?;
        for kind in [6, 10, 12, 15, 24] {
            bench.host.send(&Answer::new(kind, 20));
        }
        assert!(bench.offer(1).is_ok());
        Ok(())
    }
}

#[kunit_tests(hv_vmbus_offers)]
mod offers_suite {
    use super::*;

    #[test]
    fn relids_are_claimed_once() -> Result {
        let bench = Bench::new()?;
        let connection = bench.connection();
        let last = u32::try_from(MAX_RELIDS - 1)?;
        let lease = connection.claim(last).ok_or(EIO)?;
        assert!(connection.claim(last).is_none());
        assert!(connection.claim(last + 1).is_none() && connection.claim(u32::MAX).is_none());
        assert_eq!(relids(&bench).highest(), last);
        assert!(relids(&bench).get(last).is_none());
        drop(lease);
        bench.settle();
        let message = bench.host.last(MessageType::RELID_RELEASED).ok_or(EIO)?;
        assert_eq!(message.word(8), last);
        assert!(connection.claim(last).is_some());
        bench.settle();
        assert_eq!(released(&bench), 2);
        Ok(())
    }

    #[test]
    fn offered_rescinded_and_offered_again() -> Result {
        let bench = Bench::new()?;
        for round in 1..=3 {
            let channel = bench.offer(5)?;
            assert_eq!(channel.state(), ChannelState::Closed);
            assert_eq!(channel.connection_id(), 0x1005);
            bench.rescind(5);
            assert!(channel.is_rescinded());
            assert!(relids(&bench).get(5).is_none());
            // Not before nobody has the channel any more.
            assert_eq!(released(&bench), round - 1);
            bench.rescind(5);
            assert!(bench.offer(5).is_err());
            drop(channel);
            bench.settle();
            assert_eq!(released(&bench), round);
        }
        Ok(())
    }

    #[test]
    fn second_offers_are_refused() -> Result {
        let bench = Bench::new()?;
        let channel = bench.offer(5)?;
        // The same relid for another device: the channel keeps it.
        bench.host.offer(5, instance(6), 0);
        bench.settle();
        assert_eq!(channel.instance(), instance(5));
        assert_eq!(released(&bench), 0);
        // Another relid for the same device: it is given back.
        bench.host.offer(6, instance(5), 0);
        bench.settle();
        assert!(relids(&bench).get(6).is_none());
        assert_eq!(released(&bench), 1);
        Ok(())
    }

    #[test]
    fn confidential_channels_are_refused() -> Result {
        let bench = Bench::new()?;
        for flag in [2u16, 4] {
            let offer = Answer::new(1, 196).with(56, &flag.to_le_bytes());
            bench.host.send(&offer.word(184, 5));
            bench.settle();
            assert!(relids(&bench).get(5).is_none());
        }
        assert_eq!(released(&bench), 2);
        Ok(())
    }

    #[test]
    fn subchannels_belong_to_their_primary() -> Result {
        let bench = Bench::new()?;
        bench.host.offer(9, instance(8), 1);
        bench.settle();
        assert_eq!(released(&bench), 1);
        let primary = bench.offer(8)?;
        bench.host.offer(9, instance(8), 1);
        bench.settle();
        let mut found = 0;
        primary.for_each_subchannel(|channel| found = channel.relid());
        assert_eq!(found, 9);
        bench.rescind(9);
        primary.for_each_subchannel(|_| found = 0);
        assert_eq!(found, 9);
        assert_eq!(released(&bench), 2);
        Ok(())
    }

    /// The offer of a device is followed at once by its end, and by another offer.
    #[test]
    fn rescinds_do_not_wait_for_the_arrival() -> Result {
        let bench = Bench::new()?;
        for relid in 1..=10 {
            bench.host.offer(relid, instance(1), 0);
            bench.host.rescind(relid);
        }
        bench.host.offer(11, instance(1), 0);
        bench.settle();
        bench.settle();
        assert_eq!(released(&bench), 10);
        let channel = relids(&bench).get(11).ok_or(EIO)?;
        assert_eq!(channel.state(), ChannelState::Closed);
        Ok(())
    }

    #[test]
    fn nothing_is_left_of_an_ended_connection() -> Result {
        let bench = Bench::new()?;
        for relid in 1..=3 {
            bench.offer(relid)?;
        }
        let host = bench.host.clone();
        drop(bench);
        assert_eq!(host.count(MessageType::UNLOAD), 1);
        assert!(!host.is_connected());
        Ok(())
    }
}
