// SPDX-License-Identifier: GPL-2.0

//! Key-value pairs: what the daemon is asked, and what the host is told.

use proptest::prelude::*;
use wire::{
    kvp::{
        answer, greeting,
        layout::{Addresses, Key, Numbered, Pair},
        question, Daemon, MESSAGE_BYTES,
    },
    Status,
};

#[expect(
    dead_code,
    unused_imports,
    reason = "tests/utilities.rs is about the rest"
)]
#[path = "../../../../hv_util/wire/mod.rs"]
mod wire;

mod answers;
mod questions;

const GET: u8 = 0;
const SET: u8 = 1;
const DELETE: u8 = 2;
const ENUMERATE: u8 = 3;
const GET_IP: u8 = 4;
const SET_IP: u8 = 5;

const TEXT: u32 = 1;
const NUMBER32: u32 = 4;
const NUMBER64: u32 = 8;

/// Where the parts of a pair are.
const PAIR: usize = 4;
const NUMBERED: usize = 8;
const KEY: usize = 12;
const VALUE: usize = KEY + 512;

/// Where the parts of addresses are.
const FIELDS: [(usize, usize); 5] = [
    (0, 256),
    (258, 2048),
    (2306, 2048),
    (4354, 1024),
    (5378, 2048),
];

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn put(body: &mut [u8], at: usize, bytes: &[u8]) {
    body[at..at + bytes.len()].copy_from_slice(bytes);
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

/// A text that ends at a zero.
fn text(bytes: &[u8], at: usize) -> String {
    let end = bytes[at..].iter().position(|&byte| byte == 0).unwrap();
    String::from_utf8(bytes[at..at + end].to_vec()).unwrap()
}

/// The same in the host's encoding.
fn wide(bytes: &[u8], at: usize) -> String {
    let units = bytes[at..]
        .chunks(2)
        .map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
    let units: Vec<u16> = units.take_while(|&unit| unit != 0).collect();
    String::from_utf16(&units).unwrap()
}

/// A body of the host about a pair that begins at `at`.
fn pair(operation: u8, at: usize, key: &str, kind: u32, value: &[u8]) -> Vec<u8> {
    let mut body = vec![0; at + size_of::<Pair>()];
    (body[0], body[1]) = (operation, 1);
    put(&mut body, at, &kind.to_le_bytes());
    let key = utf16(key);
    put(&mut body, at + 4, &(key.len() as u32 + 2).to_le_bytes());
    put(&mut body, at + 8, &(value.len() as u32).to_le_bytes());
    put(&mut body, at + KEY, &key);
    put(&mut body, at + VALUE, value);
    body
}

fn delete(key: &str) -> Vec<u8> {
    let mut body = vec![0; PAIR + size_of::<Key>()];
    (body[0], body[1]) = (DELETE, 4);
    let key = utf16(key);
    put(&mut body, PAIR, &(key.len() as u32 + 2).to_le_bytes());
    put(&mut body, PAIR + 4, &key);
    body
}

fn addresses(operation: u8, texts: [&str; 5]) -> Vec<u8> {
    let mut body = vec![0; 2 + size_of::<Addresses>()];
    (body[0], body[1]) = (operation, 0);
    (body[2 + 256], body[2 + 257]) = (1, 1);
    for ((at, _), text) in FIELDS.into_iter().zip(texts) {
        put(&mut body, 2 + at, &utf16(text));
    }
    body
}

fn ask(body: &[u8]) -> Vec<u8> {
    let mut message = vec![0xee; MESSAGE_BYTES];
    question(body, &mut message).unwrap();
    message
}

fn refuses(body: &[u8]) -> bool {
    question(body, &mut vec![0; MESSAGE_BYTES]).is_err()
}

#[test]
fn sizes() {
    assert_eq!(MESSAGE_BYTES, 7432);
    assert_eq!(size_of::<Numbered>(), 2576);
}

#[test]
fn daemons() {
    let mut message = vec![0; MESSAGE_BYTES];
    assert_eq!(Daemon::parse(&message), Err(0));
    message[0] = 100;
    assert_eq!(Daemon::parse(&message), Ok(Daemon::Current));
    message[0] = 4;
    assert_eq!(Daemon::parse(&message), Ok(Daemon::Legacy));
    for (daemon, number) in [(Daemon::Current, 100), (Daemon::Legacy, 4)] {
        let mut message = vec![0xee; MESSAGE_BYTES];
        greeting(daemon, &mut message).unwrap();
        assert_eq!(message[..4], [number, 0, 0, 0]);
        assert_eq!(text(&message, 4), "3.1");
        assert!(message[7..].iter().all(|&byte| byte == 0));
    }
    assert!(greeting(Daemon::Current, &mut [0; 5]).is_err());
}

#[test]
fn messages_that_are_cut_off() {
    for body in [
        pair(GET, PAIR, "key", TEXT, &[]),
        pair(SET, PAIR, "key", TEXT, &[]),
        delete("key"),
        pair(ENUMERATE, NUMBERED, "", TEXT, &[]),
        addresses(GET_IP, [""; 5]),
        addresses(SET_IP, [""; 5]),
    ] {
        for len in 0..body.len() {
            assert!(refuses(&body[..len]), "{len} bytes");
        }
        let message = vec![0; MESSAGE_BYTES];
        for len in 0..4 {
            let status = answer(Daemon::Current, &message, &mut body[..len].to_vec());
            assert!(status == Status::FAIL || len >= 2);
        }
        for len in [0, 3, 4, 100, MESSAGE_BYTES - 1] {
            let status = answer(Daemon::Current, &message[..len], &mut body.clone());
            assert_eq!(status, Status::FAIL);
        }
    }
}

/// What the daemon writes for the pair at `at`.
fn told(at: usize, key: &[u8], value: &[u8]) -> Vec<u8> {
    let mut message = vec![0; MESSAGE_BYTES];
    put(&mut message, at + KEY, key);
    put(&mut message, at + VALUE, value);
    message
}

/// Bytes of which many are zero, as many as there are at most in a message.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![Just(0), any::<u64>()];
    proptest::collection::vec(word, 940)
        .prop_map(|words| words.into_iter().flat_map(u64::to_le_bytes).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the host asks, nothing panics, and texts for the daemon end.
    #[test]
    fn any_question(mut body in bytes(), operation in 0..7_u8, pool in 0..6_u8) {
        (body[0], body[1]) = (operation, pool);
        let mut message = vec![0xee; MESSAGE_BYTES];
        if question(&body, &mut message).is_ok() {
            prop_assert_eq!(message[0], operation);
            match operation {
                GET | SET => {
                    prop_assert!(word(&message, PAIR + 4) <= 512);
                    prop_assert_eq!(message[PAIR + KEY + 511], 0);
                    prop_assert_eq!(message[PAIR + VALUE + 2047], 0);
                }
                GET_IP | SET_IP => {
                    for (at, len) in FIELDS {
                        prop_assert_eq!(message[4 + at + len - 1], 0);
                    }
                }
                _ => (),
            }
        }
    }

    /// Whatever the daemon says, nothing panics, and texts for the host end.
    #[test]
    fn any_answer(
        mut message in bytes(),
        mut body in bytes(),
        len in 0..7500_usize,
        operation in 0..7_u8,
        legacy: bool,
    ) {
        let daemon = if legacy { Daemon::Legacy } else { Daemon::Current };
        body[0] = operation;
        body.truncate(len);
        message[..4].fill(0);
        let status = answer(daemon, &message, &mut body);
        prop_assert_eq!(body.len(), len);
        if status == Status::OK && operation == ENUMERATE {
            prop_assert!(word(&body, NUMBERED + 4) <= 510);
            prop_assert!(word(&body, NUMBERED + 8) <= 2046);
        }
    }

    /// A text survives the way to the daemon and back, if there is room for it.
    #[test]
    fn there_and_back(key in "\\PC{0,60}", value in "\\PC{0,250}") {
        let message = ask(&pair(SET, PAIR, &key, TEXT, &utf16(&value)));
        prop_assert_eq!(text(&message, PAIR + KEY), key.clone());
        let mut body = pair(ENUMERATE, NUMBERED, "", TEXT, &[]);
        let told = told(NUMBERED, key.as_bytes(), value.as_bytes());
        prop_assert_eq!(answer(Daemon::Current, &told, &mut body), Status::OK);
        prop_assert_eq!(wide(&body, NUMBERED + KEY), key);
        prop_assert_eq!(wide(&body, NUMBERED + VALUE), value);
    }
}
