// SPDX-License-Identifier: GPL-2.0

//! What a guest did that NVSP or RNDIS does not allow. A correct driver causes none of these.

use std::sync::Mutex;

use super::session::lock;

/// A breach of the protocol.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// An NVSP message is shorter than its kind.
    #[error("NVSP message of kind {0} is too short")]
    MessageLength(u32),
    /// A packet has no NVSP message in it.
    #[error("a packet of {0} bytes")]
    NoMessage(usize),
    /// There is no such NVSP message, or not in this version.
    #[error("NVSP message of kind {0}")]
    MessageKind(u32),
    /// A VMBus packet of a kind that its message does not come in.
    #[error("NVSP message of kind {message} in a packet of kind {packet:#x}")]
    PacketKind {
        /// The kind of NVSP message.
        message: u32,
        /// The kind of VMBus packet.
        packet: u16,
    },
    /// A message came before or after its time.
    #[error("NVSP message of kind {0} out of turn")]
    OutOfTurn(u32),
    /// A message that belongs on the primary channel came on another.
    #[error("NVSP message of kind {0} on a sub-channel")]
    NotPrimary(u32),
    /// A message that needs an answer asks for none, or the other way round.
    #[error("NVSP message of kind {0}: completion asked for, or not, against the rules")]
    Completion(u32),
    /// A transaction has a number that is in use, or zero.
    #[error("transaction {0:#x}")]
    Transaction(u64),
    /// A buffer that is not shared, too small, or of the wrong id.
    #[error("unusable {0} buffer")]
    Buffer(&'static str),
    /// More sub-channels than there are, none, or a second time.
    #[error("{0} sub-channels asked for")]
    SubChannels(u32),
    /// A data path that there is not.
    #[error("data path {0}")]
    DataPath(u32),
    /// A section of the send buffer that does not exist, or is in use.
    #[error("section {0} of the send buffer with {1} bytes")]
    Section(u32, u32),
    /// A buffer of the guest is not memory.
    #[error("data are not in guest memory")]
    Memory,
    /// The completion of packets that the host did not send, or that was sent before.
    #[error("completion of unknown packets {0:#x}")]
    UnknownReceive(u64),
    /// An RNDIS message is longer than what carries it, or shorter than its kind.
    #[error("RNDIS message in {0} bytes")]
    RndisLength(usize),
    /// There is no such RNDIS message, or a guest may not send it there.
    #[error("RNDIS message of kind {0:#x}")]
    RndisKind(u32),
    /// A part of an RNDIS packet is not inside of it.
    #[error("{0} of an RNDIS packet outside of it")]
    RndisPacket(&'static str),
    /// An RNDIS message came before or after its time.
    #[error("RNDIS message of kind {0} out of turn")]
    RndisOutOfTurn(u32),
    /// A packet in the middle of a message has a length that the card's alignment forbids.
    #[error("RNDIS packet of {0} bytes before another one")]
    Alignment(usize),
    /// More packets in a message than the card takes, or none.
    #[error("{0} RNDIS packets in a message")]
    PacketCount(usize),
    /// Per-packet information is malformed.
    #[error("malformed per-packet information, {0} bytes from its end")]
    Information(usize),
    /// There is no such per-packet information, or a guest may not send it.
    #[error("per-packet information of kind {0:#x}")]
    InformationKind(u32),
    /// An object that there is not, or that cannot be queried or set.
    #[error("{0} of object {1:#010x}")]
    Object(&'static str, u32),
    /// The value for an object is malformed.
    #[error("object {0:#010x}: {1}")]
    Value(u32, &'static str),
    /// A frame is shorter than its header, or an MTU too small.
    #[error("frame of {0} bytes")]
    FrameLength(usize),
    /// An offload was asked for that was not enabled, or does not fit the frame.
    #[error("offload: {0}")]
    Offload(&'static str),
    /// A frame has a wrong checksum although no offload was asked for.
    #[error("wrong checksum: {0}")]
    Checksum(&'static str),
    /// A frame was sent before the card was initialized.
    #[error("frame for a card that is not initialized")]
    NotReady,
}

/// The violations so far: the first few, and how many there were.
#[derive(Debug, Default)]
pub struct Violations(Mutex<(Vec<Violation>, usize)>);

impl Violations {
    const KEPT: usize = 64;

    /// Records one.
    pub fn add(&self, violation: Violation) {
        let mut inner = lock(&self.0);
        inner.1 += 1;
        if inner.0.len() < Self::KEPT {
            tracing::warn!(%violation, "the guest's network driver is wrong");
            inner.0.push(violation);
        }
    }

    /// The first of them.
    pub fn first(&self) -> Vec<Violation> {
        lock(&self.0).0.clone()
    }

    /// How many there were.
    pub fn count(&self) -> usize {
        lock(&self.0).1
    }

    /// Forgets them, after a test provoked them.
    pub fn clear(&self) {
        *lock(&self.0) = (Vec::new(), 0);
    }
}
