// SPDX-License-Identifier: GPL-2.0

//! The host against a guest that sends anything: control messages, and packets to a SCSI controller, a
//! network card and a utility service, in rings whose headers it changes.

#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use vmbus_host::hv::Guest as _;
use vmbus_host::ic::Services;
use vmbus_host::net::backend::Frame;
use vmbus_host::net::{Backend, Card, CardConfig};
use vmbus_host::scsi::{Controller, ControllerConfig, Disk};
use vmbus_host::vmbus::channel::{GPA_DIRECT, GpaRange, INBAND, Outgoing};
use vmbus_host::vmbus::device::Device;
use vmbus_host::vmbus::ring::Field;
use vmbus_host::vmbus::server::ServerConfig;
use vmbus_host::vmbus::testing::{FakeGuest, GuestChannel};

/// A cable with nothing on its other end.
struct Nothing;

impl Backend for Nothing {
    fn transmit(&self, _frames: Vec<Frame>) {}

    fn attach(&self, _card: std::sync::Weak<Card>) {}
}

const FIELDS: [Field; 5] = [
    Field::WriteIndex,
    Field::ReadIndex,
    Field::InterruptMask,
    Field::PendingSend,
    Field::Features,
];

fuzz_target!(|bytes: &[u8]| {
    let mut guest = FakeGuest::new(ServerConfig::default());
    let channels = open(&mut guest);
    let mut rest = bytes;
    while let [what, which, len, behind @ ..] = rest {
        let (record, behind) = behind.split_at(behind.len().min(usize::from(*len)));
        rest = behind;
        let channel = &channels[usize::from(*which) % channels.len()];
        match what % 5 {
            0 => {
                let connection = [1, 4, guest.server().config().message_connection];
                let connection = connection[usize::from(*which) % 3];
                guest.server().on_post_message(0, connection, 1, record);
            }
            1 => poke(channel, record),
            2 => {
                let units = record.len() / 8 * 8;
                channel.outgoing.write(&record[..units]);
            }
            _ => packet(&guest, channel, *what, record),
        }
        channel.signal(&guest);
        // What the host says is of no interest, but the room that it takes is.
        let incoming = &channel.incoming;
        incoming.set(Field::ReadIndex, incoming.get(Field::WriteIndex));
    }
});

/// A guest with a channel to each kind of device.
fn open(guest: &mut FakeGuest) -> Vec<GuestChannel> {
    let controller = Controller::new(ControllerConfig::default());
    let disk = Disk::memory(1 << 20).expect("memory for a disk");
    controller.add_disk(0, 0, disk).expect("room for a disk");
    let card = Card::new(CardConfig::default(), Arc::new(Nothing));
    let mut devices: Vec<Arc<dyn Device>> = vec![controller, card];
    devices.extend(Services::new().devices().into_iter().take(1));
    for device in devices {
        guest.server().add_device(device);
    }
    let offers = guest.connect_and_request_offers();
    let open = |offer| guest.open(offer).expect("an honest open");
    offers.iter().map(open).collect()
}

fn poke(channel: &GuestChannel, record: &[u8]) {
    let [field, direction, value @ ..] = record else {
        return;
    };
    let mut number = [0; 4];
    let len = value.len().min(4);
    number[..len].copy_from_slice(&value[..len]);
    let ring = match direction % 2 {
        0 => &channel.outgoing,
        _ => &channel.incoming,
    };
    let field = FIELDS[usize::from(*field) % FIELDS.len()];
    ring.set(field, u32::from_le_bytes(number));
}

/// A packet that is one, with a payload of any content.
fn packet(guest: &FakeGuest, channel: &GuestChannel, what: u8, record: &[u8]) {
    let buffer = GpaRange {
        len: 4096,
        offset: 0,
        pfns: vec![15],
    };
    let mut header = Vec::new();
    if what & 8 != 0 {
        header.extend(0u32.to_le_bytes());
        header.extend(1u32.to_le_bytes());
        header.extend(buffer.len.to_le_bytes());
        header.extend(buffer.offset.to_le_bytes());
        header.extend(buffer.pfns[0].to_le_bytes());
    }
    let kind = if header.is_empty() {
        INBAND
    } else {
        GPA_DIRECT
    };
    let packet = Outgoing {
        kind,
        flags: u16::from(what >> 7),
        transaction: u64::from(what) + 1,
        header,
        payload: record.to_vec(),
        ..Outgoing::default()
    };
    channel.send_packet(guest, &packet);
}
