// SPDX-License-Identifier: GPL-2.0

//! GUIDs and the device classes named by them.

use proptest::prelude::*;
use wire_tests::{
    guid::{guid, Guid},
    wire::device_type::{DeviceType, TABLE},
};

#[test]
fn text_and_memory_layout() {
    const NIC: Guid = guid!("f8615163-df3e-46c5-913f-f2d2f965ed0e");
    // The alias that userspace sees is the memory layout.
    let alias: String = NIC
        .as_bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(alias, "635161f83edfc546913ff2d2f965ed0e");
    assert_eq!(NIC.to_string(), "f8615163-df3e-46c5-913f-f2d2f965ed0e");
    assert_eq!(format!("{NIC:?}"), NIC.to_string());
    assert_eq!(
        Guid::parse("F8615163-DF3E-46C5-913F-F2D2F965ED0E"),
        Some(NIC)
    );
    assert_eq!(
        Guid::NULL.to_string(),
        "00000000-0000-0000-0000-000000000000"
    );
}

#[test]
fn malformed_text() {
    for text in [
        "",
        "f8615163-df3e-46c5-913f-f2d2f965ed0",
        "f8615163-df3e-46c5-913f-f2d2f965ed0e0",
        "f8615163_df3e-46c5-913f-f2d2f965ed0e",
        "f8615163-df3e_46c5-913f-f2d2f965ed0e",
        "f8615163-df3e-46c5_913f-f2d2f965ed0e",
        "f8615163-df3e-46c5-913f_f2d2f965ed0e",
        "f8615163-df3e-46c5-913f-f2d2f965ed0g",
        "{8615163-df3e-46c5-913f-f2d2f965ed0e",
        "f8615163-df3e-46c5-913f-f2d2f965edé",
    ] {
        assert_eq!(Guid::parse(text), None, "{text}");
    }
}

#[test]
fn table_is_in_the_order_of_the_index() {
    for (index, info) in TABLE.iter().enumerate() {
        assert_eq!(usize::from(info.kind.index()), index);
        assert!(std::ptr::eq(info.kind.info(), info));
        if let Some(class) = &info.class {
            assert_eq!(DeviceType::of(class), Some(info.kind));
        }
    }
    let performance: Vec<_> = TABLE.iter().filter(|info| info.performance).collect();
    assert_eq!(performance.len(), 5);
    let isolated: Vec<_> = TABLE
        .iter()
        .filter(|info| info.allowed_in_isolated)
        .collect();
    assert_eq!(isolated.len(), 6);
    assert_eq!(
        DeviceType::FileCopy.info().preferred_ring_size,
        Some(0x4000)
    );
    assert_eq!(
        DeviceType::Unknown.info().preferred_ring_size,
        Some(0x11000)
    );
}

#[test]
fn unknown_classes() {
    let activation = guid!("f8e65716-3cb3-4a06-9a60-1889c5cccab5");
    assert_eq!(DeviceType::of(&activation), Some(DeviceType::Unknown));
    assert_eq!(
        DeviceType::of(&guid!("00112233-4455-6677-8899-aabbccddeeff")),
        None
    );
}

proptest! {
    #[test]
    fn round_trip(bytes: [u8; 16]) {
        let guid = Guid::from_bytes(bytes);
        prop_assert_eq!(Guid::parse(&guid.to_string()), Some(guid));
    }

    #[test]
    fn any_text(text: String) {
        let _ = Guid::parse(&text);
    }
}
