// SPDX-License-Identifier: GPL-2.0

//! The guest's end of the channels of one host adapter: what the host sends comes here.
//!
//! Each packet of the host is the answer to a command, the answer to a request that someone waits
//! for, or a notification. None of them is trusted: what is malformed, or fits nothing that is waited
//! for, is reported at a limited rate and otherwise ignored.

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
        log,
        parameters::{
            self,
            Level, //
        },
        Deadline,
    },
    wire::{
        HostStatus,
        Operation,
        Outcome,
        Packet,
        Reply,
        INIT_TRANSACTION,
        RESET_TRANSACTION,
        UNSOLICITED_TRANSACTION, //
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
            AtomicFlag,
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
    ratelimit,
    ring::SendError,
    Endpoint,
    Handler,
    Progress,
    Receiver, //
};

/// How long packets may be received in one go, in milliseconds.
const BUDGET: Msecs = 2;

/// How long one command may take to end after a reset.
const RESET_PATIENCE: Duration = Duration::from_secs(180);

const TEST_UNIT_READY: u8 = 0x00;

/// Complains about the host, at a limited rate.
macro_rules! violation {
    ($controller:expr, $($what:tt)*) => {
        if ratelimit::allowed() {
            dev_err!($controller.device, $($what)*);
        }
    };
}

/// The guest's end of the channels of one host adapter.
#[pin_data]
pub(crate) struct Controller {
    device: ARef<Device>,
    in_flight: InFlight,
    scanner: Scanner,
    /// The host has taken the device away.
    gone: AtomicFlag,
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
            gone: AtomicFlag::new(false),
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

    /// Puts a command into flight and sends it with `send`.
    ///
    /// # Errors
    ///
    /// There is no room in the rings, and the command was given back. A command that cannot be sent
    /// for another reason is ended with an error.
    #[inline]
    pub(crate) fn submit(
        &self,
        command: Command,
        send: impl FnOnce(&Endpoint, u64) -> Result<(), SendError>,
    ) -> Result<(), scsi::Rejected> {
        let guard = rcu::read_lock();
        let Some(endpoint) = self.channels.pick(&guard) else {
            command.fail(scsi::HostStatus::NoConnect);
            return Ok(());
        };
        let id = match self.in_flight.insert(command, endpoint.channel().relid()) {
            Ok(id) => id,
            Err(command) => {
                command.fail(scsi::HostStatus::Error);
                return Ok(());
            }
        };
        // The command is in the table. If it came there too late for `give_up()` to see it, the
        // device is seen to be gone here.
        let sent = if self.gone.load(Relaxed) {
            Err(SendError::Closed)
        } else {
            send(endpoint, id)
        };
        match sent {
            Ok(()) => Ok(()),
            Err(error) => self.unsent(id, error),
        }
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
        let idle = self.idle.wait(RESET_PATIENCE, || self.in_flight.is_empty());
        match (idle, self.gone.load(Relaxed)) {
            (_, true) => scsi::Reset::Failed,
            (true, false) => scsi::Reset::Success,
            (false, false) => scsi::Reset::TimedOut,
        }
    }

