// SPDX-License-Identifier: GPL-2.0

//! The controller, as the VMBus server and as a test sees it. What it does with packets is in
//! `service`.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::bus::{Address, Bus, BusError};
use super::kind::Kind;
use super::pending::Pending;
use super::protocol::{BODY_LEN, Version, operation, status};
use super::sense::Sense;
use super::service::{complete_held, packet};
use super::session::Session;
use super::unit::{LogicalUnit, Part};
use super::violation::Violations;
use crate::vmbus::channel::{Channel, INBAND};
use crate::vmbus::device::{Device, Guid, Offer};

/// `chn_flags` of an offer: the guest is to enumerate the device.
const OFFER_ENUMERATE: u16 = 1;

/// What a controller is to be like.
#[derive(Clone, Debug)]
pub struct ControllerConfig {
    /// What it is to the guest.
    pub kind: Kind,
    /// The instance, which must differ from controller to controller.
    pub instance: Guid,
    /// The protocol versions to accept.
    pub versions: Vec<Version>,
    /// The most sub-channels to give.
    pub max_sub_channels: u16,
    /// The largest transfer of one request.
    pub max_transfer_bytes: u32,
    /// Whether the guest is to signal through the monitor page.
    pub monitored: bool,
}

impl Default for ControllerConfig {
    fn default() -> Self {
        ControllerConfig {
            kind: Kind::Scsi,
            instance: *b"\x01\x00\x00\x00scsi\x80\x00\x00\x00\x00\x00\x00\x01",
            versions: vec![Version::V6_2, Version::V6_0],
            max_sub_channels: 8,
            max_transfer_bytes: 512 << 10,
            monitored: false,
        }
    }
}

/// A SCSI controller.
///
/// Give an `Arc` of it to the VMBus server as a [`Device`] and keep another to change its disks and
/// to watch it.
pub struct Controller {
    pub(super) config: ControllerConfig,
    pub(super) session: Mutex<Session>,
    primary: Mutex<Option<Arc<Channel>>>,
    pub(super) bus: Bus,
    pub(super) pending: Pending,
    pub(super) violations: Violations,
    pub(super) requests: Vec<AtomicU64>,
    pub(super) resets: AtomicU64,
    pub(super) aloof: AtomicBool,
    /// Taken after each batch of packets, so that none ends between a look and a wait.
    batches: Mutex<()>,
    batch_done: Condvar,
}

impl Controller {
    /// A controller without disks.
    pub fn new(config: ControllerConfig) -> Arc<Self> {
        let channels = usize::from(config.max_sub_channels) + 1;
        Arc::new(Controller {
            config,
            session: Mutex::default(),
            primary: Mutex::default(),
            bus: Bus::default(),
            pending: Pending::new(complete_held),
            violations: Violations::default(),
            requests: (0..channels).map(|_| AtomicU64::new(0)).collect(),
            resets: AtomicU64::new(0),
            aloof: AtomicBool::new(false),
            batches: Mutex::default(),
            batch_done: Condvar::new(),
        })
    }

    /// What the controller was made to be like.
    pub fn config(&self) -> &ControllerConfig {
        &self.config
    }

    /// Adds a disk or a DVD drive on bus 0, and tells a guest that is there.
    pub fn add_disk(
        &self,
        target: u8,
        lun: u8,
        disk: impl Into<Part>,
    ) -> Result<Arc<LogicalUnit>, BusError> {
        self.add_disk_at((target, lun).into(), disk)
    }

    /// Adds a disk or a DVD drive anywhere, and tells a guest that is there.
    pub fn add_disk_at(
        &self,
        at: Address,
        disk: impl Into<Part>,
    ) -> Result<Arc<LogicalUnit>, BusError> {
        let unit = Arc::new(LogicalUnit::new(disk));
        self.bus.add(at, Arc::clone(&unit))?;
        self.notify(operation::ENUMERATE_BUS);
        Ok(unit)
    }

    /// Takes a disk on bus 0 away, and tells a guest that is there.
    pub fn remove_disk(&self, target: u8, lun: u8) -> Result<Arc<LogicalUnit>, BusError> {
        self.remove_disk_at((target, lun).into())
    }

    /// Takes a disk away from anywhere, and tells a guest that is there.
    pub fn remove_disk_at(&self, at: Address) -> Result<Arc<LogicalUnit>, BusError> {
        let unit = self.bus.remove(at)?;
        self.notify(operation::REMOVE_DEVICE);
        Ok(unit)
    }

