// SPDX-License-Identifier: GPL-2.0

//! Packets of the guest: from the send buffer and from its own pages to the wire.

use std::sync::Arc;

use super::backend::Frame;
use super::card::Card;
use super::nvsp::{NO_SECTION, kind, short_message, status, word};
use super::ppi::TransmitInfo;
use super::rndis::{Packet as RndisPacket, channel as rndis_channel};
use super::segment::{self, Limits};
use super::session::{Session, lock};
use super::violation::Violation;
use crate::vmbus::channel::{COMPLETION, COMPLETION_REQUESTED, Channel, Packet};
use crate::vmbus::gpa::total_len;

/// The fields of an NVSP message that carries RNDIS messages.
struct Carrier {
    channel: u32,
    section: u32,
    section_len: u32,
}

impl Card {
    /// Takes an NVSP message with RNDIS messages, and completes it.
    pub(super) fn take(&self, channel: &Arc<Channel>, packet: &Packet, wire: &mut Vec<Frame>) {
        let kind = kind::SEND_RNDIS_PACKET;
        let field = |index| word(&packet.payload, index).unwrap_or(NO_SECTION);
        let carrier = Carrier {
            channel: field(1),
            section: field(2),
            section_len: field(3),
        };
        let mut session = lock(&self.session);
        let mut taken = match packet.payload.len() < 16 {
            true => Err(Violation::MessageLength(kind)),
            false => carry(&mut session, channel, packet, &carrier),
        };
        if packet.flags & COMPLETION_REQUESTED == 0 {
            self.violations.add(Violation::Completion(kind));
        } else if packet.transaction == 0 || session.is_held(channel, packet.transaction) {
            self.violations
                .add(Violation::Transaction(packet.transaction));
        }
        let mut replies = Vec::new();
        if let Ok(bytes) = &taken {
            let done = match carrier.channel {
                rndis_channel::DATA => self.packets(&mut session, channel, bytes, wire),
                _ => self.request(&mut session, channel, bytes, &mut replies),
            };
            if let Err(violation) = done {
                taken = Err(violation);
            }
        }
        let status = match taken {
            Ok(_) => status::SUCCESS,
            Err(violation) => {
                self.violations.add(violation);
                status::FAIL
            }
        };
        let held = carrier.channel == rndis_channel::DATA
            && session.hold(channel, packet.transaction, carrier.section, status);
        if !held && packet.flags & COMPLETION_REQUESTED != 0 {
            complete(channel, packet.transaction, status);
        }
        for reply in replies {
            session.reply(reply);
        }
    }

    /// Puts the packets of a message on the wire.
    fn packets(
        &self,
        session: &mut Session,
        channel: &Channel,
        bytes: &[u8],
        wire: &mut Vec<Frame>,
    ) -> Result<(), Violation> {
        if session.halted && !session.initialized {
            return Ok(());
        }
        if !session.initialized {
            return Err(Violation::NotReady);
        }
        let max = self.config.max_packets as usize;
        let packets = RndisPacket::parse_all(bytes, max, 1 << self.config.alignment_shift)?;
        let limits = Limits {
            enabled: session.enabled,
            frame: session.frame_len(),
            large_send: self.config.offloads.large_send as usize + 14 + 40,
            any_checksum: self.config.any_checksum,
        };
        let queue = usize::from(channel.subchannel_index());
        if let Some(stats) = session.stats.queues.get_mut(queue) {
            stats.tx_messages += 1;
        }
        for packet in packets {
            let info = TransmitInfo::parse(packet.info)?;
            let frames = segment::apply(packet.data, &info, &limits)?;
            count(session, queue, &info, &frames);
            if session.link {
                wire.extend(frames);
            } else {
                session.stats.tx_unplugged += frames.len() as u64;
            }
        }
        Ok(())
    }
}

/// Collects what a message carries: bytes in a section of the send buffer, and after them those in
/// the guest's own pages.
fn carry(
    session: &mut Session,
    channel: &Channel,
    packet: &Packet,
    carrier: &Carrier,
) -> Result<Vec<u8>, Violation> {
    if !session.is_connected() {
        return Err(Violation::OutOfTurn(kind::SEND_RNDIS_PACKET));
    }
    let mut bytes = Vec::new();
    if carrier.section != NO_SECTION
        && let Some(send) = &session.send
    {
        bytes = send.read(carrier.section, carrier.section_len)?;
    }
    let in_section = bytes.len();
    let direct = total_len(&packet.ranges);
    bytes.resize(in_section + direct, 0);
    channel
        .read_ranges(&packet.ranges, 0, &mut bytes[in_section..])
        .map_err(|_| Violation::Memory)?;
    channel.count_buffer_read(in_section);
    if carrier.channel == rndis_channel::DATA {
        let stats = &mut session.stats;
        *match (in_section, direct) {
            (_, 0) => &mut stats.tx_copied,
            (0, _) => &mut stats.tx_direct,
            _ => &mut stats.tx_partial,
        } += 1;
    }
    Ok(bytes)
}

fn count(session: &mut Session, queue: usize, info: &TransmitInfo, frames: &[Frame]) {
    let stats = &mut session.stats;
    stats.tx_too_long += u64::from(frames.is_empty());
    if let Some(queue) = stats.queues.get_mut(queue) {
        queue.tx_packets += 1;
        queue.tx_frames += frames.len() as u64;
        queue.tx_bytes += frames.iter().map(|frame| frame.len() as u64).sum::<u64>();
    }
    if info.large_send.is_some() {
        stats.tx_large += 1;
        stats.tx_segments += frames.len() as u64;
    } else if info.checksum.is_some() {
        stats.tx_checksums += 1;
    } else {
        stats.tx_checked += 1;
    }
    stats.tx_tagged += u64::from(info.tag.is_some());
    stats.tx_hashed += u64::from(info.hash.is_some());
}

/// Completes a message.
pub(super) fn complete(channel: &Channel, transaction: u64, status: u32) {
    let payload = short_message(kind::SEND_RNDIS_PACKET_COMPLETE, &[status]);
    channel.send(COMPLETION, 0, transaction, &payload);
}
