// SPDX-License-Identifier: GPL-2.0

//! Tests of the synchronisation.

use super::*;
use core::{
    cell::Cell,
    time::Duration, //
};
use kernel::{
    impl_has_work, new_mutex,
    prelude::*,
    sync::{
        atomic::{
            Acquire,
            Full,
            Relaxed,
            Release, //
        },
        Arc,
        Mutex, //
    },
    workqueue::{
        new_work,
        Work,
        WorkItem, //
    },
};
use pin_init::stack_pin_init;

/// Long enough for what does not happen, and far too short for what does.
const MOMENT: Duration = Duration::from_millis(30);
const AGES: Duration = Duration::from_secs(20);

/// Work that notes its number.
#[pin_data]
struct Note {
    number: u32,
    notes: Arc<Notes>,
    #[pin]
    work: Work<Note>,
}

/// Numbers, in the order in which they were noted.
#[pin_data]
struct Notes {
    #[pin]
    numbers: Mutex<KVec<u32>>,
    #[pin]
    noted: Completion,
    answers: Pin<KBox<Exchange<u32>>>,
}

impl_has_work! {
    impl HasWork<Self> for Note { self.work }
}

impl WorkItem for Note {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>) {
        let mut numbers = this.notes.numbers.lock();
        let _ = numbers.push(this.number, GFP_KERNEL);
        let _ = this.notes.answers.answer(1, || Some(this.number));
        this.notes.noted.complete();
    }
}

impl Notes {
    fn new() -> Result<Arc<Self>> {
        let init = try_pin_init!(Self {
            numbers <- new_mutex!(KVec::new()),
            noted <- Completion::new(),
            answers: KBox::pin_init(Exchange::new(AGES), GFP_KERNEL)?,
        }? Error);
        Arc::pin_init(init, GFP_KERNEL)
    }

    fn note(self: &Arc<Self>, queue: &OwnedQueue, number: u32) -> Result {
        let init = pin_init!(Note {
            number,
            notes: self.clone(),
            work <- new_work!("Note::work"),
        });
        let work = Arc::pin_init(init, GFP_KERNEL)?;
        queue.enqueue(work).map_err(|_| EBUSY)
    }
}

#[kunit_tests(hv_vmbus_sync)]
mod suite {
    use super::*;

    #[test]
    fn atomic_words() {
        let word = Atomic::new(u32::MAX);
        assert_eq!(word.fetch_add(2u32, Full), u32::MAX);
        assert_eq!(word.fetch_sub(2u32, Full), 1);
        assert_eq!(word.xchg(7, Acquire), u32::MAX);
        assert_eq!(word.cmpxchg(8, 9, Full), Err(7));
        assert_eq!(word.cmpxchg(7, 9, Full), Ok(7));
        assert_eq!(word.load(Relaxed), 9);
    }

    #[test]
    fn atomic_pairs_leave_the_neighbour_alone() {
        let words = [Atomic::new(0u64), Atomic::new(0u64)];
        words[0].add(u64::MAX, Relaxed);
        words[0].add(1u64, Relaxed);
        assert_eq!(words[0].load(Acquire), 0);
        assert!(words[0].set_bit(63));
        assert!(!words[0].set_bit(63));
        assert_eq!(words[0].load(Relaxed), 1 << 63);
        assert!(words[0].clear_bit(63));
        assert!(!words[0].clear_bit(63));
        assert_eq!(words[0].cmpxchg(0, u64::MAX, Full), Ok(0));
        assert_eq!(words[1].load(Relaxed), 0);
    }

    #[test]
    fn atomic_bytes_leave_the_neighbour_alone() {
        let bytes = [Atomic::new(false), Atomic::new(false)];
        assert!(!bytes[0].xchg(true, Full));
        assert_eq!(bytes[0].cmpxchg(false, true, Full), Err(true));
        assert_eq!(bytes[0].cmpxchg(true, true, Full), Ok(true));
        assert!(!bytes[1].load(Relaxed));
        bytes[0].store(false, Release);
        assert!(!bytes[0].load(Relaxed));
    }

