// SPDX-License-Identifier: GPL-2.0

//! The two pages through which the host reaches each CPU, and what is done with what is in them.
//!
//! Messages are left to a tasklet. One at a time is in the slot; the host puts the next one there
//! when the slot is marked free and, if it said that more wait, the EOM register is written, which
//! must happen on the CPU of the slot. A message that cannot be taken now stays in the slot, and
//! holds the others up, until [`Cpus::resume`].

use core::{
    mem::offset_of,
    pin::Pin, //
};

use super::{
    cpu,
    page::SharedPage,
    synic, //
};
use crate::{
    bindings,
    sync::{
        Atomic,
        HasTasklet,
        SetOnce,
        Tasklet, //
    },
    wire::synic::{
        MessageSlot,
        SlotType,
        EVENT_FLAGS,
        MESSAGE_SINT, //
    },
};
use kernel::{
    prelude::*,
    sync::{rcu, Arc},
    time::{
        delay::fsleep,
        Delta, //
    },
};

/// Where in the message page our slot is.
const SLOT: usize = MESSAGE_SINT as usize * size_of::<MessageSlot>();
/// Where in the event page our flags are.
const FLAGS: usize = MESSAGE_SINT as usize * EVENT_FLAGS / 8;
/// How many messages a tasklet takes in one go.
const MESSAGE_BUDGET: usize = 32;

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Disposition {
    /// It was taken; the slot is free.
    Taken,
    /// It is to stay in the slot until [`Cpus::resume`].
    Later,
}

/// Where events and messages go to.
pub(crate) trait Sink: Sized + Send + Sync + 'static {
    /// The CPUs that deliver to a sink of this type; null when there are none.
    fn delivery() -> &'static Atomic<*mut Cpus<Self>>;

    /// Event flag `flag`, which is not 0, was set. Runs in a hard interrupt.
    fn on_event(&self, flag: u32, reader: &rcu::Guard);

    /// A bound for the flags that may be set.
    fn highest_flag(&self) -> u32;

    /// A message came to `cpu`. Runs in a softirq.
    fn on_message(this: &Arc<Self>, cpu: u32, message: &MessageSlot) -> Disposition;

    /// `cpu` is about to go offline; returns whether events for it must not get lost.
    ///
    /// # Errors
    ///
    /// Any error keeps the CPU online.
    fn before_offline(&self, cpu: u32) -> Result<bool>;
}

/// All CPUs.
pub(crate) struct Cpus<S: Sink> {
    sink: Arc<S>,
    states: KVec<SetOnce<Pin<KBox<CpuState<S>>>>>,
}

impl<S: Sink> Cpus<S> {
    pub(super) fn new(sink: Arc<S>) -> Result<Self> {
        let mut states = KVec::new();
        for _ in cpu::possible() {
            states.push(SetOnce::new(), GFP_KERNEL)?;
        }
        Ok(Self { sink, states })
    }

    /// Where events and messages go to.
    pub(super) fn sink(&self) -> &S {
        &self.sink
    }

    #[inline]
    pub(super) fn state(&self, cpu: u32) -> Option<&CpuState<S>> {
        let state = self.states.get(usize::try_from(cpu).ok()?)?;
        state.as_ref().map(|state| &**state)
    }

    /// Prepares the current CPU, which is `cpu`, and has the host deliver to it.
    pub(super) fn online(&self, cpu: u32) -> Result {
        let index = usize::try_from(cpu)?;
        let slot = self.states.get(index).ok_or(EINVAL)?;
        if slot.as_ref().is_none() {
            let state = KBox::pin_init(CpuState::new(cpu, self.sink.clone()), GFP_KERNEL)?;
            slot.populate(state);
        }
        self.enable(cpu);
        Ok(())
    }

    /// Has the host deliver to the current CPU, which is `cpu`, and was prepared before.
    pub(super) fn enable(&self, cpu: u32) {
        let Some(state) = self.state(cpu) else {
            return;
        };
        // What came before the CPU went offline the last time is of no use any more.
        state.messages.swap_u32(SLOT, SlotType::NONE.0);
        // SAFETY: The pages live as long as `self`, and `Synic` disables the delivery on every CPU
        // before it drops that.
        unsafe { synic::enable(state.messages.address(), state.events.address()) };
    }

    /// Ends the delivery to the current CPU, which is `cpu`.
    pub(super) fn offline(&self, cpu: u32) -> Result {
        let keep_events = self.sink.before_offline(cpu)?;
        if let Some(state) = self.state(cpu) {
            if keep_events && state.has_pending_events() {
                return Err(EBUSY);
            }
        }
        synic::disable();
        synic::mask_interrupt();
        Ok(())
    }

    /// Waits for the tasklets of all CPUs, which nothing schedules any more.
    pub(super) fn kill_tasklets(&self) {
        for cpu in cpu::possible() {
            if let Some(state) = self.state(cpu) {
                state.tasklet.kill();
            }
        }
    }

