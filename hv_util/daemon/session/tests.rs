// SPDX-License-Identifier: GPL-2.0

//! Tests of the conversations with the daemon and with the host.

use super::{
    super::{
        super::{
            sys::device::{
                FileOperations,
                Readiness, //
            },
            testing::{
                copy,
                message,
                proposal,
                status,
                BODY, //
            },
            wire::{
                vss,
                Support, //
            },
        },
        place::Place,
        MessageLen,
        Registration, //
    },
    *,
};
use vmbus::{
    testing::{
        Bench,
        Open, //
    },
    wire::packet,
    CallbackMode, //
};

const MOMENT: Duration = Duration::from_millis(40);
const AGES: Duration = Duration::from_secs(20);

/// What a daemon says first, with or without a wish for a greeting; its second byte is its name.
const HELLO: [u8; 4] = *b"Rx\0\0";
const HELLO_POLITE: [u8; 4] = *b"Rxg\0";

/// A service for tests.
///
/// The host's requests are four bytes that the daemon gets to read: with a first byte of 0 it is not
/// asked at all, with 1 it has a moment only. What the daemon answers is sent back, with its name.
struct Test;

impl Protocol for Test {
    const NAME: &'static str = "Test";
    const DEVICE: &'static CStr = c"vmbus/hv_test";
    const MAX_PACKET: u32 = 4096;
    const SUPPORT: Support = vss::SUPPORT;
    const KIND: Kind = Kind::VSS;
    const MESSAGE_LEN: MessageLen = MessageLen::Exactly(4);
    const WAITS_FOR_DAEMON: bool = false;
    type Daemon = u8;

    fn place() -> &'static Place {
        static PLACE: Place = Place::new();
        &PLACE
    }

    fn registers_again(message: &[u8]) -> bool {
        message.first() == Some(&b'R')
    }

    fn register(message: &[u8]) -> Result<Registration<u8>> {
        match message {
            [b'R', daemon, b'g', _] => Ok(Registration {
                daemon: *daemon,
                greeting: Some(copy(b"hi")?),
            }),
            [b'R', daemon, ..] => Ok(Registration {
                daemon: *daemon,
                greeting: None,
            }),
            _ => Err(EINVAL),
        }
    }

    fn request(body: &mut [u8]) -> Request {
        let question = body.get(..4).and_then(|body| copy(body).ok());
        match (body.first(), question) {
            (Some(0), _) | (_, None) => Request::Answered(Status::OK),
            (first, Some(question)) => Request::Ask {
                question,
                patience: if first == Some(&1) { MOMENT } else { AGES },
            },
        }
    }

    fn amends() -> Option<KVec<u8>> {
        copy(b"thaw").ok()
    }

    fn timed_out() {}

    fn answer(daemon: u8, message: &[u8], body: &mut [u8]) -> Status {
        body[..4].copy_from_slice(message);
        body[4] = daemon;
        Status::OK
    }
}

/// A link to a daemon that has registered.
fn link() -> Result<Arc<Link<Test>>> {
    let link = Link::new()?;
    link.open()?;
    link.write(copy(&HELLO)?)?;
    Ok(link)
}

fn reads(link: &Link<Test>, wanted: &[u8]) -> bool {
    link.read(4096).is_ok_and(|message| message[..] == *wanted)
}

#[kunit_tests(hv_util_link)]
mod link_suite {
    use super::*;

    #[test]
    fn a_daemon_registers() -> Result {
        let link = Link::<Test>::new()?;
        assert_eq!(link.write(copy(&HELLO)?), Err(EBADF));
        link.open()?;
        assert_eq!(link.open(), Err(EBUSY));
        assert_eq!(link.write(copy(b"what")?), Err(EINVAL));
        link.write(copy(&HELLO_POLITE)?)?;
        assert_eq!(link.readiness(), Readiness::Readable);
        assert_eq!(link.write(copy(&HELLO)?), Err(EFAULT));
        assert_eq!(link.read(1).err(), Some(EINVAL));
        assert!(reads(&link, b"hi"));
        assert_eq!(link.readiness(), Readiness::Nothing);
        // It may do so again.
        link.write(copy(&HELLO)?)?;
        assert_eq!(link.write(copy(b"what")?), Err(EINVAL));
        link.release();
        link.open()?;
        assert_eq!(link.write(copy(b"what")?), Err(EINVAL));
        Ok(())
    }

