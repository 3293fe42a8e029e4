// SPDX-License-Identifier: GPL-2.0

//! RNDIS requests: questions to the host, and settings.
//!
//! A request is in a page of its own, which belongs to the session: the host may still read it when
//! nobody waits for its answer any more.

use super::{
    net::Device,
    patience::{
        patiently,
        PATIENCE, //
    },
    sys::trace,
    wire::{
        nvsp::{
            Message,
            RndisPacket, //
        },
        request::{
            self,
            Answer,
            Filter,
            InitializeComplete,
            Oid,
            Request,
            Writer,
            MAX_REQUEST, //
        },
        rndis::Status,
        Fault, //
    },
};
use kernel::{
    prelude::*,
    sync::{
        aref::ARef,
        atomic::Relaxed, //
    },
};
use vmbus::{
    ring::HostMemory,
    sync::{
        Atomic,
        Exchange, //
    },
    Endpoint,
    GpaList, //
};

/// The transaction id of the packets that requests are in. The host completes these, too, which
/// says nothing.
pub(crate) const CONTROL_TRANSACTION: u64 = u64::MAX - 3;

/// Where requests are sent from, and answers come.
#[pin_data]
pub(crate) struct Control {
    net: ARef<Device>,
    #[pin]
    exchange: Exchange<KVec<u8>>,
    page: HostMemory,
    /// Which frames the host was told to let through.
    filter: Atomic<u32>,
}