    /// Changes the size of a disk on bus 0, which the guest learns from its next command.
    pub fn resize(&self, target: u8, lun: u8, bytes: u64) -> io::Result<()> {
        let unit = self.unit(target, lun).ok_or(io::ErrorKind::NotFound)?;
        match unit.part() {
            Part::Disk(disk) => disk.resize(bytes)?,
            Part::Dvd(_) => return Err(io::ErrorKind::Unsupported.into()),
        }
        unit.attention(Sense::CAPACITY_CHANGED);
        Ok(())
    }

    /// The unit of a disk on bus 0.
    pub fn unit(&self, target: u8, lun: u8) -> Option<Arc<LogicalUnit>> {
        self.bus.unit((target, lun).into())
    }

    /// Completes the requests that [`Fault::Hold`](super::Fault::Hold) holds back; returns how many.
    pub fn release(&self) -> usize {
        let held = self.pending.take_untimed();
        let count = held.len();
        held.into_iter().for_each(complete_held);
        count
    }

    /// How many requests faults hold back now, with a time or without.
    pub fn held(&self) -> usize {
        self.pending.len()
    }

    /// Sends a packet that the guest did not ask for, of any content, on the primary channel.
    /// Returns whether there was one.
    pub fn send(&self, kind: u16, transaction: u64, payload: &[u8]) -> bool {
        let Some(primary) = lock(&self.primary).clone() else {
            return false;
        };
        primary.send(kind, 0, transaction, payload);
        primary.flush();
        true
    }

    /// The version in use, once the guest has ended its initialization.
    pub fn version(&self) -> Option<Version> {
        lock(&self.session).ready()
    }

    /// How many sub-channels the guest asked for.
    pub fn sub_channels(&self) -> u16 {
        lock(&self.session).sub_channels()
    }

    /// How many requests came on each channel, the primary one first.
    pub fn requests(&self) -> Vec<u64> {
        self.requests
            .iter()
            .map(|count| count.load(Relaxed))
            .collect()
    }

    /// How often the guest reset the bus.
    pub fn resets(&self) -> u64 {
        self.resets.load(Relaxed)
    }

    /// What the guest did that it may not do.
    pub fn violations(&self) -> &Violations {
        &self.violations
    }

    /// From now on commands leave the guest's buffers as they are, and succeed all the same; or not any
    /// more. For tests that make the guest take buffers back too early, and must not write there then.
    pub fn keep_off(&self, aloof: bool) {
        self.aloof.store(aloof, Relaxed);
    }

    /// Waits until `condition` holds or `timeout` has passed; returns whether it holds. It is
    /// looked at after every batch of packets.
    pub fn wait_for(&self, condition: impl Fn(&Self) -> bool, timeout: Duration) -> bool {
        let batches = lock(&self.batches);
        let (_batches, waited) = self
            .batch_done
            .wait_timeout_while(batches, timeout, |()| !condition(self))
            .unwrap_or_else(PoisonError::into_inner);
        !waited.timed_out()
    }

    fn end_batch(&self) {
        drop(lock(&self.batches));
        self.batch_done.notify_all();
    }

    /// Tells a guest that is ready that the bus changed.
    fn notify(&self, operation: u32) {
        if self.version().is_some() {
            self.send(
                INBAND,
                0,
                &packet(operation, status::SUCCESS, &[0; BODY_LEN]),
            );
        }
    }
}

impl Device for Controller {
    fn offer(&self) -> Offer {
        Offer {
            class: self.config.kind.class(),
            instance: self.config.instance,
            flags: OFFER_ENUMERATE,
            user_defined: self.config.kind.user_defined(),
            monitored: self.config.monitored,
        }
    }

    fn opened(&self, channel: &Arc<Channel>, _user_data: &[u8]) -> u32 {
        if channel.subchannel_index() == 0 {
            lock(&self.session).open();
            *lock(&self.primary) = Some(Arc::clone(channel));
        }
        status::SUCCESS
    }

    fn signalled(&self, channel: &Arc<Channel>) {
        while let Some(packet) = channel.receive() {
            self.handle(channel, &packet);
        }
        channel.flush();
        self.end_batch();
    }

    fn closed(&self, channel: &Arc<Channel>) {
        if channel.subchannel_index() == 0 {
            lock(&self.session).close();
            *lock(&self.primary) = None;
        }
        self.pending.forget(channel);
        self.end_batch();
    }

    fn violations(&self) -> Vec<String> {
        let first = self.violations.first();
        first.iter().map(ToString::to_string).collect()
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
