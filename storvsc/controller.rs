// SPDX-License-Identifier: GPL-2.0

//! The guest's end of the channels of one host adapter: what is sent to the host, and what ends
//! without an answer.

mod receive;

use super::{
    channels::Channels,
    exchange::Exchange,
    idle::Idle,
    scan::Scanner,
    scsi::{
        self,
        Command,
        InFlight, //
    },
    sys::{
        Deadline,
        Period, //
    },
    wire::{
        Packet,
        INIT_TRANSACTION,
        RESET_TRANSACTION, //
    },
};
use core::time::Duration;
use kernel::{
    device::Device,
    new_mutex,
    prelude::*,
    sync::{
        aref::ARef,
        atomic::{
            Full,
            Relaxed, //
        },
        rcu,
        Arc,
        Mutex, //
    },
    time::Msecs,
};
use vmbus::{
    ring::SendError,
    sync::Atomic,
    Endpoint,
    Handler,
    Progress,
    Receiver, //
};

/// How long packets may be received in one go, in milliseconds.
const BUDGET: Msecs = 2;

/// How long one command may take to end after a reset.
const RESET_PATIENCE: Duration = Duration::from_secs(180);

/// The guest's end of the channels of one host adapter.
#[pin_data]
pub(crate) struct Controller {
    device: ARef<Device>,
    in_flight: InFlight,
    scanner: Scanner,
    /// How long packets may be received in one go.
    budget: Period,
    /// The host has taken the device away.
    gone: Atomic<bool>,
    #[pin]
    channels: Channels,
    #[pin]
    setup: Exchange,
    #[pin]
    reset: Exchange,
    #[pin]
    resetting: Mutex<()>,
    #[pin]
    idle: Idle,
}

