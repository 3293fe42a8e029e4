// SPDX-License-Identifier: GPL-2.0

//! NVSP: what the card does with each message of a guest. Facts from drivers/net/hyperv/netvsc.c.

use std::sync::Arc;

use super::backend::Frame;
use super::card::Card;
use super::nvsp::{self, Version, kind, message, status, word};
use super::session::{Session, lock};
use super::violation::Violation;
use crate::vmbus::channel::{
    COMPLETION, COMPLETION_REQUESTED, Channel, GPA_DIRECT, INBAND, Packet, SharedMemory,
};

/// What a message is answered with, where it is to be answered.
type Answer = Result<Option<Vec<u8>>, (Violation, Vec<u8>)>;

impl Card {
    /// Takes a packet of the guest; frames that go to the wire are appended to `wire`.
    pub(super) fn handle(&self, channel: &Arc<Channel>, packet: &Packet, wire: &mut Vec<Frame>) {
        let Some(kind) = word(&packet.payload, 0) else {
            return self
                .violations
                .add(Violation::NoMessage(packet.payload.len()));
        };
        match (packet.kind, kind) {
            (COMPLETION, _) => self.received(channel, packet),
            (INBAND | GPA_DIRECT, kind::SEND_RNDIS_PACKET) => self.take(channel, packet, wire),
            (INBAND, _) => self.answer(channel, packet, kind),
            (packet, message) => self
                .violations
                .add(Violation::PacketKind { message, packet }),
        }
    }

    /// Answers a message about the card itself.
    fn answer(&self, channel: &Arc<Channel>, packet: &Packet, kind: u32) {
        let wants = packet.flags & COMPLETION_REQUESTED != 0;
        let needs = matches!(
            kind,
            kind::INIT
                | kind::SEND_RECEIVE_BUFFER
                | kind::SEND_SEND_BUFFER
                | kind::SUBCHANNEL
                | kind::SWITCH_DATA_PATH
        );
        if needs && !wants {
            self.violations.add(Violation::Completion(kind));
        }
        let answer = match channel.subchannel_index() {
            0 => self.message(channel, kind, &packet.payload),
            _ => Err((Violation::NotPrimary(kind), Vec::new())),
        };
        let answer = answer.unwrap_or_else(|(violation, answer)| {
            self.violations.add(violation);
            Some(answer)
        });
        if wants {
            let payload = answer.unwrap_or_default();
            channel.send(COMPLETION, 0, packet.transaction, &payload);
        }
    }

    fn message(&self, channel: &Arc<Channel>, kind: u32, payload: &[u8]) -> Answer {
        let field =
            |index| word(payload, index).ok_or((Violation::MessageLength(kind), Vec::new()));
        match kind {
            kind::INIT => self.init(field(1)?, field(2)?),
            kind::SEND_NDIS_CONFIG => {
                let capabilities = u64::from(field(3)?) | u64::from(field(4)?) << 32;
                self.configure(field(1)?, capabilities)
            }
            kind::SEND_NDIS_VERSION => {
                let mut session = lock(&self.session);
                in_turn(kind, session.version.is_some() && session.ndis.is_none())?;
                session.ndis = Some((field(1)?, field(2)?));
                Ok(None)
            }
            kind::SEND_RECEIVE_BUFFER => {
                let memory = channel.shared(field(1)?);
                self.take_receive_buffer(memory, field(2)? as u16)
            }
            kind::SEND_SEND_BUFFER => {
                let memory = channel.shared(field(1)?);
                self.take_send_buffer(memory)
            }
            kind::REVOKE_RECEIVE_BUFFER => {
                let mut session = lock(&self.session);
                let taken = session.receive.take();
                in_turn(
                    kind,
                    taken.is_some_and(|it| {
                        u32::from(it.id()) == field(1).map_or(0, |id| id & 0xffff)
                    }),
                )?;
                Ok(None)
            }
            kind::REVOKE_SEND_BUFFER => {
                in_turn(kind, lock(&self.session).send.take().is_some())?;
                Ok(None)
            }
            kind::SUBCHANNEL => self.sub_channels(channel, field(1)?, field(2)?),
            kind::SWITCH_DATA_PATH => self.switch_path(field(1)?),
            other => Err((Violation::MessageKind(other), Vec::new())),
        }
    }

    fn init(&self, min: u32, max: u32) -> Answer {
        let mut session = lock(&self.session);
        let fits = |version: &&Version| (min..=max).contains(&version.0);
        let version = self.config.versions.iter().filter(fits).max().copied();
        let answer = |version: u32, status| message(kind::INIT_COMPLETE, &[version, 0, status]);
        if session.version.is_some() {
            return Err((Violation::OutOfTurn(kind::INIT), answer(0, status::FAIL)));
        }
        session.version = version;
        Ok(Some(match version {
            Some(version) => answer(version.0, status::SUCCESS),
            None => answer(0, status::TOO_NEW),
        }))
    }