    /// Shows all messages that are there to `look`, whichever CPU they came to, and frees their
    /// slots: for when nobody else does any more.
    pub(crate) fn drain_messages(&self, mut look: impl FnMut(&MessageSlot)) {
        for state in cpu::possible().filter_map(|cpu| self.state(cpu)) {
            if let Some(message) = state.message() {
                look(&message);
                state.free_slot();
            }
        }
    }

    /// Frees all slots, for who comes after us.
    pub(crate) fn clear_messages(&self) {
        for state in cpu::possible().filter_map(|cpu| self.state(cpu)) {
            state.messages.swap_u32(SLOT, SlotType::NONE.0);
        }
    }

    /// Has a message that was to stay in the slot of `cpu` looked at again.
    pub(super) fn resume(&self, cpu: u32) {
        if let Some(state) = self.state(cpu) {
            let info = core::ptr::from_ref(state).cast_mut().cast();
            // SAFETY: `resume_here` gets what it wants, and is waited for. A CPU that is offline
            // has no messages, so that it may be left out.
            unsafe {
                bindings::smp_call_function_single(
                    // CAST: The number of an existing CPU.
                    cpu as c_int,
                    Some(CpuState::<S>::resume_here),
                    info,
                    true,
                )
            };
        }
    }
}

/// One CPU.
#[pin_data]
pub(super) struct CpuState<S: Sink> {
    cpu: u32,
    sink: Arc<S>,
    messages: SharedPage,
    events: SharedPage,
    #[pin]
    tasklet: Tasklet,
}

// SAFETY: The offset is that of the tasklet.
unsafe impl<S: Sink> HasTasklet for CpuState<S> {
    const TASKLET_OFFSET: usize = offset_of!(CpuState<S>, tasklet);

    fn run(&self) {
        for _ in 0..MESSAGE_BUDGET {
            let Some(message) = self.message() else {
                return;
            };
            match S::on_message(&self.sink, self.cpu, &message) {
                Disposition::Taken => self.free_slot(),
                Disposition::Later => return,
            }
        }
        self.schedule();
    }
}

impl<S: Sink> CpuState<S> {
    fn new(cpu: u32, sink: Arc<S>) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            cpu,
            sink,
            messages: SharedPage::new()?,
            events: SharedPage::new()?,
            tasklet <- Tasklet::new::<Self>(),
        })
    }

    /// What there is to do when the host interrupts this CPU. Runs in a hard interrupt.
    pub(super) fn interrupt(&self, reader: &rcu::Guard) {
        let highest = self.sink.highest_flag().min(EVENT_FLAGS as u32 - 1);
        for word in 0..=highest / 64 {
            // CAST: To a wider type.
            let mut flags = self.events.take_u64(FLAGS + word as usize * 8);
            while flags != 0 {
                let flag = word * 64 + flags.trailing_zeros();
                flags &= flags - 1;
                // Flag 0 is that of the bus, which uses messages.
                if flag != 0 {
                    self.sink.on_event(flag, reader);
                }
            }
        }
        if self.messages.load_u32(SLOT) != SlotType::NONE.0 {
            self.schedule();
        }
    }

    fn schedule(&self) {
        // SAFETY: The tasklet was made for this type. States live until `Synic` has seen to it
        // that nothing gets here any more and has killed the tasklets.
        unsafe { self.tasklet.schedule() };
    }

    /// Has the messages of the current CPU looked at.
    ///
    /// # Safety
    ///
    /// `info` is a pointer to the state of this CPU.
    unsafe extern "C" fn resume_here(info: *mut c_void) {
        // SAFETY: By the requirements.
        unsafe { &*info.cast::<Self>() }.schedule();
    }

    /// The message in the slot, if there is one: the host writes the kind last, so it is read first.
    fn message(&self) -> Option<MessageSlot> {
        if self.messages.load_u32(SLOT) == SlotType::NONE.0 {
            return None;
        }
        let copy = self.messages.copy_out::<{ size_of::<MessageSlot>() }>(SLOT);
        let message = MessageSlot::read_from_bytes(&copy).ok()?;
        (message.kind != SlotType::NONE).then_some(message)
    }

    /// Marks the message slot free, and has the next message delivered if there is one.
    fn free_slot(&self) {
        self.messages.swap_u32(SLOT, SlotType::NONE.0);
        // The exchange is a full barrier. The host sets the flag and then looks at the type; we
        // clear the type and then look at the flag. One of us sees the other.
        let [_, flags, ..] = self
            .messages
            .load_u32(SLOT + offset_of!(MessageSlot, payload_len))
            .to_le_bytes();
        if flags & MessageSlot::PENDING != 0 {
            synic::end_of_message();
        }
    }

    /// Tells whether events keep pending that the interrupt handler was given time to take.
    fn has_pending_events(&self) -> bool {
        const TRIES: usize = 4;

        let pending = || {
            let words = (0..EVENT_FLAGS / 32).map(|word| self.events.load_u32(FLAGS + word * 4));
            // Flag 0 is not that of a channel.
            words
                .enumerate()
                .any(|(i, word)| word & !u32::from(i == 0) != 0)
        };
        for _ in 1..TRIES {
            if !pending() {
                return false;
            }
            fsleep(Delta::from_millis(10));
        }
        pending()
    }
}
