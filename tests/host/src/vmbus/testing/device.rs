// SPDX-License-Identifier: GPL-2.0

//! A device that answers each packet with the packet, and counts its calls.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::vmbus::channel::{COMPLETION, COMPLETION_REQUESTED, Channel, Packet};
use crate::vmbus::device::{Device, Guid, Offer};
use crate::vmbus::gpa::total_len;
use crate::vmbus::sync::lock;

/// Completes each in-band packet with its own payload, and each GPA-direct packet after having
/// inverted every byte of its buffers.
#[derive(Debug)]
pub struct EchoDevice {
    instance: Guid,
    monitored: bool,
    /// What to answer to an open.
    pub open_status: AtomicU32,
    /// How often the device was told of an open that it accepted.
    pub opened: AtomicU64,
    /// How often the device was told of a close.
    pub closed: AtomicU64,
    /// How often the device was called for a signal.
    pub signalled: AtomicU64,
    /// The first bytes of the user data of the last open.
    pub user_data: Mutex<Vec<u8>>,
}

impl EchoDevice {
    /// The class of these devices.
    pub const CLASS: Guid = *b"echo device test";

    /// The device with number `number`.
    pub fn new(number: u8) -> Arc<Self> {
        Arc::new(Self::with(number, false))
    }

    /// The same, offered with monitored notification.
    pub fn monitored(number: u8) -> Arc<Self> {
        Arc::new(Self::with(number, true))
    }

    fn with(number: u8, monitored: bool) -> Self {
        Self {
            instance: Self::instance(number),
            monitored,
            open_status: AtomicU32::new(0),
            opened: AtomicU64::new(0),
            closed: AtomicU64::new(0),
            signalled: AtomicU64::new(0),
            user_data: Mutex::default(),
        }
    }

    /// The instance GUID of the device with number `number`.
    pub fn instance(number: u8) -> Guid {
        let mut instance = *b"echo instance  \0";
        instance[15] = number;
        instance
    }

    fn answer(channel: &Channel, packet: &Packet) {
        let mut buffer = vec![0; total_len(&packet.ranges)];
        let mut copied = channel.read_ranges(&packet.ranges, 0, &mut buffer);
        buffer.iter_mut().for_each(|byte| *byte = !*byte);
        copied = copied.and_then(|()| channel.write_ranges(&packet.ranges, 0, &buffer));
        let refused = [0xff; 8];
        let payload = if copied.is_ok() {
            &packet.payload[..]
        } else {
            &refused[..]
        };
        channel.send(COMPLETION, 0, packet.transaction, payload);
    }
}

impl Device for EchoDevice {
    fn offer(&self) -> Offer {
        Offer {
            class: Self::CLASS,
            instance: self.instance,
            flags: 0,
            user_defined: [0; 120],
            monitored: self.monitored,
        }
    }

    fn opened(&self, _channel: &Arc<Channel>, user_data: &[u8]) -> u32 {
        *lock(&self.user_data) = user_data.to_vec();
        let status = self.open_status.load(Ordering::SeqCst);
        if status == 0 {
            self.opened.fetch_add(1, Ordering::SeqCst);
        }
        status
    }

    fn signalled(&self, channel: &Arc<Channel>) {
        self.signalled.fetch_add(1, Ordering::SeqCst);
        while let Some(packet) = channel.receive() {
            if packet.flags & COMPLETION_REQUESTED != 0 {
                Self::answer(channel, &packet);
            }
        }
        channel.flush();
    }

    fn closed(&self, _channel: &Arc<Channel>) {
        self.closed.fetch_add(1, Ordering::SeqCst);
    }
}