    fn configure(&self, frame: u32, capabilities: u64) -> Answer {
        let mut session = lock(&self.session);
        let turn = session.version >= Some(Version::V2) && !session.configured;
        in_turn(kind::SEND_NDIS_CONFIG, turn && session.ndis.is_none())?;
        let Some(mtu) = frame.checked_sub(14).filter(|&mtu| mtu >= 68) else {
            return Err((Violation::FrameLength(frame as usize), Vec::new()));
        };
        // The guest learns of a smaller one from the object for it.
        session.mtu = mtu.min(self.config.max_mtu);
        session.capabilities = capabilities;
        session.configured = true;
        Ok(None)
    }

    fn take_receive_buffer(&self, memory: Option<SharedMemory>, id: u16) -> Answer {
        let kind = kind::SEND_RECEIVE_BUFFER;
        let failed = message(kind::SEND_RECEIVE_BUFFER_COMPLETE, &[status::FAIL]);
        let mut session = lock(&self.session);
        if !session.is_described() || session.receive.is_some() {
            return Err((Violation::OutOfTurn(kind), failed));
        }
        let Some(memory) = memory else {
            return Err((Violation::Buffer("receive"), failed));
        };
        let (size, count) = session.set_receive_buffer(memory, id, &self.config);
        let words = [status::SUCCESS, 1, 0, size, count, size * count];
        Ok(Some(message(kind::SEND_RECEIVE_BUFFER_COMPLETE, &words)))
    }

    fn take_send_buffer(&self, memory: Option<SharedMemory>) -> Answer {
        let failed = message(kind::SEND_SEND_BUFFER_COMPLETE, &[status::FAIL]);
        let mut session = lock(&self.session);
        if !session.is_described() || session.send.is_some() {
            return Err((Violation::OutOfTurn(kind::SEND_SEND_BUFFER), failed));
        }
        let Some(memory) = memory else {
            return Err((Violation::Buffer("send"), failed));
        };
        let section = session.set_send_buffer(memory, &self.config);
        let words = [status::SUCCESS, section];
        Ok(Some(message(kind::SEND_SEND_BUFFER_COMPLETE, &words)))
    }

    fn switch_path(&self, path: u32) -> Answer {
        const FUNCTION: u32 = 1;
        let mut session = lock(&self.session);
        in_turn(kind::SWITCH_DATA_PATH, session.version >= Some(Version::V4))?;
        if path > FUNCTION {
            return Err((Violation::DataPath(path), Vec::new()));
        }
        session.vf_path = path == FUNCTION;
        session.stats.switches += 1;
        Ok(None)
    }

    fn sub_channels(&self, channel: &Channel, operation: u32, count: u32) -> Answer {
        const ALLOCATE: u32 = 1;
        let failed = message(kind::SUBCHANNEL, &[status::FAIL, 0]);
        let mut session = lock(&self.session);
        let most = u32::from(self.config.queues.max(1)) - 1;
        let turn = session.initialized && session.version >= Some(Version::V5);
        if !turn || session.sub_channels != 0 {
            return Err((Violation::OutOfTurn(kind::SUBCHANNEL), failed));
        }
        if operation != ALLOCATE || count == 0 || count > most {
            return Err((Violation::SubChannels(count), failed));
        }
        session.sub_channels = count;
        drop(session);
        if !channel.offer_subchannels(count as u16) {
            lock(&self.session).sub_channels = 0;
            return Ok(Some(failed));
        }
        Ok(Some(message(kind::SUBCHANNEL, &[status::SUCCESS, count])))
    }

    /// Sends the send indirection table once all sub-channels are open.
    pub(super) fn send_table(&self, session: &Session, index: usize) {
        let open = session.channels.iter().flatten().count();
        let Some(Some(primary)) = session.channels.first() else {
            return;
        };
        if index != 0 && open == session.sub_channels as usize + 1 {
            primary.send(INBAND, 0, 0, &nvsp::send_table(open as u32));
            primary.flush();
        }
    }
}

impl Session {
    /// Whether the guest has said all that comes before its buffers.
    fn is_described(&self) -> bool {
        let configured = self.configured || self.version == Some(Version::V1);
        self.version.is_some() && configured && self.ndis.is_some()
    }
}

fn in_turn(kind: u32, turn: bool) -> Result<(), (Violation, Vec<u8>)> {
    match turn {
        true => Ok(()),
        false => Err((Violation::OutOfTurn(kind), Vec::new())),
    }
}
