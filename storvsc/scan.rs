// SPDX-License-Identifier: GPL-2.0

//! What follows from changes that the host tells of: looking again at logical units, removing them,
//! and looking for new ones.
//!
//! The changes are noted in atomic context, without memory allocation, and dealt with by a work
//! item. When too many come at once, all the bus is looked at instead.

use super::{
    scsi::{
        Address,
        Host, //
    },
    wire::Event, //
};
use kernel::{
    impl_has_work, new_work,
    prelude::*,
    str::CString,
    sync::{
        aref::ARef,
        atomic::{
            Full,
            Relaxed, //
        },
        Arc, //
    },
    workqueue::{
        Work,
        WorkItem, //
    },
};
use vmbus::sync::Atomic;
use vmbus::sync::{
    Concurrency,
    OwnedQueue,
    Shortage, //
};

/// How many changes can be noted.
const NOTES: usize = 32;

/// A change of one logical unit, in the form in which it is noted: never 0.
#[derive(Clone, Copy)]
struct Note(u64);

impl Note {
    const PRESENT: u64 = 1 << 63;
    const REMOVE: u64 = 1 << 62;

    /// Notes a change; [`None`] if the address is beyond what can be noted.
    fn new(address: Address, event: Event) -> Option<Self> {
        let channel = u8::try_from(address.channel).ok()?;
        let target = u16::try_from(address.target).ok()?;
        let lun = u32::try_from(address.lun).ok()?;
        let kind = match event {
            Event::Rescan => 0,
            Event::Remove => Self::REMOVE,
        };
        Some(Self(
            Self::PRESENT
                | kind
                | u64::from(channel) << 48
                | u64::from(target) << 32
                | u64::from(lun),
        ))
    }

    fn address(self) -> Address {
        Address {
            channel: (self.0 >> 48 & 0xff) as u32,
            target: (self.0 >> 32 & 0xffff) as u32,
            lun: self.0 & 0xffff_ffff,
        }
    }

    fn event(self) -> Event {
        if self.0 & Self::REMOVE != 0 {
            Event::Remove
        } else {
            Event::Rescan
        }
    }
}

/// The changes that are noted, and the work item that deals with them.
#[pin_data]
struct Changes {
    host: ARef<Host>,
    notes: [Atomic<u64>; NOTES],
    bus: Atomic<bool>,
    stopped: Atomic<bool>,
    #[pin]
    work: Work<Self>,
}

impl_has_work! {
    impl HasWork<Self> for Changes { self.work }
}

impl WorkItem for Changes {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>) {
        for note in &this.notes {
            let note = Note(note.xchg(0, Full));
            if note.0 != 0 && !this.stopped.load(Relaxed) {
                this.deal_with(note);
            }
        }
        if this.bus.xchg(false, Full) && !this.stopped.load(Relaxed) {
            // Devices that are gone answer that they are unknown, which removes them.
            this.host.probe_devices();
            this.host.scan();
        }
    }
}

impl Changes {
    fn deal_with(&self, note: Note) {
        match note.event() {
            Event::Rescan => self.host.rescan_device(note.address()),
            Event::Remove => self.host.remove_device(note.address()),
        }
    }

    /// Notes a change; `false` if there is no room.
    fn note(&self, note: Note) -> bool {
        self.notes
            .iter()
            .any(|place| match place.cmpxchg(0, note.0, Full) {
                Ok(_) => true,
                Err(noted) => noted == note.0,
            })
    }
}

/// Deals with changes of one host.
pub(crate) struct Scanner {
    changes: Arc<Changes>,
    queue: OwnedQueue,
}

impl Scanner {
    /// Makes a scanner for a host.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn new(host: ARef<Host>) -> Result<Self> {
        let name = CString::try_from_fmt(fmt!("storvsc_error_wq_{}", host.number()))?;
        let queue = OwnedQueue::freezable(&name, Concurrency::Ordered, Shortage::Waits)?;
        let changes = Arc::pin_init(
            pin_init!(Changes {
                host,
                notes: [const { Atomic::new(0) }; NOTES],
                bus: Atomic::new(false),
                stopped: Atomic::new(false),
                work <- new_work!("storvsc::Changes::work"),
            }),
            GFP_KERNEL,
        )?;
        Ok(Self { changes, queue })
    }

    /// One logical unit has changed.
    pub(crate) fn unit_changed(&self, address: Address, event: Event) {
        let noted = Note::new(address, event).is_some_and(|note| self.changes.note(note));
        if noted {
            self.start();
        } else {
            self.bus_changed();
        }
    }

    /// There may be other devices than there were.
    pub(crate) fn bus_changed(&self) {
        self.changes.bus.store(true, Relaxed);
        self.start();
    }

    fn start(&self) {
        if !self.changes.stopped.load(Relaxed) {
            // One that is queued already will do: it has not begun to look at the notes.
            let _ = self.queue.enqueue(self.changes.clone());
        }
    }

    /// Deals with no more changes, and waits for the end of what is being done.
    pub(crate) fn stop(&self) {
        self.changes.stopped.store(true, Relaxed);
        self.queue.flush();
    }
}
