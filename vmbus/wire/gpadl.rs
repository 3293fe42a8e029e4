// SPDX-License-Identifier: GPL-2.0

//! GPADLs: how the guest names memory that it shares with the host.
//!
//! The page numbers rarely fit into one message. The first message has a header, the number of
//! bytes and the first pages, the others only pages.

use super::{
    message::{
        message,
        Header,
        MessageType,
        MAX_LEN, //
    },
    HV_PAGE_SIZE, //
};
use zerocopy::{
    little_endian::U64,
    IntoBytes, //
};
use zerocopy_derive::{
    FromBytes,
    Immutable,
    IntoBytes,
    KnownLayout, //
};

/// The number of page numbers in the first message.
pub const HEADER_PFNS: usize = (MAX_LEN - 28) / size_of::<u64>();

/// The number of page numbers in each further message.
pub const BODY_PFNS: usize = (MAX_LEN - 16) / size_of::<u64>();

/// The largest GPADL: the length in bytes of its range is a 16-bit number.
pub const MAX_PFNS: usize = (u16::MAX as usize - RANGE_LEN) / size_of::<u64>();

/// The handle of the first GPADL of a connection; the others count up from it.
pub const FIRST_HANDLE: u32 = 0xe1e10;

/// The length of a range without its page numbers.
const RANGE_LEN: usize = 8;

/// The first message, as long as it can be.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct GpadlHeader {
    header: Header,
    pub(crate) relid: u32,
    pub(crate) gpadl: u32,
    pub(crate) range_len: u16,
    pub(crate) range_count: u16,
    pub(crate) byte_count: u32,
    pub(crate) byte_offset: u32,
    pub(crate) pfns: [U64; HEADER_PFNS],
}
const _: () = assert!(size_of::<GpadlHeader>() <= MAX_LEN);

/// A further message, as long as it can be.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct GpadlBody {
    header: Header,
    pub(crate) message_number: u32,
    pub(crate) gpadl: u32,
    pub(crate) pfns: [U64; BODY_PFNS],
}
const _: () = assert!(size_of::<GpadlBody>() <= MAX_LEN);

/// One of the messages that share memory.
#[derive(Clone, Copy, Debug)]
enum Part {
    Header(GpadlHeader),
    Body(GpadlBody),
}

/// One of the messages that share memory.
#[derive(Clone, Copy, Debug)]
pub struct GpadlMessage {
    part: Part,
    len: usize,
}

impl GpadlMessage {
    /// What to send.
    pub fn as_bytes(&self) -> &[u8] {
        let all = match &self.part {
            Part::Header(message) => message.as_bytes(),
            Part::Body(message) => message.as_bytes(),
        };
        all.get(..self.len).unwrap_or(all)
    }
}

/// The messages that share the pages with the numbers that the iterator `P` yields.
#[derive(Clone, Debug)]
pub struct GpadlMessages<P> {
    relid: u32,
    gpadl: u32,
    pages: P,
    /// What the first message says; [`None`] once it was made.
    total: Option<(u16, u32)>,
}

impl<P: ExactSizeIterator<Item = u64>> GpadlMessages<P> {
    /// Shares whole pages, `pages` being their numbers in units of [`HV_PAGE_SIZE`], with the
    /// device behind channel `relid` under the name `gpadl`.
    ///
    /// Answers [`None`] for no pages, and for more than [`MAX_PFNS`].
    pub fn new(relid: u32, gpadl: u32, pages: P) -> Option<Self> {
        let count = pages.len();
        if count == 0 || count > MAX_PFNS {
            return None;
        }
        let range_len = u16::try_from(RANGE_LEN + count * size_of::<u64>()).ok()?;
        let byte_count = u32::try_from(count.checked_mul(HV_PAGE_SIZE)?).ok()?;
        Some(Self {
            relid,
            gpadl,
            pages,
            total: Some((range_len, byte_count)),
        })
    }

    fn header(&mut self, range_len: u16, byte_count: u32) -> GpadlMessage {
        let mut pfns = [U64::ZERO; HEADER_PFNS];
        let used = fill(&mut pfns, &mut self.pages);
        GpadlMessage {
            part: Part::Header(GpadlHeader {
                header: Header::new(MessageType::GPADL_HEADER),
                relid: self.relid,
                gpadl: self.gpadl,
                range_len,
                range_count: 1,
                byte_count,
                byte_offset: 0,
                pfns,
            }),
            len: size_of::<GpadlHeader>() - size_of_val(&pfns) + used * size_of::<u64>(),
        }
    }

    fn body(&mut self) -> Option<GpadlMessage> {
        let mut pfns = [U64::ZERO; BODY_PFNS];
        let used = fill(&mut pfns, &mut self.pages);
        if used == 0 {
            return None;
        }
        Some(GpadlMessage {
            part: Part::Body(GpadlBody {
                header: Header::new(MessageType::GPADL_BODY),
                message_number: 0,
                gpadl: self.gpadl,
                pfns,
            }),
            len: size_of::<GpadlBody>() - size_of_val(&pfns) + used * size_of::<u64>(),
        })
    }
}

impl<P: ExactSizeIterator<Item = u64>> Iterator for GpadlMessages<P> {
    type Item = GpadlMessage;

    fn next(&mut self) -> Option<GpadlMessage> {
        match self.total.take() {
            Some((range_len, byte_count)) => Some(self.header(range_len, byte_count)),
            None => self.body(),
        }
    }
}

/// Moves page numbers into `pfns` and returns how many.
fn fill(pfns: &mut [U64], pages: &mut impl Iterator<Item = u64>) -> usize {
    pfns.iter_mut()
        .zip(pages)
        .map(|(pfn, page)| pfn.set(page))
        .count()
}

/// The host's answer to the messages that share memory.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct GpadlCreated {
    header: Header,
    /// The channel. Not checked.
    pub relid: u32,
    /// The name of the memory.
    pub gpadl: u32,
    /// 0 for success.
    pub status: u32,
}
message!(GpadlCreated, GPADL_CREATED);

/// The guest ends the sharing.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct GpadlTeardown {
    header: Header,
    pub(crate) relid: u32,
    pub(crate) gpadl: u32,
}
message!(GpadlTeardown, GPADL_TEARDOWN);

impl GpadlTeardown {
    /// The message that ends the sharing of `gpadl` with the device behind channel `relid`.
    pub const fn new(relid: u32, gpadl: u32) -> Self {
        Self {
            header: Header::new(MessageType::GPADL_TEARDOWN),
            relid,
            gpadl,
        }
    }
}

/// The host's answer to [`GpadlTeardown`]: it will not touch the memory any more.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct GpadlTorndown {
    header: Header,
    /// The name of the memory.
    pub gpadl: u32,
}
message!(GpadlTorndown, GPADL_TORNDOWN);