    /// The host will not answer any more: ends everything that waits for it.
    fn give_up(&self) {
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

    #[inline]
    fn receive(&self, transaction: u64, bytes: &[u8]) {
        match transaction {
            UNSOLICITED_TRANSACTION => self.notified(bytes),
            INIT_TRANSACTION => self.answered(&self.setup, transaction, bytes),
            RESET_TRANSACTION => self.answered(&self.reset, transaction, bytes),
            _ => self.completed(transaction, bytes),
        }
    }

    fn notified(&self, bytes: &[u8]) {
        match Packet::parse_operation(bytes) {
            Some(Operation::REMOVE_DEVICE | Operation::ENUMERATE_BUS) => {
                self.scanner.bus_changed();
            }
            Some(Operation::COMPLETE_IO | Operation::FCHBA_DATA) => {
                violation!(self, "Invalid packet with ID of 0\n");
            }
            Some(_) => (),
            None => self.too_short(UNSOLICITED_TRANSACTION, bytes),
        }
    }

    fn answered(&self, exchange: &Exchange, transaction: u64, bytes: &[u8]) {
        let Some(answer) = Packet::parse(bytes) else {
            return self.too_short(transaction, bytes);
        };
        if !exchange.answer(answer) {
            self.unexpected(transaction);
        }
    }

    #[inline]
    fn completed(&self, transaction: u64, bytes: &[u8]) {
        let Some(answer) = Packet::parse(bytes) else {
            return self.too_short(transaction, bytes);
        };
        if answer.header.operation != Operation::COMPLETE_IO {
            return self.unknown(transaction, answer.header.operation);
        }
        let Some(command) = self.in_flight.take(transaction) else {
            return self.unexpected(transaction);
        };
        self.end(command, &answer);
        self.idle.notify();
    }

    #[inline]
    fn end(&self, command: Command, answer: &Packet) {
        let srb = answer.srb();
        let reply = Reply {
            opcode: command.opcode(),
            requested: command.buffer_len(),
            srb: &srb,
        };
        let outcome = reply.outcome();
        if outcome.failed {
            self.failed(&command, answer, &outcome);
        }
        command.done(scsi::Completion {
            host: host_status(outcome.host_status),
            status: outcome.scsi_status,
            residual: outcome.residual,
            sense: outcome.sense,
        });
    }

    /// Logs a failed command, and sees to what else follows.
    #[cold]
    fn failed(&self, command: &Command, answer: &Packet, outcome: &Outcome<'_>) {
        let srb = answer.srb();
        // Hosts fail this command where devices come and go.
        let level = match command.opcode() {
            TEST_UNIT_READY => Level::Warning,
            _ => Level::Error,
        };
        if parameters::is_logged(level) && log::is_command_allowed() {
            dev_warn!(
                self.device,
                "tag#{} cmd 0x{:x} status: scsi 0x{:x} srb 0x{:x} host 0x{:x}\n",
                command.tag(),
                command.opcode(),
                srb.scsi_status,
                srb.srb_status.0,
                answer.header.status
            );
        }
        if parameters::is_logged(Level::Warning) {
            command.print_sense(c"storvsc", outcome.sense);
        }
        if let Some(event) = outcome.event {
            self.scanner.unit_changed(command.address(), event);
        }
    }

    #[cold]
    fn unexpected(&self, transaction: u64) {
        // What was given up may well be answered late.
        if !self.gone.load(Relaxed) {
            violation!(self, "Incorrect transaction ID {:#x}\n", transaction);
        }
    }

    #[cold]
    fn unknown(&self, transaction: u64, operation: Operation) {
        violation!(
            self,
            "Invalid pkt: id={:#x}, op={}\n",
            transaction,
            operation.0
        );
    }

    #[cold]
    fn too_short(&self, transaction: u64, bytes: &[u8]) {
        violation!(
            self,
            "Invalid pkt: id={:#x}, len={}\n",
            transaction,
            bytes.len()
        );
    }
}

fn host_status(status: HostStatus) -> scsi::HostStatus {
    match status {
        HostStatus::Ok => scsi::HostStatus::Ok,
        HostStatus::NoConnect => scsi::HostStatus::NoConnect,
        HostStatus::Error => scsi::HostStatus::Error,
        HostStatus::Passthrough => scsi::HostStatus::Passthrough,
        HostStatus::Requeue => scsi::HostStatus::Requeue,
    }
}

impl Handler for Controller {
    fn on_event(&self, _endpoint: &Endpoint, receiver: &mut Receiver<'_>) -> Progress {
        let deadline = Deadline::after(BUDGET);
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
                endpoint.channel().relid()
            );
        }
    }

    fn closing(&self, endpoint: &Arc<Endpoint>) {
        self.channels.remove(endpoint);
        self.send_again(endpoint.channel().relid());
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
