// SPDX-License-Identifier: GPL-2.0

//! Packets for the guest: through the receive buffer, several in one packet of the ring.

use std::collections::HashMap;
use std::sync::Arc;

use super::backend::Frame;
use super::card::Card;
use super::coalesce::{self, Joined};
use super::frame::{Ip, TCP, UDP, untag};
use super::nvsp::{self, NO_SECTION, kind, status, word};
use super::oid::filter;
use super::ppi::{ChecksumResult, Fragment, ReceiveInfo, Tag};
use super::rndis::{self, channel};
use super::session::{Session, lock};
use super::violation::Violation;
use crate::vmbus::channel::{
    COMPLETION_REQUESTED, Channel, Outgoing, Packet, SharedMemory, TRANSFER_PAGES,
};

/// How many groups may wait for room; more are lost.
const MAX_BACKLOG: usize = 4096;

/// RNDIS messages on their way to the guest, for a hook to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Indication {
    /// The RNDIS channel: 0 for packets, 1 for everything else.
    pub channel: u32,
    /// The messages, each for one range of the packet. Without any the packet is not sent.
    pub messages: Vec<Vec<u8>>,
}

/// What may change an [`Indication`].
pub type Hook = Box<dyn FnMut(&mut Indication) + Send>;

/// Messages that must be in one packet: one, or the fragments of a coalesced frame.
#[derive(Debug)]
pub(super) struct Group {
    channel: u32,
    messages: Vec<Vec<u8>>,
    /// The bytes of the frame that they are.
    frame: usize,
}

impl Group {
    /// Messages as they are.
    pub(super) fn raw(channel: u32, messages: Vec<Vec<u8>>) -> Self {
        Self {
            channel,
            messages,
            frame: 0,
        }
    }
}

/// The buffer that the card fills.
#[derive(Debug)]
pub(super) struct ReceiveBuffer {
    memory: SharedMemory,
    id: u16,
    section: u32,
    /// How many sections there are.
    count: usize,
    free: Vec<u32>,
    /// The sections of packets that the guest has not completed, with the packets' queues.
    sent: HashMap<u64, (usize, Vec<u32>)>,
    next: u64,
}

impl ReceiveBuffer {
    pub(super) fn new(memory: SharedMemory, id: u16, section: u32, count: u32) -> Self {
        Self {
            memory,
            id,
            section,
            count: count as usize,
            free: (0..count).rev().collect(),
            sent: HashMap::new(),
            next: 1,
        }
    }

    pub(super) fn id(&self) -> u16 {
        self.id
    }

    /// Overwrites bytes; returns whether they were there.
    pub(super) fn scribble(&self, at: usize, bytes: &[u8]) -> bool {
        self.memory.write(at, bytes).is_ok()
    }

    /// The sections that the guest has, by their place and length.
    pub(super) fn in_use(&self) -> Vec<(usize, usize)> {
        let sections = self.sent.values().flat_map(|(_, sections)| sections);
        let len = self.section as usize;
        sections
            .map(|&section| (section as usize * len, len))
            .collect()
    }

    /// Writes messages into sections, one each, and returns the packet that tells of them. What is
    /// longer than a section is cut, and told of in full: that is for hooks only.
    fn place(&mut self, queue: usize, it: &Indication) -> Option<Outgoing> {
        let first = self.free.len().checked_sub(it.messages.len())?;
        let sections = self.free.split_off(first);
        let mut header = self.id.to_le_bytes().to_vec();
        header.extend([0, 0]);
        header.extend((sections.len() as u32).to_le_bytes());
        for (section, message) in sections.iter().zip(&it.messages) {
            let at = section * self.section;
            let fits = message.len().min(self.section as usize);
            // The section is inside of the buffer.
            let _ = self.memory.write(at as usize, &message[..fits]);
            header.extend((message.len() as u32).to_le_bytes());
            header.extend(at.to_le_bytes());
        }
        let transaction = self.next;
        self.next += 1;
        self.sent.insert(transaction, (queue, sections));
        Some(Outgoing {
            kind: TRANSFER_PAGES,
            flags: COMPLETION_REQUESTED,
            transaction,
            header,
            payload: nvsp::short_message(kind::SEND_RNDIS_PACKET, &[it.channel, NO_SECTION, 0]),
            ..Outgoing::default()
        })
    }
}

