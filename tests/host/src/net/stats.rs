// SPDX-License-Identifier: GPL-2.0

//! What went through a card.

/// The counters of one queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueStats {
    /// NVSP messages with packets of the guest.
    pub tx_messages: u64,
    /// Packets of the guest.
    pub tx_packets: u64,
    /// Frames that these became on the wire.
    pub tx_frames: u64,
    /// The bytes of those frames.
    pub tx_bytes: u64,
    /// Transfer-page packets for the guest with frames.
    pub rx_messages: u64,
    /// Frames for the guest, a coalesced one being one.
    pub rx_packets: u64,
    /// Their bytes.
    pub rx_bytes: u64,
}

/// The counters of a card, since it was made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Those of each queue, the primary channel's first.
    pub queues: Vec<QueueStats>,
    /// Messages that were wholly in the send buffer.
    pub tx_copied: u64,
    /// Messages that were not in the send buffer at all.
    pub tx_direct: u64,
    /// Messages of which the headers were in the send buffer.
    pub tx_partial: u64,
    /// Packets that the card cut into segments.
    pub tx_large: u64,
    /// The segments that these became.
    pub tx_segments: u64,
    /// Packets of which the card computed the checksum.
    pub tx_checksums: u64,
    /// Packets of which the guest had computed the checksum.
    pub tx_checked: u64,
    /// Packets with a tag.
    pub tx_tagged: u64,
    /// Packets with a hash.
    pub tx_hashed: u64,
    /// Packets lost because they were longer than the MTU, as they may be just after it changed.
    pub tx_too_long: u64,
    /// Frames lost because the cable was out.
    pub tx_unplugged: u64,
    /// Frames for the guest that it does not want.
    pub rx_filtered: u64,
    /// Frames for the guest that were lost: no card, no buffer, or too long.
    pub rx_dropped: u64,
    /// Packets that the guest completed with an error.
    pub rx_refused: u64,
    /// Frames with a tag.
    pub rx_tagged: u64,
    /// Frames that were made out of several.
    pub rx_coalesced: u64,
    /// Those several.
    pub rx_segments: u64,
    /// RNDIS requests of the guest.
    pub requests: u64,
    /// How often the guest initialized the card.
    pub initialized: u64,
    /// How often the guest said which way frames are to take.
    pub switches: u64,
}

impl Stats {
    /// With counters for this many queues.
    pub(super) fn new(queues: u16) -> Self {
        Self {
            queues: vec![QueueStats::default(); queues.max(1).into()],
            ..Self::default()
        }
    }

    /// Frames on the wire from the guest, over all queues.
    pub fn tx_frames(&self) -> u64 {
        self.queues.iter().map(|queue| queue.tx_frames).sum()
    }

    /// Frames to the guest, over all queues.
    pub fn rx_packets(&self) -> u64 {
        self.queues.iter().map(|queue| queue.rx_packets).sum()
    }
}
