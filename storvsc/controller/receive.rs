// SPDX-License-Identifier: GPL-2.0

//! What the host sends comes here.
//!
//! Each packet of the host is the answer to a command, the answer to a request that someone waits
//! for, or a notification. None of them is trusted: what is malformed, or fits nothing that is waited
//! for, is reported at a limited rate and otherwise ignored.

use super::{
    super::{
        exchange::Exchange,
        scsi::{
            self,
            Command, //
        },
        sys::{
            log,
            parameters::{
                self,
                Level, //
            },
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
    },
    Controller, //
};
use kernel::{
    prelude::*,
    sync::atomic::Relaxed, //
};
use vmbus::ratelimit;

const TEST_UNIT_READY: u8 = 0x00;

/// Complains about the host, at a limited rate.
macro_rules! violation {
    ($controller:expr, $($what:tt)*) => {
        if ratelimit::allowed() {
            dev_err!($controller.device, $($what)*);
        }
    };
}

impl Controller {
    #[inline]
    pub(super) fn receive(&self, transaction: u64, bytes: &[u8]) {
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
        if answer.srb.is_success() && !Reply::is_data_judged(command.opcode()) {
            let wanted = command.buffer_len();
            command.succeed(wanted.saturating_sub(answer.srb.data_transfer_length));
        } else {
            self.judge(command, bytes);
        }
        self.idle.notify();
    }

    /// Ends a command that is said to have failed, or whose success is to be doubted, with what the host
    /// answered.
    #[cold]
    fn judge(&self, mut command: Command, bytes: &[u8]) {
        // It was parsed before.
        let Some(answer) = Packet::parse(bytes) else {
            return;
        };
        let opcode = command.opcode();
        let mut room = [0; Reply::JUDGED_DATA];
        let reply = Reply {
            opcode,
            requested: command.buffer_len(),
            data: match Reply::is_data_judged(opcode) {
                true => command.read_data(&mut room),
                false => &[],
            },
            srb: &answer.srb,
        };
        let outcome = reply.outcome();
        if outcome.failed {
            self.failed(&command, &answer, &outcome);
        }
        command.done(scsi::Completion {
            host: host_status(outcome.host_status),
            status: outcome.scsi_status,
            residual: outcome.residual,
            sense: outcome.sense,
        });
    }

    /// Logs a failed command, and sees to what else follows.
    fn failed(&self, command: &Command, answer: &Packet, outcome: &Outcome<'_>) {
        let srb = &answer.srb;
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
