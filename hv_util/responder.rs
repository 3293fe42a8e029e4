// SPDX-License-Identifier: GPL-2.0

//! Services that answer each message of the host at once.

use super::{
    service::{
        self,
        violation, //
    },
    wire::{
        self,
        Message,
        Status,
        Support,
        TooShort,
        Version, //
    },
};
use kernel::{
    new_spinlock_irq,
    prelude::*,
    sync::{
        Arc,
        SpinLockIrq, //
    },
};
use vmbus::{
    Endpoint,
    Handler,
    OpenConfig,
    Packet,
    Progress,
    Receiver, //
};

/// How many messages are answered in one go.
const BUDGET: usize = 16;

/// The longest packet of the host. Longer ones are dropped.
const MAX_PACKET: u32 = OpenConfig::DEFAULT_MAX_PACKET;

/// What is particular to a service.
pub(crate) trait Service: Send + Sync + 'static {
    /// What it is called in the log.
    const NAME: &'static str;

    /// The versions that we speak.
    const SUPPORT: Support;

    /// The kind of messages that the service is about.
    const KIND: wire::Kind;

    /// What follows from a message, once it has been answered.
    type Consequence;

    /// Makes a message of the service's kind the answer. Runs in a softirq.
    ///
    /// # Errors
    ///
    /// The message is too short. It is not answered.
    fn respond(
        &self,
        version: Option<Version>,
        message: &mut Message<'_>,
    ) -> Result<Option<Self::Consequence>, TooShort>;

    /// Does what follows from a message. Runs in a softirq.
    fn follow(&self, consequence: Self::Consequence);
}

/// What is kept between messages.
struct Memory {
    /// Room for the longest message.
    buffer: KVec<u8>,
    /// The version that was agreed upon.
    version: Option<Version>,
}

/// The guest's end of a service's channel.
#[pin_data]
pub(crate) struct Responder<S> {
    service: S,
    #[pin]
    memory: SpinLockIrq<Memory>,
}

impl<S: Service> Responder<S> {
    /// How to open the channel.
    pub(crate) fn config() -> OpenConfig {
        service::config(MAX_PACKET)
    }

    /// Makes the guest's end of the channel of a service.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn new(service: S) -> Result<Arc<Self>> {
        // CAST: Widening.
        let buffer = KVec::with_capacity(MAX_PACKET as usize, GFP_KERNEL)?;
        let memory = Memory {
            buffer,
            version: None,
        };
        let init = pin_init!(Self {
            service,
            memory <- new_spinlock_irq!(memory, "Responder::memory"),
        });
        Arc::pin_init(init, GFP_KERNEL)
    }

    fn receive(&self, endpoint: &Endpoint, packet: &Packet<'_>) {
        let consequence = {
            let mut memory = self.memory.lock();
            let memory = &mut *memory;
            memory.buffer.clear();
            // There is room for every packet that the ring hands out.
            if memory
                .buffer
                .extend_from_slice(packet.payload, GFP_ATOMIC)
                .is_err()
            {
                return;
            }
            let Ok(consequence) = self.answer(&mut memory.buffer, &mut memory.version) else {
                violation!(
                    "{} request received. Packet length too small: {}\n",
                    S::NAME,
                    packet.payload.len()
                );
                return;
            };
            service::send(S::NAME, endpoint, &memory.buffer, packet.transaction);
            consequence
        };
        if let Some(consequence) = consequence {
            self.service.follow(consequence);
        }
    }

    /// Makes a packet of the host the answer.
    fn answer(
        &self,
        packet: &mut [u8],
        version: &mut Option<Version>,
    ) -> Result<Option<S::Consequence>, TooShort> {
        let mut message = Message::parse(packet)?;
        let mut consequence = None;
        match message.header.kind {
            wire::Kind::NEGOTIATE => {
                let agreed = service::negotiate(S::NAME, &S::SUPPORT, &mut message);
                *version = agreed.or(*version);
            }
            kind if kind == S::KIND => {
                consequence = self.service.respond(*version, &mut message)?;
            }
            other => {
                message.header.status = Status::FAIL;
                violation!(
                    "{} request received. Invalid msg type: {}\n",
                    S::NAME,
                    other.get()
                );
            }
        }
        message.make_answer();
        Ok(consequence)
    }
}

impl<S: Service> Handler for Responder<S> {
    fn on_event(&self, endpoint: &Endpoint, receiver: &mut Receiver<'_>) -> Progress {
        for _ in 0..BUDGET {
            let Some(packet) = receiver.next() else {
                return Progress::Done;
            };
            self.receive(endpoint, &packet);
        }
        Progress::More
    }
}