    #[test]
    fn exclusive_goes_round_once_more() {
        let cell = Exclusive::new(0u32);
        let nested = Cell::new(0);
        cell.run(|rounds| {
            *rounds += 1;
            if *rounds == 1 {
                cell.run(|_| nested.set(nested.get() + 1));
                cell.run(|_| nested.set(nested.get() + 1));
            }
        });
        let mut seen = 0;
        cell.run(|rounds| seen = *rounds);
        assert_eq!(seen, 2);
        assert_eq!(nested.get(), 0);
    }

    #[test]
    fn once_is_set_once() {
        let value = SetOnce::new();
        assert!(value.as_ref().is_none());
        assert!(value.populate(1));
        assert!(!value.populate(2));
        assert_eq!(value.as_ref(), Some(&1));
    }

    #[test]
    fn completion_lets_one_go_or_all() {
        stack_pin_init!(let event = Completion::new());
        assert!(!event.is_done() && !event.wait_timeout(MOMENT));
        event.complete();
        assert!(event.wait_timeout(AGES));
        assert!(!event.wait_timeout(MOMENT));
        event.complete_all();
        assert!(event.wait_timeout(AGES) && event.wait_timeout(AGES) && event.is_done());
        event.reinit();
        assert!(!event.is_done() && !event.wait_timeout(MOMENT));
    }

    #[test]
    fn queue_is_ordered() -> Result {
        let queue = OwnedQueue::new(c"test", Concurrency::Ordered, Shortage::Waits)?;
        let notes = Notes::new()?;
        for number in 0..10 {
            notes.note(&queue, number)?;
        }
        queue.flush();
        assert!(notes.numbers.lock().iter().copied().eq(0..10));
        Ok(())
    }

    #[test]
    fn queue_is_drained_when_dropped() -> Result {
        let queue = OwnedQueue::freezable(c"test", Concurrency::Parallel, Shortage::GoesOn)?;
        let notes = Notes::new()?;
        for number in 0..10 {
            notes.note(&queue, number)?;
        }
        drop(queue);
        assert_eq!(notes.numbers.lock().len(), 10);
        Ok(())
    }
}

#[kunit_tests(hv_vmbus_exchange)]
mod exchange_suite {
    use super::*;

    #[test]
    fn answered_while_sent() {
        stack_pin_init!(let place = Exchange::new(AGES));
        let result = place.execute(|id| {
            assert!(!place.answer(id + 1, || Some(1)));
            assert!(place.answer(id, || Some(2)));
            assert!(!place.answer(id, || Some(3)));
            Ok(())
        });
        assert_eq!(result, Ok(2));
        assert!(!place.answer_any(4));
    }

    #[test]
    fn answered_by_another_task() -> Result {
        let queue = OwnedQueue::new(c"test", Concurrency::Ordered, Shortage::Waits)?;
        let notes = Notes::new()?;
        let answer = notes.answers.execute(|_| notes.note(&queue, 9));
        assert_eq!(answer, Ok(9));
        Ok(())
    }

    #[test]
    fn each_request_has_its_number() {
        stack_pin_init!(let place = Exchange::new(AGES));
        let ask = |wanted| {
            place.execute(|id| {
                assert_eq!(id, wanted);
                assert!(place.answer_any(id));
                Ok(())
            })
        };
        assert_eq!(ask(1), Ok(1));
        assert_eq!(
            place.tell(|id| if id == 2 { Ok(()) } else { Err(EINVAL) }),
            Ok(())
        );
        assert_eq!(ask(3), Ok(3));
    }

    #[test]
    fn late_answers_are_for_nobody() {
        stack_pin_init!(let place = Exchange::new(MOMENT));
        assert_eq!(place.execute(|_| Ok(())), Err(ETIMEDOUT));
        assert!(!place.answer(1, || Some(1)));
        // A nonsensical answer is taken, and counts for nothing.
        let result = place.execute(|id| {
            assert!(place.answer(id, || None));
            Ok(())
        });
        assert_eq!(result, Err(ETIMEDOUT));
        assert_eq!(place.execute(|_| Err(EIO)), Err(EIO));
    }

    #[test]
    fn abort_ends_this_wait_and_all_others() {
        stack_pin_init!(let place = Exchange::<u32>::new(AGES));
        let result = place.execute(|_| {
            place.abort();
            Ok(())
        });
        assert_eq!(result, Err(ENODEV));
        let mut sent = false;
        let result = place.execute(|_| {
            sent = true;
            Ok(())
        });
        assert_eq!(result, Err(ENODEV));
        assert!(!sent);
    }
}
