// SPDX-License-Identifier: GPL-2.0

//! What the host is told.

use super::*;

#[test]
fn the_host_is_told_a_pair() {
    let mut body = pair(ENUMERATE, NUMBERED, "something else", 9, &[0xee; 2048]);
    let message = told(NUMBERED, "Schlüssel".as_bytes(), "😀".as_bytes());
    assert_eq!(answer(Daemon::Current, &message, &mut body), Status::OK);
    assert_eq!(word(&body, NUMBERED), TEXT);
    assert_eq!(wide(&body, NUMBERED + KEY), "Schlüssel");
    assert_eq!(word(&body, NUMBERED + 4), 2 * 9 + 2);
    assert_eq!(wide(&body, NUMBERED + VALUE), "😀");
    assert_eq!(word(&body, NUMBERED + 8), 2 * 2 + 2);
    assert!(body[NUMBERED + VALUE + 4..].iter().all(|&byte| byte == 0));
}

#[test]
fn the_host_is_told_a_value() {
    let mut body = pair(GET, PAIR, "key", TEXT, &[0xee; 2048]);
    let message = told(PAIR, b"ignored", b"value");
    assert_eq!(answer(Daemon::Current, &message, &mut body), Status::OK);
    assert_eq!(wide(&body, PAIR + KEY), "key");
    assert_eq!(wide(&body, PAIR + VALUE), "value");
    assert_eq!(word(&body, PAIR + 8), 12);
}

#[test]
fn the_longest_pair() {
    let mut body = pair(ENUMERATE, NUMBERED, "", TEXT, &[]);
    let message = told(NUMBERED, &[b'k'; 512], &[b'v'; 2048]);
    assert_eq!(answer(Daemon::Current, &message, &mut body), Status::OK);
    assert_eq!(wide(&body, NUMBERED + KEY), "k".repeat(254));
    assert_eq!(word(&body, NUMBERED + 4), 510);
    assert_eq!(wide(&body, NUMBERED + VALUE), "v".repeat(1022));
    assert_eq!(word(&body, NUMBERED + 8), 2046);
}

#[test]
fn the_host_is_told_addresses() {
    let texts = [
        "{card}",
        "10.0.0.1",
        "255.0.0.0",
        "10.0.0.2",
        "9.9.9.9;8.8.8.8",
    ];
    let mut message = vec![0; MESSAGE_BYTES];
    for ((at, _), text) in FIELDS.into_iter().zip(texts) {
        put(&mut message, 4 + at, text.as_bytes());
    }
    (message[4 + 256], message[4 + 257]) = (3, 1);
    let mut body = addresses(GET_IP, ["{card}", "", "", "", ""]);
    assert_eq!(answer(Daemon::Current, &message, &mut body), Status::OK);
    for ((at, _), expected) in FIELDS.into_iter().zip(texts) {
        assert_eq!(wide(&body, 2 + at), expected);
    }
    assert_eq!(body[2 + 256..2 + 258], [3, 1]);
}

#[test]
fn the_longest_addresses() {
    let mut message = vec![0; MESSAGE_BYTES];
    for (at, len) in FIELDS {
        message[4 + at..][..len].fill(b'9');
    }
    let mut body = addresses(GET_IP, [""; 5]);
    assert_eq!(answer(Daemon::Current, &message, &mut body), Status::OK);
    for (at, len) in FIELDS {
        assert_eq!(wide(&body, 2 + at), "9".repeat(len / 2 - 1));
    }
}

#[test]
fn daemons_that_fail() {
    let mut message = told(NUMBERED, b"key", b"value");
    put(&mut message, 0, &0x8007_0057_u32.to_le_bytes());
    for operation in 0..6 {
        let mut body = vec![0; 8000];
        body[0] = operation;
        assert_eq!(
            answer(Daemon::Current, &message, &mut body),
            Status::new(0x8007_0057)
        );
    }
    let mut body = pair(ENUMERATE, NUMBERED, "", TEXT, &[]);
    assert_eq!(answer(Daemon::Legacy, &message, &mut body), Status::OK);
    let message = told(NUMBERED, b"", b"value");
    assert_eq!(answer(Daemon::Legacy, &message, &mut body), Status::NO_MORE);
    for (key, value) in [(&b"\xff"[..], &b"value"[..]), (b"key", b"\xc3")] {
        let message = told(NUMBERED, key, value);
        assert_eq!(answer(Daemon::Current, &message, &mut body), Status::FAIL);
    }
}

#[test]
fn answers_without_content() {
    let message = told(PAIR, b"key", b"value");
    for mut body in [
        pair(SET, PAIR, "key", TEXT, &[]),
        delete("key"),
        addresses(SET_IP, ["a"; 5]),
    ] {
        let before = body.clone();
        assert_eq!(answer(Daemon::Current, &message, &mut body), Status::OK);
        assert_eq!(body, before);
    }
}