impl Card {
    /// Sends frames to the guest, as far as it wants them.
    pub fn deliver(&self, frames: Vec<Frame>) {
        match self.chosen_function() {
            Some(function) => function.deliver(frames),
            None => self.deliver_here(frames),
        }
    }

    fn deliver_here(&self, frames: Vec<Frame>) {
        let mut session = lock(&self.session);
        let mut queues: Vec<Vec<Frame>> = vec![Vec::new(); session.channels.len()];
        for frame in frames {
            if !session.initialized || !session.link || frame.len() < 14 {
                session.stats.rx_dropped += 1;
            } else if !session.wants(&frame) {
                session.stats.rx_filtered += 1;
            } else {
                let queue = session.classify(&frame).0;
                queues[queue].push(frame);
            }
        }
        let coalescing = session.coalescing();
        // A frame is told of as a whole, so there must be as many sections as it has parts.
        let most = session.receive.as_ref().map_or(1, |buffer| buffer.count);
        for (queue, frames) in queues.into_iter().enumerate() {
            for joined in coalesce::join(frames, coalescing, most) {
                let group = session.describe(joined);
                session.enqueue(queue, group);
            }
        }
        session.push_all(self.config.max_ranges);
        drop(session);
        self.end_batch();
    }

    /// The guest gives sections back.
    pub(super) fn received(&self, channel: &Channel, packet: &Packet) {
        let mut session = lock(&self.session);
        let unknown = Violation::UnknownReceive(packet.transaction);
        let (Some(kind::SEND_RNDIS_PACKET_COMPLETE), Some(status)) =
            (word(&packet.payload, 0), word(&packet.payload, 1))
        else {
            return self.violations.add(unknown);
        };
        session.stats.rx_refused += u64::from(status != status::SUCCESS);
        let Some(receive) = &mut session.receive else {
            // The guest may take the buffer back before it has seen everything in it.
            return;
        };
        match receive.sent.remove(&packet.transaction) {
            Some((queue, sections)) => {
                receive.free.extend(sections);
                if queue != usize::from(channel.subchannel_index()) {
                    self.violations.add(unknown);
                }
            }
            None => self.violations.add(unknown),
        }
    }
}

impl Session {
    /// Whether the packet filter lets a frame through.
    fn wants(&self, frame: &[u8]) -> bool {
        let destination = &frame[..6];
        let wanted = match destination {
            [255, 255, 255, 255, 255, 255] => filter::BROADCAST,
            [first, ..] if first & 1 == 1 => filter::MULTICAST | filter::ALL_MULTICAST,
            _ if destination == self.mac => filter::DIRECTED,
            _ => 0,
        };
        self.filter & (wanted | filter::PROMISCUOUS) != 0
    }

    /// The queue for a frame, and its hash.
    fn classify(&self, frame: &[u8]) -> (usize, Option<u32>) {
        let Some(rss) = &self.rss else {
            return (0, None);
        };
        let mut plain = frame.to_vec();
        untag(&mut plain);
        let hash = rss.hash(&plain);
        let queue = hash.map_or(0, |hash| rss.queue(hash) as usize);
        let open = self.channels.get(queue).is_some_and(Option::is_some);
        (if open { queue } else { 0 }, hash)
    }

    /// Makes RNDIS messages of a frame.
    fn describe(&mut self, joined: Joined) -> Group {
        let Joined { mut first, rest } = joined;
        let tag: Option<Tag> = untag(&mut first);
        let frame = first.len() + rest.iter().map(Vec::len).sum::<usize>();
        let hash = self.classify(&first).1;
        let checksum = match rest.is_empty() {
            true => self.checksum(&first),
            false => Some(joined_checksum(coalesce::is_ipv4(&first))),
        };
        self.stats.rx_tagged += u64::from(tag.is_some());
        if !rest.is_empty() {
            self.stats.rx_coalesced += 1;
            self.stats.rx_segments += 1 + rest.len() as u64;
        }
        let last = rest.len();
        let fragment = |index| {
            (last > 0).then_some(Fragment {
                first: index == 0,
                last: index == last,
            })
        };
        let info = |index| ReceiveInfo {
            checksum,
            tag,
            hash,
            fragment: fragment(index),
        };
        let parts = std::iter::once(first).chain(rest).enumerate();
        let messages = parts
            .map(|(index, part)| rndis::packet(&info(index).encode(), &part))
            .collect();
        Group {
            channel: channel::DATA,
            messages,
            frame,
        }
    }

