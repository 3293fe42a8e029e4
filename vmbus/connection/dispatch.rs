// SPDX-License-Identifier: GPL-2.0

//! What is done with messages and events.

use kernel::{
    fmt,
    prelude::*,
    sync::{
        atomic::{
            Relaxed, //
        },
        rcu,
        Arc, //
    }, //
};

use super::{
    inbox::Notice,
    request::Key,
    Connection, //
};
use crate::{
    hv::{
        Cpus,
        Disposition,
        Sink,
        CONNECT_CPU, //
    },
    ratelimit,
    sync::Atomic,
    wire::{
        message::{
            GpadlCreated,
            GpadlTorndown,
            Header,
            Malformed,
            Message,
            MessageType,
            ModifyChannelResponse,
            OpenResult,
            RescindOffer,
            VersionResponse, //
        },
        offer::Offer,
        synic::{
            MessageSlot,
            SlotType, //
        }, //
    }, //
};

impl Sink for Connection {
    fn delivery() -> &'static Atomic<*mut Cpus<Self>> {
        static CPUS: Atomic<*mut Cpus<Connection>> = Atomic::new(core::ptr::null_mut());
        &CPUS
    }

    #[inline]
    fn on_event(&self, flag: u32, reader: &rcu::Guard) {
        self.events.deliver(flag, reader);
    }

    #[inline]
    fn highest_flag(&self) -> u32 {
        self.relids.highest()
    }

    fn on_message(this: &Arc<Self>, cpu: u32, slot: &MessageSlot) -> Disposition {
        if slot.kind != SlotType::CHANNEL_MESSAGE {
            return Disposition::Taken;
        }
        let Some(message) = slot.payload() else {
            warn(format_args!("message of {} bytes", slot.payload_len));
            return Disposition::Taken;
        };
        match Header::parse(message) {
            Ok(header) => this.dispatch(cpu, header.kind, message),
            // Not for us, or of a later protocol.
            Err(Malformed::Unexpected(_)) => Disposition::Taken,
            Err(error) => {
                warn(format_args!("{error:?}"));
                Disposition::Taken
            }
        }
    }

    fn before_offline(&self, cpu: u32) -> Result<bool> {
        if !self.is_connected() {
            return Ok(false);
        }
        // There is no way to have messages go elsewhere.
        if cpu == CONNECT_CPU {
            return Err(EBUSY);
        }
        self.relids.try_for_each(|channel| channel.evacuate(cpu))?;
        Ok(self.version().can_move_channels())
    }
}

impl Connection {
    /// Handles a message whose length is right for its type.
    fn dispatch(self: &Arc<Self>, cpu: u32, kind: MessageType, message: &[u8]) -> Disposition {
        match kind {
            MessageType::OFFER_CHANNEL => return self.take_offer(cpu, message),
            MessageType::RESCIND_OFFER => return self.take_rescind(cpu, message),
            MessageType::ALL_OFFERS_DELIVERED => self.all_offered.complete_all(),
            MessageType::UNLOAD_RESPONSE => self.unloaded.complete_all(),
            MessageType::VERSION_RESPONSE => self.take_version(message),
            _ => {
                if let Some((key, status)) = answer(kind, message) {
                    self.requests.answer(key, status);
                }
            }
        }
        Disposition::Taken
    }

    fn take_offer(self: &Arc<Self>, cpu: u32, message: &[u8]) -> Disposition {
        if !self.is_connected() {
            return Disposition::Taken;
        }
        match Offer::parse(message) {
            Ok(offer) => Self::notify(self, cpu, Notice::Offer(offer)),
            Err(error) => {
                warn(format_args!("{error:?}"));
                Disposition::Taken
            }
        }
    }

    fn take_rescind(self: &Arc<Self>, cpu: u32, message: &[u8]) -> Disposition {
        match RescindOffer::parse(message) {
            Some(rescind) if self.is_connected() => {
                Self::notify(self, cpu, Notice::Rescind(rescind.relid))
            }
            _ => Disposition::Taken,
        }
    }

    fn take_version(&self, message: &[u8]) {
        if let Some(response) = VersionResponse::parse(message) {
            // Used only after the answer to the proposal that is under way.
            let connection = response.message_connection;
            self.named_connection.store(connection, Relaxed);
            let status = u32::from(!response.is_connected());
            self.requests.answer(Key::Version, status);
        }
    }
}

/// What a message answers, and how.
fn answer(kind: MessageType, message: &[u8]) -> Option<(Key, u32)> {
    match kind {
        MessageType::OPEN_RESULT => {
            let result = OpenResult::parse(message)?;
            // We name a request to open a channel like the channel.
            (result.open_id == result.relid).then_some((Key::Opened(result.relid), result.status))
        }
        MessageType::GPADL_CREATED => {
            let created = GpadlCreated::parse(message)?;
            Some((Key::GpadlCreated(created.gpadl), created.status))
        }
        MessageType::GPADL_TORNDOWN => {
            let torn_down = GpadlTorndown::parse(message)?;
            Some((Key::GpadlTorndown(torn_down.gpadl), 0))
        }
        MessageType::MODIFY_CHANNEL_RESPONSE => {
            let response = ModifyChannelResponse::parse(message)?;
            Some((Key::Modified(response.relid), response.status))
        }
        _ => None,
    }
}

#[cold]
fn warn(what: fmt::Arguments<'_>) {
    if ratelimit::allowed() {
        pr_warn!("bad message from the host: {}\n", what);
    }
}
