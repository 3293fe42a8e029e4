// SPDX-License-Identifier: GPL-2.0

//! Index arithmetic against plain arithmetic on numbers that never wrap.

use proptest::prelude::*;
use wire_tests::ring::index::{ring_bytes, signal_after_read, signal_after_write, Size};

#[test]
fn sizes() {
    assert_eq!(Size::new(0), None);
    assert_eq!(Size::new(12), None);
    assert_eq!(Size::new(Size::MAX + 8), None);
    assert_eq!(Size::new(Size::MAX).unwrap().get(), 1 << 30);
}

#[test]
fn size_of_a_ring_with_its_header() {
    const K: usize = 1024;
    assert_eq!(ring_bytes(4 * K, 4 * K), 8 * K);
    assert_eq!(ring_bytes(28 * K, 4 * K), 32 * K);
    assert_eq!(ring_bytes(32 * K, 4 * K), 32 * K);
    assert_eq!(ring_bytes(32 * K + 1, 4 * K), 36 * K);
    assert_eq!(ring_bytes(128 * K, 64 * K), 192 * K);
    assert_eq!(ring_bytes(512 * K, 64 * K), 512 * K);
    assert_eq!(ring_bytes(1, 4 * K), 8 * K);
    assert!(ring_bytes(usize::MAX, 4 * K) > Size::MAX);
}

#[test]
fn signals() {
    assert!(signal_after_write(0, 16, 16));
    assert!(!signal_after_write(1, 16, 16));
    assert!(!signal_after_write(0, 24, 16));

    // Nobody waits.
    assert!(!signal_after_read(0, 100, 100));
    // There was enough before.
    assert!(!signal_after_read(50, 100, 40));
    // There is not enough yet, and exactly what was asked for is not enough.
    assert!(!signal_after_read(101, 100, 40));
    assert!(!signal_after_read(100, 100, 40));
    // Now there is.
    assert!(signal_after_read(60, 100, 40));
    assert!(signal_after_read(99, 100, 40));
    // The host used the new room already.
    assert!(!signal_after_read(50, 60, 64));
}

/// A size, and two positions of a model that counts bytes since the beginning.
fn positions() -> impl Strategy<Value = (u32, u64, u64)> {
    (1u32..2000).prop_flat_map(|units| {
        let size = units * 8;
        (Just(size), 0..10_000u64, 0..u64::from(units))
            .prop_map(|(size, read, used)| (size, read * 8, used * 8))
    })
}

proptest! {
    #[test]
    fn like_a_ring_that_never_wraps((size, read, used) in positions(), by in 0u32..2000) {
        let ring = Size::new(size as usize).unwrap();
        let wrap = |position: u64| (position % u64::from(size)) as u32;
        let (r, w) = (wrap(read), wrap(read + used));
        prop_assert_eq!(ring.check(r), Some(r));
        prop_assert_eq!(u64::from(ring.used(r, w)), used);
        prop_assert_eq!(u64::from(ring.free(r, w)), u64::from(size) - used);
        let by = by * 8 % (size + 8);
        prop_assert_eq!(ring.advance(w, by), wrap(read + used + u64::from(by)));
        prop_assert!(ring.is_above_percent(size, 99, 0) && !ring.is_above_percent(size, 100, 0));
        prop_assert!(ring.is_above_percent(size, 49, size) && !ring.is_above_percent(size, 50, size));
        prop_assert!(!ring.is_above_percent(ring.free(r, w), 100, 0));
    }

    #[test]
    fn nonsense_does_not_overflow(bytes in 1usize..=1 << 27, a: u32, b: u32) {
        let ring = Size::new(bytes * 8).unwrap();
        let _ = (ring.used(a, b), ring.free(a, b), ring.distance(a, b), ring.advance(a, b));
        let _ = ring.is_above_percent(a, b, b);
        let _ = signal_after_read(a, b, a);
        if let Some(index) = ring.check(a) {
            prop_assert!(index < ring.get() && index % 8 == 0);
        }
    }
}
