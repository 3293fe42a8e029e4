// SPDX-License-Identifier: GPL-2.0

//! The message and event pages of SINT2 (TLFS, "Synthetic interrupt controller").
//!
//! KVM keeps the registers and raises the interrupts; the pages are the VMM's. KVM tells of a
//! write to the EOM register through the resample eventfd of the interrupt's irqfd
//! (arch/x86/kvm/hyperv.c, `kvm_hv_notify_acked_sint()`), and counts there every end of interrupt
//! as well. So nobody listens to that eventfd unless a message waits.

mod eom;
mod flags;
mod slot;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kvm_bindings::kvm_clock_data;
use kvm_ioctls::VmFd;
use vm_memory::{Bytes, GuestAddress, GuestMemoryMmap};
use vmm_sys_util::eventfd::EventFd;

use self::eom::EomWatch;
use self::slot::{Message, Outcome};
use super::counters::Counters;
use super::error::{Error, Result};
use super::irq;
use crate::hv::{Forged, Hypervisor};

/// The bit that enables the SynIC, and the one that enables either page.
const ENABLE: u64 = 1;
/// The address of a page in its register.
const PAGE_MASK: u64 = !0xfff;
/// "There is no page", which is not the address of one.
const NO_PAGE: u64 = u64::MAX;
/// How many messages may wait; a guest that asks for more without reading is not worth it.
const MAX_WAITING: usize = 4096;

/// The SynICs of all virtual processors.
pub(super) struct Synic {
    vm: Arc<VmFd>,
    memory: Arc<GuestMemoryMmap>,
    counters: Arc<Counters>,
    vps: Vec<Vp>,
    watch: EomWatch,
}

/// The SynIC of one virtual processor.
struct Vp {
    gsi: u32,
    /// The event page's address, or [`NO_PAGE`].
    event_page: AtomicU64,
    messages: Mutex<Messages>,
    /// What KVM counts up when the guest ends a message or an interrupt.
    ended: EventFd,
    /// KVM takes a resample eventfd only with an eventfd that raises the interrupt.
    _raise: EventFd,
}

/// The message slot and what waits for it.
#[derive(Default)]
struct Messages {
    enabled: bool,
    page: Option<GuestAddress>,
    waiting: VecDeque<Message>,
}

impl Synic {
    /// Takes over the pages of `vm`, whose interrupts are routed already.
    pub(super) fn new(
        vm: Arc<VmFd>,
        memory: Arc<GuestMemoryMmap>,
        counters: Arc<Counters>,
        cpus: u32,
    ) -> Result<Arc<Self>> {
        let watch = EomWatch::new().map_err(Error::system("make an epoll instance"))?;
        let vps = (0..cpus)
            .map(|vp| Vp::new(&vm, &watch, vp))
            .collect::<Result<Vec<_>>>()?;
        let synic = Arc::new(Self {
            vm,
            memory,
            counters,
            vps,
            watch,
        });
        eom::spawn(&synic).map_err(Error::system("start a thread"))?;
        Ok(synic)
    }

    /// The guest wrote a register of `vp`'s SynIC. Returns whether no SynIC is enabled any more.
    pub(super) fn update(&self, vp: u32, control: u64, event_page: u64, message_page: u64) -> bool {
        let Some(this) = self.vps.get(vp as usize) else {
            return false;
        };
        let enabled = control & ENABLE != 0;
        let old = this.event_page.load(Ordering::Acquire);
        let events = self.page(event_page, (old != NO_PAGE).then_some(GuestAddress(old)));
        let events = events.map_or(NO_PAGE, |page| page.0);
        this.event_page
            .store(if enabled { events } else { NO_PAGE }, Ordering::Release);

        let mut messages = this.lock();
        let was_enabled = std::mem::replace(&mut messages.enabled, enabled);
        messages.page = self.page(message_page, messages.page);
        if was_enabled && !enabled {
            messages.waiting.clear();
        }
        self.deliver(vp, &mut messages);
        drop(messages);
        was_enabled && !enabled && self.vps.iter().all(|vp| !vp.lock().enabled)
    }

    /// The page that `register` enables, zeroed if it was not `old`.
    fn page(&self, register: u64, old: Option<GuestAddress>) -> Option<GuestAddress> {
        let page = (register & ENABLE != 0).then_some(GuestAddress(register & PAGE_MASK))?;
        if Some(page) != old && self.memory.write_slice(&[0; 4096], page).is_err() {
            tracing::warn!(
                address = page.0,
                "the guest puts a SynIC page where there is no memory"
            );
            return None;
        }
        Some(page)
    }