    #[test]
    fn messages_have_their_length() -> Result {
        let link = link()?;
        assert_eq!(link.wanted(4), Ok(4));
        assert_eq!((link.wanted(3), link.wanted(5)), (Err(EINVAL), Err(EINVAL)));
        Ok(())
    }

    #[test]
    fn nobody_is_there_to_be_asked() -> Result {
        let link = Link::<Test>::new()?;
        assert_eq!(link.ask(copy(b"1234")?, AGES).err(), Some(ENOTCONN));
        link.open()?;
        assert_eq!(link.ask(copy(b"1234")?, AGES).err(), Some(ENOTCONN));
        link.write(copy(&HELLO_POLITE)?)?;
        assert_eq!(link.ask(copy(b"1234")?, AGES).err(), Some(ENOTCONN));
        link.await_daemon(MOMENT);
        assert!(reads(&link, b"hi"));
        link.await_daemon(AGES);
        link.release();
        assert_eq!(link.ask(copy(b"1234")?, AGES).err(), Some(ENOTCONN));
        Ok(())
    }

    /// What was not read in time is still read, and an answer to it is none to the next question.
    #[test]
    fn a_daemon_is_late() -> Result {
        let link = link()?;
        assert_eq!(link.ask(copy(b"1234")?, MOMENT).err(), Some(ETIMEDOUT));
        assert_eq!(link.readiness(), Readiness::Readable);
        assert_eq!(link.ask(copy(b"5678")?, MOMENT).err(), Some(ENOTCONN));
        assert!(reads(&link, b"1234"));
        assert_eq!(link.write(copy(b"late")?), Err(EINVAL));
        assert_eq!(link.ask(copy(b"5678")?, MOMENT).err(), Some(ETIMEDOUT));
        assert!(reads(&link, b"5678"));
        Ok(())
    }

    #[test]
    fn hibernation_makes_amends() -> Result {
        let link = link()?;
        link.sleep(Test::amends());
        assert_eq!(link.ask(copy(b"1234")?, AGES).err(), Some(ENOTCONN));
        link.await_daemon(AGES);
        link.wake();
        assert!(reads(&link, b"thaw"));
        assert_eq!(link.ask(copy(b"1234")?, MOMENT).err(), Some(ETIMEDOUT));
        Ok(())
    }

    #[test]
    fn the_end_is_for_good() -> Result {
        let link = link()?;
        link.end();
        assert_eq!(link.readiness(), Readiness::HungUp);
        assert_eq!(link.read(4096).err(), Some(EBADF));
        assert_eq!(link.write(copy(&HELLO)?), Err(EBADF));
        link.release();
        assert_eq!(link.open(), Err(EBADF));
        link.await_daemon(AGES);
        Ok(())
    }

    #[test]
    fn places_are_for_one() -> Result {
        let taken = Test::place().take()?;
        assert!(matches!(Test::place().take(), Err(EEXIST)));
        drop(taken);
        assert!(Test::place().take().is_ok());
        Ok(())
    }
}

/// The service with a host, and with a daemon that has registered.
struct Rig {
    open: Open,
    events: Arc<Events<Test>>,
    link: Arc<Link<Test>>,
}

impl Rig {
    fn new(bench: &Bench) -> Result<Self> {
        let link = link()?;
        let events = Events {
            queue: OwnedQueue::new(c"hv_test", Concurrency::Ordered, Shortage::Waits)?,
            session: Session::new(link.clone())?,
        };
        let events = Arc::new(events, GFP_KERNEL)?;
        let channel = bench.offer(1)?;
        let open = bench.open(&channel, CallbackMode::Direct, events.clone())?;
        Ok(Self { open, events, link })
    }

    /// Has the host send a packet.
    fn send(&mut self, transaction: u64, packet: &[u8]) -> Result {
        self.open
            .send(packet::Kind::INBAND, transaction, &[], packet)?;
        self.open.interrupt();
        Ok(())
    }

    /// Waits until all that the guest can answer has been answered; returns the next answer.
    fn answer(&mut self) -> Option<(u64, KVec<u8>)> {
        for _ in 0..3 {
            self.events.queue.flush();
            self.open.interrupt();
        }
        let answer = self.open.take()?;
        Some((answer.transaction, answer.payload))
    }
}

#[kunit_tests(hv_util_session)]
mod session_suite {
    use super::*;

