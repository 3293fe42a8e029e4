// SPDX-License-Identifier: GPL-2.0

//! The storage protocol: what the controller does with each packet of a guest. Facts from
//! drivers/scsi/storvsc_drv.c; the status values are those that Hyper-V's answers carry.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, IntoBytes};

use super::buffer::Buffer;
use super::command::{Direction, Host, Outcome, Request};
use super::controller::{Controller, lock};
use super::fault::{Completion, Fault};
use super::pending::Held;
use super::protocol::{BODY_LEN, PACKET_LEN, Version, VstorPacket, operation, srb_status, status};
use super::session::{Action, Answer};
use super::srb::{self, CheckedSrb};
use super::violation::Violation;
use crate::vmbus::channel::{
    COMPLETION, COMPLETION_REQUESTED, Channel, GPA_DIRECT, INBAND, Packet,
};

impl Controller {
    /// Answers a packet.
    pub(super) fn handle(&self, channel: &Arc<Channel>, packet: &Packet) {
        match VstorPacket::read_from_bytes(&packet.payload) {
            Ok(vstor) if vstor.operation.get() == operation::EXECUTE_SRB => {
                self.check_transaction(channel, packet, operation::EXECUTE_SRB);
                self.execute(channel, packet, &vstor.body);
            }
            Ok(vstor) => {
                self.check_transaction(channel, packet, vstor.operation.get());
                let answer = self.control(channel, packet.kind, &vstor);
                respond(channel, packet, answer.status, &answer.body);
            }
            Err(_) => {
                self.violations
                    .add(Violation::PacketLength(packet.payload.len()));
                respond(channel, packet, status::INVALID_PARAMETER, &[0; BODY_LEN]);
            }
        }
    }

    fn check_transaction(&self, channel: &Channel, packet: &Packet, operation: u32) {
        let transaction = packet.transaction;
        if packet.flags & COMPLETION_REQUESTED == 0 {
            self.violations.add(Violation::NoCompletion(operation));
        } else if transaction == 0 || self.pending.contains(channel, transaction) {
            self.violations.add(Violation::Transaction(transaction));
        }
    }

    fn control(&self, channel: &Arc<Channel>, kind: u16, vstor: &VstorPacket) -> Answer {
        let operation = vstor.operation.get();
        let answer = if kind != INBAND {
            Err((
                status::INVALID_PARAMETER,
                Violation::PacketKind { operation, kind },
            ))
        } else if channel.subchannel_index() != 0 {
            Err((
                status::INVALID_DEVICE_REQUEST,
                Violation::NotPrimary(operation),
            ))
        } else {
            lock(&self.session).control(operation, &vstor.body, &self.config)
        };
        match answer {
            Ok(mut answer) => {
                if !self.act(channel, answer.action) {
                    answer.status = status::UNSUCCESSFUL;
                }
                answer
            }
            Err((status, violation)) => {
                self.violations.add(violation);
                Answer {
                    status,
                    body: vstor.body,
                    action: Action::None,
                }
            }
        }
    }

    fn act(&self, channel: &Arc<Channel>, action: Action) -> bool {
        match action {
            Action::None => true,
            Action::OfferSubChannels(count) => channel.offer_subchannels(count),
            Action::ResetBus => {
                self.resets.fetch_add(1, Relaxed);
                for mut held in self.pending.take_all() {
                    let outcome = Outcome::srb(srb_status::BUS_RESET);
                    held.payload = answer_packet(&held.srb, &outcome);
                    complete_held(held);
                }
                true
            }
        }
    }

    fn execute(&self, channel: &Arc<Channel>, packet: &Packet, body: &[u8; BODY_LEN]) {
        if let Some(count) = self.requests.get(usize::from(channel.subchannel_index())) {
            count.fetch_add(1, Relaxed);
        }
        match self.check(channel, packet, body) {
            Ok((version, srb, data)) => {
                let aloof = self.aloof.load(Relaxed) && srb.direction() == Direction::In;
                let mut nowhere = vec![0; if aloof { data.len() } else { 0 }];
                let data = match aloof {
                    true => Buffer::from_bytes(&mut nowhere),
                    false => data,
                };
                self.run(channel, packet, version, &srb, &data);
            }
            Err((status, violation)) => {
                self.violations.add(violation);
                respond(channel, packet, status, &srb::reject(body));
            }
        }
    }