impl Control {
    /// Makes a place for requests.
    pub(crate) fn new(net: ARef<Device>, node: i32) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            net,
            exchange <- Exchange::new(PATIENCE),
            page: HostMemory::allocate(MAX_REQUEST, node)?,
            filter: Atomic::new(Filter::NONE.0),
        })
    }

    /// Ends the wait for an answer, now and later.
    pub(crate) fn abort(&self) {
        self.exchange.abort();
    }

    /// Takes an answer of the host, of `len` bytes at `at` in `memory`.
    ///
    /// # Errors
    ///
    /// Nobody waits for it, or it is too short or too long.
    pub(crate) fn answered(&self, memory: &HostMemory, at: usize, len: usize) -> Result<(), Fault> {
        let mut start = [0; 12];
        let short = Fault::Short(len);
        let head = start.get_mut(..len.min(12)).ok_or(short)?;
        memory.copy_out(at, head).ok_or(short)?;
        let id = request::answered(head)?;
        let mut fault = None;
        let is_wanted = self.exchange.answer(id, || {
            let copy = copy_answer(memory, at, len, head);
            fault = copy
                .is_none()
                .then_some(Fault::Length(u32::try_from(len).unwrap_or(u32::MAX)));
            copy
        });
        match (is_wanted, fault) {
            (true, None) => Ok(()),
            (true, Some(fault)) => Err(fault),
            (false, _) => Err(Fault::Count(id)),
        }
    }

    fn execute(
        &self,
        endpoint: &Endpoint,
        write: impl FnOnce(Writer<'_>) -> Option<Request<'_>>,
    ) -> Result<KVec<u8>> {
        self.exchange.execute(|id| self.send(endpoint, id, write))
    }

    fn send(
        &self,
        endpoint: &Endpoint,
        id: u32,
        write: impl FnOnce(Writer<'_>) -> Option<Request<'_>>,
    ) -> Result {
        let mut room = KVec::from_elem(0, MAX_REQUEST, GFP_KERNEL)?;
        let request = write(Writer::new(&mut room, id)).ok_or(EINVAL)?;
        let bytes = request.as_bytes();
        trace::rndis_send(&self.net, id, &request.header());
        self.page.copy_in(0, bytes).ok_or(EINVAL)?;
        let mut list = GpaList::new();
        let pfn = self.page.pfn(0).ok_or(EINVAL)?;
        list.push(pfn, 0, u32::try_from(bytes.len())?)
            .ok_or(EINVAL)?;
        trace::nvsp_send_packet(&self.net, 0, &RndisPacket::CONTROL);
        let message = Message::rndis(RndisPacket::CONTROL);
        patiently(|| endpoint.send_gpa_list(&list, message.as_bytes(), CONTROL_TRANSACTION))
    }

    /// Makes the first request.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the host does not want to, `EPROTO` if it talks nonsense, and those of
    /// [`Exchange::execute`], as for all the following.
    pub(crate) fn initialize(&self, endpoint: &Endpoint) -> Result<InitializeComplete> {
        let answer = self.execute(endpoint, |writer| writer.initialize())?;
        let complete = parse(&answer)?.initialize().map_err(|_| EPROTO)?;
        match complete.status {
            Status::SUCCESS => Ok(complete),
            _ => Err(EINVAL),
        }
    }

    /// Says good-bye. There is no answer.
    ///
    /// # Errors
    ///
    /// Those of sending.
    pub(crate) fn halt(&self, endpoint: &Endpoint) -> Result {
        self.exchange
            .tell(|id| self.send(endpoint, id, |writer| writer.halt()))
    }

    /// Asks for a value of at most `max` bytes; `value` says in which form.
    ///
    /// # Errors
    ///
    /// `EOPNOTSUPP` if the host has no such value; `EPROTO` if it is longer or not well-formed.
    pub(crate) fn query(
        &self,
        endpoint: &Endpoint,
        oid: Oid,
        value: &[u8],
        max: usize,
    ) -> Result<KVec<u8>> {
        let answer = self.execute(endpoint, |writer| writer.query(oid, value))?;
        let value = parse(&answer)?.query().map_err(|_| EPROTO)?;
        let value = value.map_err(|_| EOPNOTSUPP)?;
        if value.len() > max {
            return Err(EPROTO);
        }
        let mut copy = KVec::new();
        copy.extend_from_slice(value, GFP_KERNEL)?;
        Ok(copy)
    }

    /// Asks for a number.
    ///
    /// # Errors
    ///
    /// As [`Self::query`].
    pub(crate) fn query_number(&self, endpoint: &Endpoint, oid: Oid) -> Result<u32> {
        let value = self.query(endpoint, oid, &[], size_of::<u32>())?;
        let bytes = value.as_slice().try_into().map_err(|_| EPROTO)?;
        Ok(u32::from_le_bytes(bytes))
    }

    /// Sets a value, and returns how that fared.
    ///
    /// # Errors
    ///
    /// `EPROTO` if the answer makes no sense.
    pub(crate) fn set(&self, endpoint: &Endpoint, oid: Oid, value: &[u8]) -> Result<Status> {
        let answer = self.execute(endpoint, |writer| writer.set(oid, value))?;
        parse(&answer)?.set().map_err(|_| EPROTO)
    }

    /// Says which frames are to be let through, if the host was not told so already.
    ///
    /// # Errors
    ///
    /// As [`Self::set`].
    pub(crate) fn set_filter(&self, endpoint: &Endpoint, filter: Filter) -> Result {
        if self.filter.load(Relaxed) == filter.0 {
            return Ok(());
        }
        self.set(endpoint, Oid::CURRENT_PACKET_FILTER, filter.0.as_bytes())?;
        self.filter.store(filter.0, Relaxed);
        Ok(())
    }
}

fn parse(answer: &[u8]) -> Result<Answer<'_>> {
    Answer::parse(answer).map_err(|_| EPROTO)
}

/// Copies an answer; what was read of it already is not read again.
fn copy_answer(memory: &HostMemory, at: usize, len: usize, head: &[u8]) -> Option<KVec<u8>> {
    if len > request::MAX_ANSWER {
        return None;
    }
    let mut copy = KVec::from_elem(0, len, GFP_ATOMIC).ok()?;
    let (start, rest) = copy.split_at_mut_checked(head.len())?;
    start.copy_from_slice(head);
    memory.copy_out(at.checked_add(head.len())?, rest)?;
    Some(copy)
}
