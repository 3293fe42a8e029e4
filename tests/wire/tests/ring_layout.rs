// SPDX-License-Identifier: GPL-2.0

//! Which pages the host gets, in kernels with pages of all sizes.

use proptest::prelude::*;
use wire_tests::ring::index::ring_bytes;
use wire_tests::ring::layout::{Layout, Place};
use wire_tests::wire::gpadl::{GpadlMessages, MAX_PFNS};

const HV_PAGE: usize = 4096;

/// The sizes that a kernel's pages can have: on x86 the first, on arm64 all.
const PAGE_SIZES: [usize; 3] = [4 << 10, 16 << 10, 64 << 10];

/// The offsets in bytes of what the host gets, from the start of the memory.
fn offsets(layout: Layout, page_size: usize) -> Vec<usize> {
    let offset = |place: Place| {
        assert!(place.part < page_size / HV_PAGE);
        place.page * page_size + place.part * HV_PAGE
    };
    let offsets = (0..layout.count()).map(|index| offset(layout.place(index).unwrap()));
    offsets.collect()
}

#[test]
fn all_of_memory_that_is_shared_as_a_whole() {
    for page_size in PAGE_SIZES {
        for pages in [1, 2, 5] {
            let layout = Layout::whole(pages, page_size);
            let all: Vec<_> = (0..pages * page_size).step_by(HV_PAGE).collect();
            assert_eq!(offsets(layout, page_size), all);
            assert_eq!(layout.place(all.len()), None);
        }
    }
}

#[test]
fn of_a_header_no_more_than_the_host_knows() {
    for page_size in PAGE_SIZES {
        for pages in [2, 3, 9] {
            let layout = Layout::ring(pages, page_size);
            let mut shared = vec![0];
            shared.extend((page_size..pages * page_size).step_by(HV_PAGE));
            assert_eq!(offsets(layout, page_size), shared);
            assert_eq!(layout.place(shared.len()), None);
        }
    }
}

#[test]
fn with_pages_like_the_hosts_a_ring_is_shared_as_a_whole() {
    let places = |layout: Layout| offsets(layout, HV_PAGE);
    assert_eq!(
        places(Layout::ring(7, HV_PAGE)),
        places(Layout::whole(7, HV_PAGE))
    );
}

#[test]
fn nothing_is_in_no_pages() {
    for page_size in PAGE_SIZES {
        assert_eq!(Layout::whole(0, page_size).count(), 0);
        assert_eq!(Layout::ring(0, page_size).count(), 0);
        assert_eq!(Layout::ring(0, page_size).place(0), None);
    }
}

/// What drivers ask for: the data of the host's ring must be as much as that of ours, and all of it
/// has a name in one GPADL.
#[test]
fn rings_of_drivers_can_be_shared() {
    // hv_util, netvsc and storvsc.
    for payload in [3 * HV_PAGE, 128 << 10, 512 << 10] {
        for page_size in PAGE_SIZES {
            let bytes = ring_bytes(payload, page_size);
            assert_eq!(bytes % page_size, 0);
            let layout = Layout::ring(bytes / page_size, page_size);
            assert_eq!((layout.count() - 1) * HV_PAGE, bytes - page_size);
            assert!(2 * layout.count() <= MAX_PFNS);
            let pfns = (0..2 * layout.count()).map(|index| index as u64);
            assert!(GpadlMessages::new(1, 1, pfns).is_some());
        }
    }
}

proptest! {
    /// As the C driver reckons: page `i` of a ring is as many bytes further on as the header's page
    /// has beyond the host's.
    #[test]
    fn like_the_c_driver(shift in 0u32..5, pages in 2usize..40, index in 0usize..700) {
        let page_size = HV_PAGE << shift;
        let layout = Layout::ring(pages, page_size);
        let gap = page_size - HV_PAGE;
        prop_assert_eq!(layout.count(), (pages * page_size - gap) / HV_PAGE);
        let delta = if index == 0 { 0 } else { gap };
        let offset = delta + index * HV_PAGE;
        let expected = (index < layout.count()).then_some(Place {
            page: offset / page_size,
            part: offset % page_size / HV_PAGE,
        });
        prop_assert_eq!(layout.place(index), expected);
    }
}