    /// What the card can say about a frame's checksums, as far as the guest wants to hear it.
    fn checksum(&self, frame: &[u8]) -> Option<ChecksumResult> {
        let ip = Ip::find(frame).filter(|ip| !ip.fragment)?;
        let version = usize::from(ip.v6);
        let (enabled, flag) = match ip.protocol {
            TCP => (self.enabled.tcp[version].receive, ChecksumResult::TCP_OK),
            UDP => (self.enabled.udp[version].receive, ChecksumResult::UDP_OK),
            _ => (false, 0),
        };
        let mut result = 0;
        if enabled && ip.payload_is_right(frame) {
            result |= flag;
        }
        if self.enabled.ip4.receive && !ip.v6 && ip.header_is_right(frame) {
            result |= ChecksumResult::IP_OK;
        }
        (result != 0).then_some(ChecksumResult(result))
    }

    /// Sends the answer to an RNDIS request.
    pub(super) fn reply(&mut self, message: Vec<u8>) {
        self.enqueue(0, Group::raw(channel::CONTROL, vec![message]));
        self.push(0, 1);
    }

    /// Puts a group behind those that wait.
    pub(super) fn enqueue(&mut self, queue: usize, group: Group) {
        let fits = self.receive.as_ref().is_some_and(|receive| {
            let len = receive.section as usize;
            group.frame == 0 || group.messages.iter().all(|message| message.len() <= len)
        });
        match self.backlog.get_mut(queue) {
            Some(backlog) if fits && backlog.len() < MAX_BACKLOG => backlog.push_back(group),
            _ => self.stats.rx_dropped += 1,
        }
    }

    /// Sends what waits on all queues, as far as there is room.
    pub(super) fn push_all(&mut self, max_ranges: usize) {
        for queue in 0..self.backlog.len() {
            self.push(queue, max_ranges);
        }
    }

    /// Sends what waits on a queue, as far as there is room, and shows the guest all of it at once.
    fn push(&mut self, queue: usize, max_ranges: usize) {
        let Some(channel) = self.channels.get(queue).cloned().flatten() else {
            self.backlog[queue].clear();
            return;
        };
        let mut sent = false;
        while let Some(indication) = self.next(queue, max_ranges) {
            sent |= self.emit(queue, &channel, indication);
        }
        if sent {
            channel.flush();
        }
    }

    /// As many groups as go into one packet and the receive buffer has room for.
    fn next(&mut self, queue: usize, max_ranges: usize) -> Option<Indication> {
        let room = self.receive.as_ref()?.free.len();
        let backlog = self.backlog.get_mut(queue)?;
        let channel = backlog.front()?.channel;
        let mut messages = Vec::new();
        while let Some(group) = backlog.front() {
            let count = messages.len() + group.messages.len();
            let first = messages.is_empty();
            if count > room || group.channel != channel || (!first && count > max_ranges) {
                break;
            }
            let group = backlog.pop_front()?;
            if group.frame > 0 {
                let stats = &mut self.stats.queues[queue];
                stats.rx_packets += 1;
                stats.rx_bytes += group.frame as u64;
            }
            messages.extend(group.messages);
        }
        (!messages.is_empty()).then_some(Indication { channel, messages })
    }

    fn emit(&mut self, queue: usize, channel: &Arc<Channel>, mut it: Indication) -> bool {
        if let Some(hook) = &mut self.hook {
            hook(&mut it);
        }
        if it.messages.is_empty() {
            return false;
        }
        let bytes = it.messages.iter().map(Vec::len).sum();
        let placed = self
            .receive
            .as_mut()
            .and_then(|buffer| buffer.place(queue, &it));
        let Some(packet) = placed else {
            return false;
        };
        channel.count_buffer_written(bytes);
        if it.channel == rndis::channel::DATA {
            self.stats.queues[queue].rx_messages += 1;
        }
        channel.send_packet(packet);
        true
    }
}

/// What is said about joined segments: all of them were right.
fn joined_checksum(ipv4: bool) -> ChecksumResult {
    let tcp = ChecksumResult::TCP_OK | ChecksumResult::TCP_VALUE_INVALID;
    let ip = ChecksumResult::IP_OK | ChecksumResult::IP_VALUE_INVALID;
    ChecksumResult(if ipv4 { tcp | ip } else { tcp })
}