impl Controller {
    /// Makes a controller without channels.
    pub(crate) fn new(
        device: ARef<Device>,
        in_flight: InFlight,
        scanner: Scanner,
    ) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            device,
            in_flight,
            scanner,
            budget: Period::new(BUDGET),
            gone: Atomic::new(false),
            channels <- Channels::new(),
            setup <- Exchange::new(INIT_TRANSACTION),
            reset <- Exchange::new(RESET_TRANSACTION),
            resetting <- new_mutex!(()),
            idle <- Idle::new(),
        })
    }

    /// Where to log.
    pub(crate) fn device(&self) -> &Device {
        &self.device
    }

    /// Where requests of the set-up are answered.
    pub(crate) fn setup(&self) -> &Exchange {
        &self.setup
    }

    /// What follows from changes.
    pub(crate) fn scanner(&self) -> &Scanner {
        &self.scanner
    }

    /// Puts a command into flight: returns the channel to send it on, and its id.
    ///
    /// # Errors
    ///
    /// The command is not to be sent: it was ended, or given back.
    #[inline(always)]
    pub(crate) fn book<'a>(
        &'a self,
        command: Command,
        guard: &'a rcu::Guard,
    ) -> Result<(&'a Endpoint, u64), Result<(), scsi::Rejected>> {
        let Some(endpoint) = self.channels.pick(guard) else {
            return Err(self.unreachable(command));
        };
        let id = match self.in_flight.insert(command, endpoint.relid()) {
            Ok(id) => id,
            Err(command) => {
                command.fail(scsi::HostStatus::Error);
                return Err(Ok(()));
            }
        };
        // The command is in the table. If it came there too late for `give_up()` to see it, the
        // device is seen to be gone here.
        if self.gone.load(Relaxed) {
            return Err(self.unsent(id, SendError::Closed));
        }
        Ok((endpoint, id))
    }

    /// Sees to what follows when a command was `sent`, or was not.
    ///
    /// # Errors
    ///
    /// There is no room in the rings, and the command was given back. A command that cannot be sent
    /// for another reason is ended with an error.
    #[inline(always)]
    pub(crate) fn submitted(
        &self,
        id: u64,
        sent: Result<(), SendError>,
    ) -> Result<(), scsi::Rejected> {
        sent.or_else(|error| self.unsent(id, error))
    }

    /// There is no channel: for good, or because the system is asleep.
    #[cold]
    fn unreachable(&self, command: Command) -> Result<(), scsi::Rejected> {
        if !self.gone.load(Relaxed) {
            return Err(command.reject(scsi::Busy::Device));
        }
        command.fail(scsi::HostStatus::NoConnect);
        Ok(())
    }

    #[cold]
    fn unsent(&self, id: u64, error: SendError) -> Result<(), scsi::Rejected> {
        let Some(command) = self.in_flight.take(id) else {
            // Whoever took it has ended it.
            return Ok(());
        };
        self.idle.notify();
        match error {
            SendError::Full => return Err(command.reject(scsi::Busy::Device)),
            SendError::Closed if self.gone.load(Relaxed) => {
                command.fail(scsi::HostStatus::NoConnect);
            }
            // This one channel is being closed. There are others, or the device is about to go.
            SendError::Closed => return Err(command.reject(scsi::Busy::Device)),
            SendError::Corrupt | SendError::TooLong => command.fail(scsi::HostStatus::Error),
        }
        Ok(())
    }

    /// Resets the bus, and waits until all commands have ended.
    pub(crate) fn reset_bus(&self) -> scsi::Reset {
        let _resetting = self.resetting.lock();
        let Some(primary) = self.channels.primary() else {
            return scsi::Reset::Failed;
        };
        match self.reset.execute(&primary, &Packet::reset_bus(0)) {
            Ok(_) => (),
            Err(ETIMEDOUT) => return scsi::Reset::TimedOut,
            Err(_) => return scsi::Reset::Failed,
        }
        // The host answers the reset when it is done with all commands, but not in order.
        match (self.is_drained(), self.gone.load(Relaxed)) {
            (_, true) => scsi::Reset::Failed,
            (true, false) => scsi::Reset::Success,
            (false, false) => scsi::Reset::TimedOut,
        }
    }

    /// Waits until all commands have ended.
    ///
    /// # Errors
    ///
    /// `ETIMEDOUT` if one takes too long.
    pub(crate) fn drain(&self) -> Result {
        let _resetting = self.resetting.lock();
        self.is_drained().then_some(()).ok_or(ETIMEDOUT)
    }

    /// Waits until all commands have ended, or one has taken too long; says which. The caller holds
    /// `resetting`, so that it is the only one that waits.
    fn is_drained(&self) -> bool {
        self.idle.wait(RESET_PATIENCE, || self.in_flight.is_empty())
    }

    /// The host will not answer any more: ends everything that waits for it.
    pub(crate) fn give_up(&self) {
        self.gone.xchg(true, Full);
        self.setup.abort();
        self.reset.abort();
        for command in self.in_flight.take_all() {
            command.fail(scsi::HostStatus::NoConnect);
        }
        self.idle.notify();
    }

    /// The host will not answer any more what went this way: has it sent again another way.
    fn send_again(&self, way: u32) {
        for command in self.in_flight.take_way(way) {
            command.fail(scsi::HostStatus::Disrupted);
        }
        self.idle.notify();
    }
}

impl Handler for Controller {
    fn on_event(&self, _endpoint: &Endpoint, receiver: &mut Receiver<'_>) -> Progress {
        let deadline = Deadline::after(self.budget);
        while let Some(packet) = receiver.next() {
            self.receive(packet.transaction, packet.payload);
            if deadline.is_over() {
                return Progress::More;
            }
        }
        Progress::Done
    }

    fn opened(&self, endpoint: &Arc<Endpoint>) {
        if self.channels.add(endpoint).is_err() {
            dev_err!(
                self.device,
                "no memory to use channel {}\n",
                endpoint.relid()
            );
        }
    }

    fn closing(&self, endpoint: &Arc<Endpoint>) {
        self.channels.remove(endpoint);
        self.send_again(endpoint.relid());
    }

    fn target_cpu_changed(&self, _endpoint: &Arc<Endpoint>, _old: u32, _new: u32) {
        self.channels.rearrange();
    }

    fn rescinded(&self, endpoint: &Arc<Endpoint>) {
        if endpoint.channel().subchannel_index() == 0 {
            self.give_up();
        }
    }
}
