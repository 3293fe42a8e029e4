// SPDX-License-Identifier: GPL-2.0

//! What the daemon is asked.

use super::*;

#[test]
fn a_pair_is_set() {
    let message = ask(&pair(SET, PAIR, "Schlüssel😀", TEXT, &utf16("Wért\0")));
    assert_eq!(message[..4], [SET, 1, 0, 0]);
    assert_eq!(text(&message, PAIR + KEY), "Schlüssel😀");
    assert_eq!(word(&message, PAIR + 4), "Schlüssel😀".len() as u32 + 1);
    assert_eq!(text(&message, PAIR + VALUE), "Wért");
    assert_eq!(word(&message, PAIR + 8), "Wért".len() as u32 + 1);
}

#[test]
fn numbers_are_text_to_the_daemon() {
    for (kind, value, expected) in [
        (NUMBER32, u32::MAX.to_le_bytes().to_vec(), "4294967295"),
        (NUMBER32, 0_u32.to_le_bytes().to_vec(), "0"),
        (
            NUMBER64,
            u64::MAX.to_le_bytes().to_vec(),
            "18446744073709551615",
        ),
    ] {
        let message = ask(&pair(SET, PAIR, "n", kind, &value));
        assert_eq!(text(&message, PAIR + VALUE), expected);
        assert_eq!(word(&message, PAIR + 8), expected.len() as u32 + 1);
    }
    for kind in [0, 2, 3, 7, u32::MAX] {
        assert!(refuses(&pair(SET, PAIR, "n", kind, &[0; 8])));
    }
}

#[test]
fn other_questions_about_pairs() {
    let message = ask(&pair(GET, PAIR, "key", TEXT, &[]));
    assert_eq!(text(&message, PAIR + KEY), "key");
    assert_eq!(
        (word(&message, PAIR + 4), word(&message, PAIR + 8)),
        (4, 2048)
    );

    let message = ask(&delete("key"));
    assert_eq!(message[..2], [DELETE, 4]);
    assert_eq!(word(&message, PAIR), 4);
    assert_eq!(text(&message, PAIR + 4), "key");

    let mut body = pair(ENUMERATE, NUMBERED, "left over", TEXT, &[]);
    put(&mut body, 4, &77_u32.to_le_bytes());
    let message = ask(&body);
    assert_eq!(word(&message, 4), 77);
    assert!(message[8..].iter().all(|&byte| byte == 0));
}

#[test]
fn what_daemons_do_not_check() {
    for pool in 0..=255 {
        for (operation, at) in [(GET, PAIR), (SET, PAIR), (ENUMERATE, NUMBERED)] {
            let mut body = pair(operation, at, "key", TEXT, &[]);
            body[1] = pool;
            assert_eq!(refuses(&body), pool >= 5);
        }
    }
    for operation in 6..=255 {
        assert!(refuses(&pair(operation, PAIR, "key", TEXT, &[])));
    }
}

/// Sizes that the host claims are no sizes of ours.
#[test]
fn sizes_that_are_not_true() {
    let long = "x".repeat(256);
    for claimed in [0, 1, 3, 511, 512, 513, 1024, u32::MAX] {
        for body in [
            pair(SET, PAIR, &long, TEXT, &[b'y'; 2048]),
            pair(GET, PAIR, &long, TEXT, &[]),
        ] {
            let mut body = body;
            put(&mut body, PAIR + 4, &claimed.to_le_bytes());
            put(&mut body, PAIR + 8, &claimed.to_le_bytes());
            let message = ask(&body);
            let expected = (claimed as usize).min(512) / 2;
            assert_eq!(text(&message, PAIR + KEY).len(), expected);
            assert_eq!(word(&message, PAIR + 4) as usize, expected + 1);
        }
        let mut body = delete(&long);
        put(&mut body, PAIR, &claimed.to_le_bytes());
        let expected = (claimed as usize).min(512) / 2;
        assert_eq!(word(&ask(&body), PAIR) as usize, expected + 1);
    }
}

/// Characters of three bytes fill the place up; what does not fit is cut off, and there is always a
/// terminator.
#[test]
fn text_that_grows() {
    let message = ask(&pair(
        SET,
        PAIR,
        &"€".repeat(256),
        TEXT,
        &utf16(&"€".repeat(1024)),
    ));
    assert_eq!(text(&message, PAIR + KEY), "€".repeat(511 / 3));
    assert_eq!(text(&message, PAIR + VALUE), "€".repeat(2047 / 3));
    assert_eq!(word(&message, PAIR + 8), 2047 / 3 * 3 + 1);
}

#[test]
fn halves_of_characters_are_left_out() {
    let units: Vec<u8> = [0x61, 0xd83d, 0x62, 0xde00, 0x63, 0xd83d]
        .into_iter()
        .flat_map(u16::to_le_bytes)
        .collect();
    let message = ask(&pair(SET, PAIR, "key", TEXT, &units));
    assert_eq!(text(&message, PAIR + VALUE), "abc");
}

#[test]
fn questions_about_addresses() {
    let texts = [
        "{card}",
        "10.0.0.1;fe80::1",
        "255.0.0.0",
        "10.0.0.2",
        "9.9.9.9",
    ];
    let message = ask(&addresses(SET_IP, texts));
    assert_eq!(message[..4], [SET_IP, 0, 0, 0]);
    for ((at, _), expected) in FIELDS.into_iter().zip(texts) {
        assert_eq!(text(&message, 4 + at), expected);
    }
    assert_eq!(message[4 + 256..4 + 258], [1, 1]);

    let message = ask(&addresses(GET_IP, texts));
    assert_eq!(text(&message, 4), "{card}");
    assert_eq!(message[4 + 256..4 + 258], [1, 0]);
    assert!(message[4 + 258..].iter().all(|&byte| byte == 0));
}