    /// Moves a message from the queue to the slot if that is free, else sees to it that the guest
    /// tells when it is.
    fn deliver(&self, vp: u32, messages: &mut Messages) {
        let (Some(this), Some(page)) = (self.vps.get(vp as usize), messages.page) else {
            return;
        };
        if !messages.enabled {
            return;
        }
        while let Some(message) = messages.waiting.front() {
            let more = messages.waiting.len() > 1;
            // What was counted before the slot is found taken is of no interest.
            this.forget_ended();
            match slot::put(&self.memory, page, message, more) {
                Ok(Outcome::Delivered) => {
                    messages.waiting.pop_front();
                    self.counters.messages_delivered.add();
                    self.raise(this);
                }
                Ok(Outcome::Taken) => {
                    self.watch.arm(&this.ended, vp);
                    return;
                }
                Err(error) => {
                    tracing::warn!(%error, "the message page is not in memory");
                    messages.waiting.clear();
                    self.counters.messages_dropped.add();
                }
            }
        }
    }

    /// The guest ended a message or an interrupt while a message waited.
    fn ended(&self, vp: u32) {
        if let Some(this) = self.vps.get(vp as usize) {
            self.counters.end_of_message.add();
            self.deliver(vp, &mut this.lock());
        }
    }

    /// Queues a message, if there is one and a processor for it.
    fn post(&self, vp: u32, message: Option<Message>) {
        let (Some(this), Some(message)) = (self.vps.get(vp as usize), message) else {
            tracing::error!(vp, "a message that cannot be posted");
            self.counters.messages_dropped.add();
            return;
        };
        let mut messages = this.lock();
        if messages.waiting.len() >= MAX_WAITING {
            self.counters.messages_dropped.add();
            return;
        }
        messages.waiting.push_back(message);
        if messages.waiting.len() == 1 {
            self.deliver(vp, &mut messages);
        }
        if !messages.waiting.is_empty() {
            self.counters.messages_delayed.add();
        }
    }

    fn raise(&self, vp: &Vp) {
        self.counters.interrupts.add();
        // KVM reports a masked SINT in the level structure, not here; a message or flag for a
        // masked SINT is to be polled.
        if let Err(error) = self.vm.set_irq_line(vp.gsi, true) {
            tracing::warn!(%error, "cannot raise an interrupt");
        }
    }
}

impl Vp {
    fn new(vm: &VmFd, watch: &EomWatch, vp: u32) -> Result<Self> {
        let eventfd = || EventFd::new(libc::EFD_NONBLOCK).map_err(Error::system("make an eventfd"));
        let (raise, ended) = (eventfd()?, eventfd()?);
        let gsi = irq::sint_gsi(vp);
        vm.register_irqfd_with_resample(&raise, &ended, gsi)
            .map_err(Error::kvm("tell about the end of a message"))?;
        watch
            .add(&ended)
            .map_err(Error::system("watch an eventfd"))?;
        Ok(Self {
            gsi,
            event_page: AtomicU64::new(NO_PAGE),
            messages: Mutex::default(),
            ended,
            _raise: raise,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Messages> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the count of ends to zero; an error says that it is.
    fn forget_ended(&self) {
        self.ended.read().ok();
    }
}

impl Synic {
    /// Lets the reference time jump ahead.
    pub(super) fn advance_reference_time(&self, by: Duration) -> Result<()> {
        let now = self.vm.get_clock().map_err(Error::kvm("read the clock"))?;
        let nanoseconds = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
        let then = kvm_clock_data {
            clock: now.clock.saturating_add(nanoseconds),
            ..Default::default()
        };
        self.vm
            .set_clock(&then)
            .map_err(Error::kvm("set the clock"))
    }

    /// The machine whose processors these are of.
    pub(super) fn vm(&self) -> &VmFd {
        &self.vm
    }
}

impl Hypervisor for Synic {
    fn post_message(&self, vp: u32, payload: &[u8]) {
        self.post(vp, Message::new(payload));
    }

    fn post_forged(&self, vp: u32, header: Forged, payload: &[u8]) {
        self.post(vp, Message::forged(header, payload));
    }

    fn waiting_messages(&self, vp: u32) -> usize {
        let this = self.vps.get(vp as usize);
        this.map_or(0, |this| this.lock().waiting.len())
    }

    fn signal_event(&self, vp: u32, flag: u16) -> bool {
        let Some(this) = self.vps.get(vp as usize) else {
            return false;
        };
        let page = this.event_page.load(Ordering::Acquire);
        if page == NO_PAGE {
            return false;
        }
        match flags::set(&self.memory, GuestAddress(page), flag) {
            Some(true) => {
                self.counters.events_set.add();
                self.raise(this);
                true
            }
            Some(false) => {
                self.counters.events_merged.add();
                false
            }
            None => false,
        }
    }

    fn vp_count(&self) -> u32 {
        self.vps.len() as u32
    }

    fn reference_time(&self) -> u64 {
        // KVM derives the one from the other (arch/x86/kvm/hyperv.c, get_time_ref_counter()).
        match self.vm.get_clock() {
            Ok(clock) => clock.clock / 100,
            Err(error) => {
                tracing::warn!(%error, "cannot read the guest's clock");
                0
            }
        }
    }
}
