// SPDX-License-Identifier: GPL-2.0

//! A guest's storage driver, on a server without a virtual machine.

use std::sync::Arc;

use crate::scsi::command::Direction;
use crate::scsi::protocol::{PACKET_LEN, operation::*};
use crate::scsi::violation::Violation;
use crate::scsi::{Address, Controller, ControllerConfig, Disk};
use crate::vmbus::channel::{COMPLETION, GpaRange, Outgoing};
use crate::vmbus::server::ServerConfig;
use crate::vmbus::testing::{FakeGuest, GuestChannel, GuestPacket, OfferSeen};

/// The transaction number of what is not a request, as in the Linux driver.
const CONTROL: u64 = u64::MAX - 2;

/// How a request ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The NTSTATUS.
    pub status: u32,
    /// The SRB status.
    pub srb: u8,
    /// The SCSI status.
    pub scsi: u8,
    /// The length that the host reports.
    pub len: u32,
    /// The sense bytes.
    pub sense: Vec<u8>,
}

impl Reply {
    /// Plain success with `len` bytes.
    pub fn good(len: usize) -> Self {
        Reply {
            status: 0,
            srb: 1,
            scsi: 0,
            len: len as u32,
            sense: Vec::new(),
        }
    }

    /// A failure without sense data of a request for `len` bytes.
    pub fn failed(srb: u8, len: usize) -> Self {
        Reply {
            status: 0xc000_0001,
            srb,
            ..Reply::good(len)
        }
    }

    /// What a completion says.
    pub fn parse(packet: &GuestPacket) -> Self {
        assert_eq!(
            (packet.kind, packet.payload.len()),
            (COMPLETION, PACKET_LEN)
        );
        let word = |at: usize| u32::from_le_bytes(packet.payload[at..at + 4].try_into().unwrap());
        assert_eq!((word(0), word(4)), (COMPLETE_IO, 0));
        let body = &packet.payload[12..];
        Reply {
            status: word(8),
            srb: body[2],
            scsi: body[3],
            len: word(24),
            sense: body[16..36].iter().take(body[9].into()).copied().collect(),
        }
    }
}

/// A driver with the channels that it opened, the primary one first.
pub struct Driver {
    pub guest: FakeGuest,
    pub controller: Arc<Controller>,
    pub offer: OfferSeen,
    pub channels: Vec<GuestChannel>,
    transaction: u64,
}

impl Driver {
    /// A driver that has opened the primary channel and said nothing.
    pub fn open(config: ControllerConfig) -> Self {
        let controller = Controller::new(config);
        let mut guest = FakeGuest::new(ServerConfig::default());
        guest.server().add_device(Arc::clone(&controller) as _);
        let offer = guest.connect_and_request_offers()[0];
        let channels = vec![guest.open(&offer).unwrap()];
        Driver {
            guest,
            controller,
            offer,
            channels,
            transaction: 0,
        }
    }

    /// A driver that has ended its initialization.
    pub fn ready(config: ControllerConfig) -> Self {
        let mut driver = Driver::open(config);
        driver.initialize(0x0602);
        driver
    }

    /// A ready driver of a controller with a disk of `blocks` blocks.
    pub fn with_disk(blocks: u64) -> Self {
        let driver = Driver::ready(ControllerConfig::default());
        driver.add(0, 0, blocks);
        while driver.channels[0].receive(&driver.guest).is_some() {}
        driver
    }

    /// Adds a disk.
    pub fn add(&self, target: u8, lun: u8, blocks: u64) {
        let disk = Disk::memory(blocks * 512).unwrap();
        self.controller.add_disk(target, lun, disk).unwrap();
    }

    /// Initializes with `version`.
    pub fn initialize(&mut self, version: u16) {
        for (operation, field) in [
            (BEGIN_INITIALIZATION, 0),
            (QUERY_PROTOCOL_VERSION, version),
            (QUERY_PROPERTIES, 0),
            (END_INITIALIZATION, 0),
        ] {
            assert_eq!(
                self.control(0, operation, field),
                0,
                "operation {operation}"
            );
        }
    }

    /// Sends an operation and returns the status of the answer.
    pub fn control(&mut self, channel: usize, operation: u32, field: u16) -> u32 {
        let mut packet = [0; PACKET_LEN];
        packet[0..4].copy_from_slice(&operation.to_le_bytes());
        packet[4] = 1;
        packet[12..14].copy_from_slice(&field.to_le_bytes());
        assert!(self.channels[channel].send(&self.guest, CONTROL, &packet));
        let answer = self.channels[channel].wait(&self.guest).unwrap();
        assert_eq!(answer.transaction, CONTROL);
        Reply::parse(&answer).status
    }

