// SPDX-License-Identifier: GPL-2.0

//! Names of packets: every name is in use once, and a host can complete a packet once.

use proptest::prelude::*;
use std::{
    collections::BTreeMap,
    sync::{
        atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst},
        mpsc::channel,
    },
    thread,
};
use wire_tests::ring::requests::{groups_for, Group, SharedWord, Slots};

#[derive(Debug, Default)]
struct Word(AtomicU64);

impl SharedWord for Word {
    fn load(&self) -> u64 {
        self.0.load(SeqCst)
    }

    fn replace(&self, old: u64, new: u64) -> Result<(), u64> {
        self.0
            .compare_exchange(old, new, SeqCst, SeqCst)
            .map(|_| ())
    }
}

fn slots(count: usize) -> Slots<Vec<Group<Word>>> {
    let groups = (0..groups_for(count)).map(|_| Group::default()).collect();
    Slots::new(groups, count)
}

#[test]
fn life_of_a_slot() {
    let slots = slots(2);
    let slot = slots.take(0).unwrap();
    assert_eq!((slot.index(), slot.id()), (0, 1));
    assert!(slots.claim(1).is_none(), "not yet in flight");
    let id = slot.launch();
    let second = slots.take(0).unwrap();
    assert_eq!(second.id(), 2);
    assert!(slots.take(0).is_none(), "full");
    drop(second);
    let claimed = slots.claim(id).unwrap();
    assert!(slots.claim(id).is_none(), "only once");
    assert_eq!(
        slots.take(0).map(|slot| slot.id()),
        Some(2),
        "1 is still taken"
    );
    drop(claimed);
    assert_eq!(slots.take(0).map(|slot| slot.id()), Some(1));
}

#[test]
fn slots_that_are_kept() {
    let slots = slots(2);
    let index = slots.take(0).unwrap().keep();
    assert!(slots.claim(index as u64 + 1).is_none(), "not in flight");
    assert_eq!(slots.take(0).map(|slot| slot.keep()), Some(1));
    assert!(slots.take(0).is_none());
    slots.give_back(index);
    slots.give_back(2000);
    assert_eq!(slots.take(0).map(|slot| slot.index()), Some(index));
}

#[test]
fn the_search_begins_where_the_hint_says() {
    for hint in 0..6 {
        let slots = slots(128);
        let index = slots.take(hint).unwrap().keep();
        assert_eq!(index, hint % 2 * 64);
        slots.give_back(index);
        assert_eq!(slots.take(hint).map(|slot| slot.index()), Some(index));
    }
}

#[test]
fn names_that_a_host_makes_up() {
    let slots = slots(70);
    for id in [0, 1, 70, 71, 128, 129, u64::MAX, u64::MAX - 1] {
        assert!(slots.claim(id).is_none());
    }
}

#[test]
fn sizes() {
    for count in [0, 1, 63, 64, 65, 128, 1000] {
        let slots = slots(count);
        assert_eq!((slots.len(), slots.is_empty()), (count, count == 0));
        let mut ids: Vec<_> = (0..count)
            .map(|hint| slots.take(hint).unwrap().launch())
            .collect();
        assert!(slots.take(7).is_none());
        ids.sort_unstable();
        assert_eq!(ids, (1..=count as u64).collect::<Vec<_>>());
        assert_eq!(slots.claim_all().count(), count);
        assert_eq!(slots.claim_all().count(), 0);
    }
}

#[test]
fn threads() {
    const PACKETS: usize = 20_000;
    let slots = slots(100);
    let owners: Vec<_> = (0..slots.len()).map(|_| AtomicUsize::new(0)).collect();
    let (sender, receiver) = channel();
    thread::scope(|scope| {
        for thread in 1..=3 {
            let (slots, owners, sender) = (&slots, &owners, sender.clone());
            scope.spawn(move || {
                for _ in 0..PACKETS {
                    let slot = loop {
                        match slots.take(thread) {
                            Some(slot) => break slot,
                            None => thread::yield_now(),
                        }
                    };
                    assert_eq!(owners[slot.index()].swap(thread, SeqCst), 0, "taken twice");
                    sender.send(slot.launch()).unwrap();
                }
            });
        }
        drop(sender);
        for id in receiver {
            let slot = slots.claim(id).expect("in flight");
            assert_ne!(owners[slot.index()].swap(0, SeqCst), 0);
            assert!(slots.claim(id).is_none());
        }
    });
    assert_eq!(slots.claim_all().count(), 0);
}

proptest! {
    #[test]
    fn any_sequence(steps in proptest::collection::vec((any::<bool>(), 0u64..80), 1..300)) {
        let slots = slots(70);
        let mut in_flight = BTreeMap::new();
        for (send, number) in steps {
            if send {
                let slot = slots.take(number as usize);
                prop_assert_eq!(slot.is_some(), in_flight.len() < 70);
                if let Some(slot) = slot {
                    let index = slot.index();
                    prop_assert_eq!(in_flight.insert(slot.launch(), index), None);
                }
            } else {
                let claimed = slots.claim(number).map(|slot| slot.index());
                prop_assert_eq!(claimed, in_flight.remove(&number));
            }
        }
    }
}