    /// Whether a request may be run, and what it needs to run.
    fn check<'c>(
        &self,
        channel: &'c Channel,
        packet: &Packet,
        body: &[u8; BODY_LEN],
    ) -> Result<(Version, CheckedSrb, Buffer<'c>), (u32, Violation)> {
        let operation = operation::EXECUTE_SRB;
        let version = self.version().ok_or((
            status::INVALID_DEVICE_STATE,
            Violation::OutOfTurn(operation),
        ))?;
        let kind = packet.kind;
        let ranges = match kind {
            INBAND => &[],
            GPA_DIRECT if packet.ranges.len() == 1 => packet.ranges.as_slice(),
            _ => {
                return Err((
                    status::INVALID_PARAMETER,
                    Violation::PacketKind { operation, kind },
                ));
            }
        };
        let buffer_len = ranges.first().map_or(0, |range| range.len as usize);
        let srb = CheckedSrb::new(body, buffer_len, self.config.max_transfer_bytes)
            .map_err(|violation| (status::INVALID_PARAMETER, violation))?;
        let data = Buffer::from_ranges(channel.memory(), ranges, srb.transfer_len())
            .map_err(|_| (status::INVALID_PARAMETER, Violation::Memory))?;
        Ok((version, srb, data))
    }

    fn run(
        &self,
        channel: &Arc<Channel>,
        packet: &Packet,
        version: Version,
        srb: &CheckedSrb,
        data: &Buffer<'_>,
    ) {
        let at = self.config.kind.resolve(srb.address());
        let unit = self.bus.unit(at);
        let cdb = srb.cdb();
        let host = Host {
            version,
            max_transfer_bytes: self.config.max_transfer_bytes,
        };
        let request = Request {
            cdb,
            data,
            direction: srb.direction(),
            host,
        };
        let run = || {
            let outcome = self.bus.execute(at, unit.as_deref(), &request);
            count_bytes(channel, srb.direction(), &outcome);
            answer_packet(srb, &outcome)
        };
        match unit.as_ref().and_then(|unit| unit.arrive(cdb.opcode())) {
            None => finish(channel, packet, &run()),
            Some(fault) => self.meet(&fault, channel, packet, srb, data, run),
        }
    }

    /// Completes, or does not complete, a request that meets `fault`.
    fn meet(
        &self,
        fault: &Fault,
        channel: &Arc<Channel>,
        packet: &Packet,
        srb: &CheckedSrb,
        data: &Buffer<'_>,
        run: impl FnOnce() -> [u8; PACKET_LEN],
    ) {
        let hold = |payload, due| {
            let (channel, transaction) = (Arc::clone(channel), packet.transaction);
            if packet.flags & COMPLETION_REQUESTED != 0 {
                self.pending.hold(Held {
                    channel,
                    transaction,
                    srb: *srb,
                    payload,
                    due,
                });
            }
        };
        match fault {
            Fault::Check(sense) => {
                finish(channel, packet, &answer_packet(srb, &Outcome::from(*sense)));
            }
            Fault::Status {
                srb: srb_status,
                scsi,
            } => {
                let outcome = Outcome {
                    scsi_status: *scsi,
                    ..Outcome::srb(*srb_status)
                };
                finish(channel, packet, &answer_packet(srb, &outcome));
            }
            Fault::Lose => {
                run();
            }
            Fault::Data(bytes) => {
                let answer = run();
                // As much as there is room for.
                data.write(0, bytes);
                finish(channel, packet, &answer);
            }
            Fault::Hold => hold(run(), None),
            Fault::Delay(time) => hold(run(), Instant::now().checked_add(*time)),
            Fault::Tamper(change) => {
                let mut it = Completion::honest(packet.transaction, &run());
                change(&mut it);
                for _ in 0..it.copies {
                    channel.send(it.kind, 0, it.transaction, &it.payload);
                }
            }
        }
    }
}

/// A packet of the host.
pub(super) fn packet(operation: u32, status: u32, body: &[u8; BODY_LEN]) -> [u8; PACKET_LEN] {
    let packet = VstorPacket {
        operation: U32::new(operation),
        flags: U32::new(0),
        status: U32::new(status),
        body: *body,
    };
    let mut bytes = [0; PACKET_LEN];
    bytes.copy_from_slice(packet.as_bytes());
    bytes
}

fn count_bytes(channel: &Channel, direction: Direction, outcome: &Outcome) {
    let bytes = outcome.transferred.unwrap_or(0) as usize;
    match direction {
        Direction::In => channel.count_buffer_written(bytes),
        Direction::Out => channel.count_buffer_read(bytes),
        Direction::None => {}
    }
}

fn answer_packet(srb: &CheckedSrb, outcome: &Outcome) -> [u8; PACKET_LEN] {
    let (status, body) = srb.answer(outcome);
    packet(operation::COMPLETE_IO, status, &body)
}

fn respond(channel: &Channel, to: &Packet, status: u32, body: &[u8; BODY_LEN]) {
    finish(channel, to, &packet(operation::COMPLETE_IO, status, body));
}

fn finish(channel: &Channel, to: &Packet, payload: &[u8; PACKET_LEN]) {
    if to.flags & COMPLETION_REQUESTED != 0 {
        channel.send(COMPLETION, 0, to.transaction, payload);
    }
}

/// Completes a request that was held back.
pub(super) fn complete_held(held: Held) {
    held.channel
        .send(COMPLETION, 0, held.transaction, &held.payload);
    held.channel.flush();
}
