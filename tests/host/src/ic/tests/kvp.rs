// SPDX-License-Identifier: GPL-2.0

//! Keys, values and addresses.

use super::SOON;
use super::guest::{BODY, Change, ServiceGuest, kind, set_status};
use crate::ic::kvp::{IpInfo, Pool, Value};
use crate::ic::wire::status;
use crate::ic::{Error, Kvp};
use crate::vmbus::device::Device as _;

/// Where an entry is in the body of an enumeration, and in that of other operations.
const ENUMERATED: usize = BODY + 8;
const GOT: usize = BODY + 4;

/// Fills in an entry.
fn entry(payload: &mut [u8], at: usize, key: &str, value: &str) {
    let mut text = |size: usize, at: usize, text: &str| {
        let units: Vec<u8> = text
            .encode_utf16()
            .chain([0])
            .flat_map(u16::to_le_bytes)
            .collect();
        payload[size..size + 4].copy_from_slice(&(units.len() as u32).to_le_bytes());
        payload[at..at + units.len()].copy_from_slice(&units);
    };
    text(at + 4, at + 12, key);
    text(at + 8, at + 524, value);
    payload[at..at + 4].copy_from_slice(&[1, 0, 0, 0]);
}

#[test]
fn requests() {
    let kvp = Kvp::default();
    let guest = ServiceGuest::ready(kvp.link());
    let set = |payload: &mut Vec<u8>| {
        assert_eq!(kind(payload), 2);
        assert_eq!(payload.len(), (BODY + 2576_usize).next_multiple_of(8));
        assert_eq!(payload[BODY..BODY + 2], [1, 3], "operation and pool");
        assert_eq!(payload[GOT..GOT + 12], [8, 0, 0, 0, 4, 0, 0, 0, 8, 0, 0, 0]);
        assert_eq!(
            payload[GOT + 12..GOT + 16],
            [0xe4, 0, 0, 0],
            "\u{e4} in UTF-16"
        );
        assert_eq!(payload[GOT + 524..GOT + 532], 5u64.to_le_bytes());
    };
    let result = guest.serve(
        || kvp.set(Pool::AutoExternal, "\u{e4}", &Value::U64(5), SOON),
        &[&set],
    );
    assert_eq!(result, Ok(()));
    let delete = |payload: &mut Vec<u8>| {
        assert_eq!(payload.len(), (BODY + 520_usize).next_multiple_of(8));
        assert_eq!(payload[BODY + 4..BODY + 10], [4, 0, 0, 0, b'k', 0]);
    };
    let deleted = guest.serve(|| kvp.delete(Pool::Guest, "k", SOON), &[&delete]);
    assert_eq!(deleted, Ok(true));
    assert!(kvp.link().violations().is_empty());
}

#[test]
fn answers() {
    let kvp = Kvp::default();
    let guest = ServiceGuest::ready(kvp.link());
    let got = guest.serve(
        || kvp.get(Pool::External, "k", SOON),
        &[&|payload| entry(payload, GOT, "k", "\u{1f600}")],
    );
    assert_eq!(got, Ok(Some("\u{1f600}".to_owned())));
    let list = guest.serve(
        || kvp.list(Pool::Auto, SOON),
        &[
            &|payload| entry(payload, ENUMERATED, "a", "1"),
            &|payload| entry(payload, ENUMERATED, "b", ""),
            &|payload| set_status(payload, status::CONTINUE),
        ],
    );
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    assert_eq!(list, Ok(vec![pair("a", "1"), pair("b", "")]));
    assert!(kvp.link().violations().is_empty());
}

#[test]
fn answers_that_make_no_sense() {
    let spoils: [Change<'_>; 5] = [
        &|payload| payload[ENUMERATED + 4] = 3,
        &|payload| payload[ENUMERATED + 4..ENUMERATED + 8].fill(0xff),
        &|payload| payload[ENUMERATED + 8] = 0,
        &|payload| payload[ENUMERATED] = 4,
        &|payload| payload[ENUMERATED + 12..ENUMERATED + 14].fill(0),
    ];
    for spoil in spoils {
        let kvp = Kvp::default();
        let guest = ServiceGuest::ready(kvp.link());
        let answer = |payload: &mut Vec<u8>| {
            entry(payload, ENUMERATED, "key", "value");
            spoil(payload);
        };
        let got = guest.serve(|| kvp.enumerate(Pool::Auto, 0, SOON), &[&answer]);
        assert_eq!(got, Err(Error::Malformed));
        assert_eq!(kvp.link().violations().len(), 1);
    }
}

#[test]
fn addresses() {
    let kvp = Kvp::default();
    let guest = ServiceGuest::ready(kvp.link());
    let info = IpInfo {
        adapter: "{guid}".to_owned(),
        family: 1,
        dhcp: true,
        addresses: "10.0.0.1;10.0.0.2".to_owned(),
        subnets: "255.0.0.0".to_owned(),
        gateways: "10.0.0.254".to_owned(),
        name_servers: "\u{e4}".to_owned(),
    };
    let check = |payload: &mut Vec<u8>| {
        assert_eq!(payload.len(), (BODY + 7428_usize).next_multiple_of(8));
        assert_eq!(payload[BODY..BODY + 4], [5, 0, b'{', 0]);
        assert_eq!(payload[BODY + 258..BODY + 262], [1, 1, b'1', 0]);
    };
    assert_eq!(
        guest.serve(|| kvp.set_ip_info(&info, SOON), &[&check]),
        Ok(())
    );
    // The guest sends back what the host asked, which has the same form.
    let echo = guest.serve(|| kvp.ip_info("00:15", SOON), &[&|_| ()]);
    let expected = IpInfo {
        adapter: "00:15".to_owned(),
        ..IpInfo::default()
    };
    assert_eq!(echo, Ok(expected));
    let endless = |payload: &mut Vec<u8>| payload[BODY + 2..BODY + 258].fill(b'x');
    let wrong = guest.serve(|| kvp.ip_info("00:15", SOON), &[&endless]);
    assert_eq!(wrong, Err(Error::Malformed));
}
