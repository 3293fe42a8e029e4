// SPDX-License-Identifier: GPL-2.0

//! What a host says that it can do, and what it is told to do of that.

use zerocopy::{FromZeros, IntoBytes};

use crate::wire::{
    info::Transports,
    nvsp::Version,
    offload::{Capabilities, Offloads, Parameters},
};

/// Of a host that can do all that we know of; the bits are those of NDIS.
fn able() -> Capabilities {
    let mut able = Capabilities::new_zeroed();
    able.checksum.v4_send = 0x010 | 0x004 | 0x040;
    able.checksum.v6_send = 0x010 | 0x004 | 0x001 | 0x040;
    able.large_send.v4_encapsulation = 2;
    able.large_send.v4_max_len = 50000;
    able.large_send.v6_encapsulation = 2;
    able.large_send.v6_max_len = 60000;
    able.large_send.v6_options = 4 | 1;
    able.coalesce_v4 = 1;
    able.coalesce_v6 = 1;
    able
}

fn all() -> Offloads {
    Offloads {
        checksums: Transports::TCP4 | Transports::UDP4 | Transports::TCP6 | Transports::UDP6,
        segments_v4: true,
        segments_v6: true,
        max_segments_len: Some(50000),
        coalesces: true,
    }
}

/// Takes from a host what it can do, and from what is asked of it.
type Change = (fn(&mut Capabilities), fn(&mut Offloads));

fn only_v6(of: &mut Offloads) {
    of.checksums = Transports::TCP6 | Transports::UDP6;
    no_segments_v4(of);
}

fn only_v4(of: &mut Offloads) {
    of.checksums = Transports::TCP4 | Transports::UDP4;
    of.segments_v6 = false;
}

fn no_segments_v4(of: &mut Offloads) {
    of.segments_v4 = false;
    of.max_segments_len = Some(60000);
}

/// A transport's checksums without all that may be in its headers are of no use, nor is the cutting
/// into segments, which has to make them.
const CHANGES: [Change; 14] = [
    (|host| host.checksum.v4_send &= !0x010, only_v6),
    (|host| host.checksum.v4_send &= !0x004, only_v6),
    (
        |host| host.checksum.v4_send &= !0x040,
        |of| of.checksums = Transports::TCP4 | Transports::TCP6 | Transports::UDP6,
    ),
    (|host| host.checksum.v6_send &= !0x010, only_v4),
    (|host| host.checksum.v6_send &= !0x004, only_v4),
    (|host| host.checksum.v6_send &= !0x001, only_v4),
    (
        |host| host.checksum.v6_send &= !0x040,
        |of| of.checksums = Transports::TCP4 | Transports::UDP4 | Transports::TCP6,
    ),
    (|host| host.large_send.v4_encapsulation = !2, no_segments_v4),
    (
        |host| host.large_send.v6_encapsulation = !2,
        |of| of.segments_v6 = false,
    ),
    (
        |host| host.large_send.v6_options = !1,
        |of| of.segments_v6 = false,
    ),
    (
        |host| host.large_send.v6_options = 1,
        |of| of.segments_v6 = false,
    ),
    (
        |host| host.large_send.v6_max_len = 40000,
        |of| of.max_segments_len = Some(40000),
    ),
    (|host| host.coalesce_v4 = 0, |of| of.coalesces = false),
    (|host| host.coalesce_v6 = 0, |of| of.coalesces = false),
];

#[test]
fn a_host_is_asked_for_what_it_can_do() {
    assert_eq!(
        Offloads::of(&Capabilities::new_zeroed(), Version::V6_1),
        Offloads::default()
    );
    assert_eq!(Offloads::of(&able(), Version::V6_1), all());
    for (number, (take, leave)) in CHANGES.iter().enumerate() {
        let (mut host, mut expected) = (able(), all());
        take(&mut host);
        leave(&mut expected);
        assert_eq!(
            Offloads::of(&host, Version::V6_1),
            expected,
            "change {number}"
        );
    }
}

#[test]
fn what_is_asked_for_depends_on_the_version() {
    let new = Parameters::new(&all(), true).for_version(Version::V6_1);
    assert_eq!(new.as_bytes()[..4], [0x80, 3, 28, 0]);
    assert_eq!(new.as_bytes()[4..16], [1, 4, 4, 4, 4, 0, 0, 2, 2, 0, 0, 0]);
    assert_eq!(new.as_bytes()[16..], [0, 0, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0]);

    let old = Offloads::of(&able(), Version::V4);
    assert_eq!(old.checksums, Transports::TCP4 | Transports::TCP6);
    let old = Parameters::new(&old, true).for_version(Version::V4);
    assert_eq!(old.as_bytes()[..4], [0x80, 3, 22, 0]);
    assert_eq!(
        old.as_bytes()[4..],
        [1, 4, 0, 4, 0, 0, 0, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    );
}

#[test]
fn what_is_not_to_change_is_0() {
    let none = Parameters::new(&Offloads::default(), true).for_version(Version::V6_1);
    assert_eq!(none.as_bytes()[4..], [[1].as_slice(), &[0; 23]].concat());
    for (on, value) in [(true, 2), (false, 1)] {
        let only = Parameters::coalesce(on).for_version(Version::V6_1);
        assert_eq!(only.as_bytes()[4..22], [0; 18]);
        assert_eq!(only.as_bytes()[22..], [value, value, 0, 0, 0, 0]);
    }
}

#[test]
fn capabilities_are_asked_for_as_the_version_knows_them() {
    for (version, revision, expected) in [
        (Version::V2, 1, Capabilities::LEN_6_0),
        (Version::V4, 2, Capabilities::LEN_6_1),
        (Version::V5, 3, size_of::<Capabilities>()),
    ] {
        let (query, len) = Capabilities::query(version);
        assert_eq!(len, expected);
        assert_eq!(query.as_bytes()[..4], [0xa7, revision, len as u8, 0]);
        assert!(Capabilities::parse(&query.as_bytes()[..len]).is_some());
        assert!(Capabilities::parse(&query.as_bytes()[..len - 1]).is_none());
    }
}

#[test]
fn capabilities_have_to_be_some() {
    assert!(Capabilities::parse(&[]).is_none());
    assert!(Capabilities::parse(&[0; 200]).is_none());
    let least = Capabilities::LEN_6_0;
    let parse = |kind, revision, said: usize, len| {
        let mut value = vec![0; len];
        value[..4].copy_from_slice(&[kind, revision, said as u8, 0]);
        Capabilities::parse(&value).is_some()
    };
    assert!(parse(0xa7, 1, least, least));
    assert!(parse(0xa7, 1, least, least + 1));
    assert!(!parse(0xa6, 1, least, least));
    assert!(!parse(0xa7, 0, least, least));
    assert!(!parse(0xa7, 1, least + 1, least));
    assert!(!parse(0xa7, 1, least - 1, least));
}
