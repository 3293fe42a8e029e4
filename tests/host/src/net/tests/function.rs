// SPDX-License-Identifier: GPL-2.0

//! Two ways to one cable.

use std::sync::Arc;

use super::driver::Driver;
use crate::net::backend::Frame;
use crate::net::nvsp::{Version, kind, message, word};
use crate::net::violation::Violation;
use crate::net::{Card, CardConfig, Function};

const TO_FUNCTION: [u32; 1] = [1];
const TO_CARD: [u32; 1] = [0];

/// A frame for everybody.
fn frame() -> Frame {
    vec![0xff; 60]
}

/// The guest's driver, and a card for a function of its card; no driver is there for that one,
/// so that it drops what is for the guest.
fn with_function() -> (Driver, Arc<Card>) {
    let driver = Driver::ready(CardConfig::default());
    let function = Function::of(&driver.card);
    (driver, Card::new(CardConfig::numbered(2), function))
}

#[test]
fn frames_for_the_guest_come_on_the_way_that_it_chose() {
    let (mut driver, second) = with_function();
    for (path, by_function) in [(TO_FUNCTION, 1), (TO_CARD, 1), (TO_FUNCTION, 2)] {
        let answer = driver.ask(&message(kind::SWITCH_DATA_PATH, &path));
        assert!(answer.is_empty());
        driver.card.deliver(vec![frame()]);
        assert_eq!(second.stats().rx_dropped, by_function);
        if path == TO_CARD {
            assert_eq!(driver.receive(0).len(), 1);
        }
    }
    assert_eq!(driver.card.stats().switches, 3);
    driver.finish_with(&[]);
}

#[test]
fn frames_of_the_guest_reach_the_same_wire() {
    let (driver, second) = with_function();
    second.to_wire(vec![frame()]);
    assert_eq!(driver.sent(), [frame()]);
    driver.finish_with(&[]);
}

#[test]
fn a_function_that_is_gone_leaves_the_way_to_the_card() {
    let (mut driver, second) = with_function();
    driver.ask(&message(kind::SWITCH_DATA_PATH, &TO_FUNCTION));
    drop(second);
    driver.card.deliver(vec![frame()]);
    assert_eq!(driver.receive(0).len(), 1);
    driver.finish_with(&[]);
}

#[test]
fn the_way_is_the_card_again_when_the_guest_starts_anew() {
    let (mut driver, _second) = with_function();
    driver.ask(&message(kind::SWITCH_DATA_PATH, &TO_FUNCTION));
    assert!(driver.card.vf_path());
    let card = Arc::clone(&driver.card);
    driver.finish_with(&[]);
    assert!(!card.vf_path());
}

#[test]
fn a_guest_may_know_nothing_of_functions() {
    let mut driver = Driver::connected(CardConfig::default(), Version::V2);
    let answer = driver.ask(&message(kind::SWITCH_DATA_PATH, &TO_FUNCTION));
    assert_eq!(word(&answer, 0), None);
    assert!(!driver.card.vf_path());
    driver.finish_with(&[Violation::OutOfTurn(kind::SWITCH_DATA_PATH)]);
}

#[test]
fn there_are_two_ways() {
    let mut driver = Driver::ready(CardConfig::default());
    driver.ask(&message(kind::SWITCH_DATA_PATH, &[2]));
    assert!(!driver.card.vf_path());
    driver.finish_with(&[Violation::DataPath(2)]);
}