    /// Opens the sub-channels that the host offers next.
    pub fn open_sub_channels(&mut self, count: usize) {
        for _ in 0..count {
            let offer = self.guest.next_offer().unwrap();
            let channel = self.guest.open(&offer).unwrap();
            self.channels.push(channel);
        }
    }

    /// Sends a request, and returns its transaction and its buffer.
    pub fn start(
        &mut self,
        channel: usize,
        at: (u8, u8),
        cdb: &[u8],
        direction: Direction,
        data: &[u8],
    ) -> (u64, GpaRange) {
        self.transaction += 1;
        let packet = execute(at.into(), cdb, direction, data.len());
        let range = self.guest.buffer(0x200, data.len() as u32, data);
        let channel = &self.channels[channel];
        let sent = if data.is_empty() {
            channel.send(&self.guest, self.transaction, &packet)
        } else {
            let ranges = std::slice::from_ref(&range);
            channel.send_gpa(&self.guest, self.transaction, &packet, ranges)
        };
        assert!(sent, "the ring is full");
        (self.transaction, range)
    }

    /// Waits for the completion of `transaction`.
    pub fn wait(&self, channel: usize, transaction: u64) -> Reply {
        let answer = self.channels[channel].wait(&self.guest).unwrap();
        assert_eq!(answer.transaction, transaction);
        Reply::parse(&answer)
    }

    /// Runs a request on a channel; `data` is what the buffer holds before, and then after.
    pub fn run_on(
        &mut self,
        channel: usize,
        at: (u8, u8),
        cdb: &[u8],
        direction: Direction,
        data: &mut Vec<u8>,
    ) -> Reply {
        let (transaction, range) = self.start(channel, at, cdb, direction, data);
        let reply = self.wait(channel, transaction);
        *data = self.guest.content(&range);
        reply
    }

    /// Runs a request without data on the primary channel.
    pub fn run(&mut self, at: (u8, u8), cdb: &[u8]) -> Reply {
        self.run_on(0, at, cdb, Direction::None, &mut Vec::new())
    }

    /// TEST UNIT READY.
    pub fn test_unit(&mut self, at: (u8, u8)) -> Reply {
        self.run(at, &[0; 6])
    }

    /// Sends any packet and returns the answer.
    pub fn raw(&self, packet: &Outgoing) -> GuestPacket {
        assert!(self.channels[0].send_packet(&self.guest, packet));
        self.channels[0].wait(&self.guest).unwrap()
    }

    /// Takes an operation that the host sent by itself.
    pub fn notification(&self) -> Option<u32> {
        let packet = self.channels[0].receive(&self.guest)?;
        assert_eq!((packet.kind, packet.flags, packet.transaction), (6, 0, 0));
        assert_eq!(packet.payload.len(), PACKET_LEN);
        assert!(packet.payload[4..].iter().all(|&byte| byte == 0));
        Some(u32::from_le_bytes(packet.payload[..4].try_into().unwrap()))
    }

    /// Closes the channels, and checks that nothing was wrong with the conversation.
    pub fn finish(self) {
        self.finish_with(&[]);
    }

    /// As [`Driver::finish`], where these were wrong.
    pub fn finish_with(mut self, violations: &[Violation]) {
        assert_eq!(self.controller.violations().first(), violations);
        for channel in self.channels.iter().rev() {
            self.guest.close(channel);
        }
        assert_eq!(self.controller.version(), None);
        assert_eq!(self.controller.held(), 0);
        assert!(self.guest.server().violations().is_empty());
    }
}

/// EXECUTE_SRB as the Linux driver sends it.
pub fn execute(at: Address, cdb: &[u8], direction: Direction, len: usize) -> [u8; PACKET_LEN] {
    let (data_in, flags) = match direction {
        Direction::Out => (0, 0x18a_u32),
        Direction::In => (1, 0x14a),
        Direction::None => (2, 0x10a),
    };
    let mut packet = [0; PACKET_LEN];
    packet[0] = EXECUTE_SRB as u8;
    packet[4] = 1;
    let body = &mut packet[12..];
    body[0] = 52;
    body[5..8].copy_from_slice(&[at.path, at.target, at.lun]);
    body[8..11].copy_from_slice(&[cdb.len() as u8, 20, data_in]);
    body[12..16].copy_from_slice(&(len as u32).to_le_bytes());
    body[16..16 + cdb.len()].copy_from_slice(cdb);
    body[38..40].copy_from_slice(&[0xff, 0x20]);
    body[40..44].copy_from_slice(&flags.to_le_bytes());
    body[44] = 60;
    packet
}