    #[test]
    fn the_daemon_answers_the_host() -> Result {
        let bench = Bench::new()?;
        let mut rig = Rig::new(&bench)?;
        rig.send(5, &message(5, b"ask!"))?;
        assert!(reads(&rig.link, b"ask!"));
        rig.link.write(copy(b"well")?)?;
        let (transaction, answer) = rig.answer().ok_or(EIO)?;
        assert_eq!((transaction, status(&answer)), (5, Some(0)));
        assert_eq!(answer[BODY..BODY + 5], *b"wellx");
        Ok(())
    }

    #[test]
    fn one_request_at_a_time() -> Result {
        let bench = Bench::new()?;
        let mut rig = Rig::new(&bench)?;
        for transaction in 1..=3 {
            rig.send(transaction, &message(5, b"ask!"))?;
        }
        // When the daemon can read one, those before it have been answered, and no others.
        for answered in 0..3 {
            assert!(reads(&rig.link, b"ask!"));
            let answer = rig.open.take().map(|answer| answer.transaction);
            assert_eq!(answer, (answered != 0).then_some(answered));
            assert!(rig.open.take().is_none());
            rig.link.write(copy(b"well")?)?;
        }
        assert_eq!(rig.answer().map(|(transaction, _)| transaction), Some(3));
        Ok(())
    }

    #[test]
    fn requests_fail_without_an_answer() -> Result {
        let bench = Bench::new()?;
        let mut rig = Rig::new(&bench)?;
        rig.send(1, &message(5, &[1, 2, 3, 4]))?;
        let (_, answer) = rig.answer().ok_or(EIO)?;
        assert_eq!(status(&answer), Some(0x8000_4005));
        rig.link.release();
        rig.send(2, &message(5, b"ask!"))?;
        let (transaction, answer) = rig.answer().ok_or(EIO)?;
        assert_eq!((transaction, status(&answer)), (2, Some(0x8000_4005)));
        Ok(())
    }

    #[test]
    fn the_daemon_answers_too_late() -> Result {
        let bench = Bench::new()?;
        let mut rig = Rig::new(&bench)?;
        rig.send(1, &message(5, &[1, 2, 3, 4]))?;
        assert!(reads(&rig.link, &[1, 2, 3, 4]));
        let (_, answer) = rig.answer().ok_or(EIO)?;
        assert_eq!(status(&answer), Some(0x8000_4005));
        assert_eq!(rig.link.write(copy(b"late")?), Err(EINVAL));
        rig.send(2, &message(5, b"ask!"))?;
        assert!(reads(&rig.link, b"ask!"));
        rig.link.write(copy(b"well")?)?;
        let (transaction, answer) = rig.answer().ok_or(EIO)?;
        assert_eq!((transaction, status(&answer)), (2, Some(0)));
        Ok(())
    }

    #[test]
    fn the_daemon_goes_away() -> Result {
        let bench = Bench::new()?;
        let mut rig = Rig::new(&bench)?;
        rig.send(1, &message(5, b"ask!"))?;
        assert!(reads(&rig.link, b"ask!"));
        rig.link.release();
        let (_, answer) = rig.answer().ok_or(EIO)?;
        assert_eq!(status(&answer), Some(0x8000_4005));
        Ok(())
    }

    #[test]
    fn without_the_daemon() -> Result {
        let bench = Bench::new()?;
        let mut rig = Rig::new(&bench)?;
        rig.send(1, &message(5, &[0]))?;
        let (_, answer) = rig.answer().ok_or(EIO)?;
        assert_eq!(status(&answer), Some(0));
        rig.send(2, &proposal(5, 0))?;
        let (_, answer) = rig.answer().ok_or(EIO)?;
        assert_eq!(answer[BODY..BODY + 4], [1, 0, 1, 0]);
        Ok(())
    }

    #[test]
    fn nonsense_is_not_answered() -> Result {
        let bench = Bench::new()?;
        let mut rig = Rig::new(&bench)?;
        rig.send(1, &message(5, &[0])[..24])?;
        rig.send(2, &message(6, &[0]))?;
        rig.send(3, &message(5, &[0]))?;
        let (transaction, _) = rig.answer().ok_or(EIO)?;
        assert_eq!(transaction, 3);
        assert!(rig.answer().is_none());
        Ok(())
    }

    #[test]
    fn closed_while_the_daemon_works() -> Result {
        let bench = Bench::new()?;
        let mut rig = Rig::new(&bench)?;
        rig.send(1, &message(5, b"ask!"))?;
        assert!(reads(&rig.link, b"ask!"));
        let Rig { open, events, link } = rig;
        drop(open);
        link.write(copy(b"well")?)?;
        events.queue.flush();
        assert!(events.session.endpoint.lock().is_none());
        Ok(())
    }
}
