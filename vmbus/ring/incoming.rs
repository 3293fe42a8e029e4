// SPDX-License-Identifier: GPL-2.0

//! The ring from the host.

use super::{
    mapping::RingMemory,
    reader::{
        Fault,
        Packet,
        ReadCounters,
        Reader, //
    },
    shared::Signal, //
};
use crate::{
    ratelimit,
    wire::packet::DESCRIPTOR_LEN, //
};
use kernel::{
    prelude::*,
    sync::Arc, //
};

/// How many faults of the host [`Incoming::next`] steps over before it gives up for now.
const MAX_FAULTS: usize = 16;

/// Our end of the ring from the host. Whoever has it is alone.
pub struct Incoming {
    reader: Reader<Arc<RingMemory>, KVec<u8>>,
    relid: u32,
}

impl Incoming {
    pub(super) fn new(memory: Arc<RingMemory>, relid: u32, max_packet: usize) -> Result<Self> {
        let buffer = KVec::from_elem(0, max_packet.saturating_sub(DESCRIPTOR_LEN), GFP_KERNEL)?;
        Ok(Self {
            reader: Reader::new(memory, buffer),
            relid,
        })
    }

    /// Takes the next packet out of the ring. Those that make no sense are skipped, with a line in
    /// the log. After [`None`], and after some packets, call [`Self::finish`].
    #[expect(
        clippy::should_implement_trait,
        reason = "a packet borrows from the ring"
    )]
    #[inline]
    pub fn next(&mut self) -> Option<Packet<'_>> {
        let mut faults = 0;
        let found = loop {
            match self.reader.advance() {
                Ok(Some(found)) => break found,
                Ok(None) => return None,
                Err(fault) => {
                    self.report(fault);
                    faults += 1;
                    if faults == MAX_FAULTS {
                        return None;
                    }
                }
            }
        };
        Some(self.reader.packet(found))
    }

    /// Gives the room of the packets that were taken back to the host.
    #[inline]
    pub fn finish(&mut self) -> Signal {
        self.reader.finish()
    }

    /// Asks the host for no signals about packets.
    #[inline]
    pub fn mask(&self) {
        self.reader.mask();
    }

    /// Allows signals. Returns whether there are packets already, for which none may come.
    #[inline]
    pub fn unmask_and_check(&mut self) -> bool {
        self.reader.unmask_and_check()
    }

    /// Whether packets were taken whose room [`Self::finish`] has not given back.
    #[inline]
    pub fn owes_room(&self) -> bool {
        self.reader.owes_room()
    }

    /// Returns whether there are packets for which no signal may come: the host wrote them before it
    /// saw how much [`Self::finish`] gave back.
    #[inline]
    pub fn look_again(&mut self) -> bool {
        self.reader.look_again()
    }

    /// What was counted.
    pub fn counters(&self) -> ReadCounters {
        self.reader.counters()
    }

    #[cold]
    fn report(&self, fault: Fault) {
        if ratelimit::allowed() {
            pr_err!(
                "channel {}: bad packet from the host: {:?}\n",
                self.relid,
                fault
            );
        }
    }
}
