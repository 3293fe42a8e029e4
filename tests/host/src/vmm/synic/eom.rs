// SPDX-License-Identifier: GPL-2.0

//! The thread that waits for guests to free a message slot.

use std::io;
use std::os::fd::AsRawFd;
use std::sync::{Arc, Weak};
use std::thread;

use vmm_sys_util::epoll::{ControlOperation, Epoll, EpollEvent, EventSet};
use vmm_sys_util::eventfd::EventFd;

use super::Synic;

/// The event of the end of the thread; all others are numbers of processors.
const STOP: u64 = u64::MAX;

/// What the thread waits on. Dropped, it ends the thread.
pub(super) struct EomWatch {
    epoll: Arc<Epoll>,
    stop: EventFd,
}

impl EomWatch {
    pub(super) fn new() -> io::Result<Self> {
        let epoll = Arc::new(Epoll::new()?);
        let stop = EventFd::new(libc::EFD_NONBLOCK)?;
        let event = EpollEvent::new(EventSet::IN, STOP);
        epoll.ctl(ControlOperation::Add, stop.as_raw_fd(), event)?;
        Ok(Self { epoll, stop })
    }

    /// Adds an eventfd that nobody waits for yet.
    pub(super) fn add(&self, eventfd: &EventFd) -> io::Result<()> {
        let event = EpollEvent::new(EventSet::ONE_SHOT, STOP);
        self.epoll
            .ctl(ControlOperation::Add, eventfd.as_raw_fd(), event)
    }

    /// Waits once for `eventfd`, which belongs to `vp`.
    pub(super) fn arm(&self, eventfd: &EventFd, vp: u32) {
        let event = EpollEvent::new(EventSet::IN | EventSet::ONE_SHOT, vp.into());
        let result = self
            .epoll
            .ctl(ControlOperation::Modify, eventfd.as_raw_fd(), event);
        if let Err(error) = result {
            tracing::error!(%error, "cannot wait for the end of a message");
        }
    }
}

impl Drop for EomWatch {
    fn drop(&mut self) {
        self.stop.write(1).ok();
    }
}

/// Starts the thread, which does not keep `synic` alive.
pub(super) fn spawn(synic: &Arc<Synic>) -> io::Result<()> {
    let epoll = Arc::clone(&synic.watch.epoll);
    let synic = Arc::downgrade(synic);
    thread::Builder::new()
        .name("eom".to_owned())
        .spawn(move || serve(&epoll, &synic))
        .map(drop)
}

fn serve(epoll: &Epoll, synic: &Weak<Synic>) {
    let mut events = [EpollEvent::default(); 8];
    loop {
        let count = match epoll.wait(-1, &mut events) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                tracing::error!(%error, "cannot wait for the end of messages");
                return;
            }
        };
        let Some(synic) = synic.upgrade() else {
            return;
        };
        for event in events.iter().take(count) {
            if let Ok(vp) = u32::try_from(event.data()) {
                synic.ended(vp);
            }
        }
    }
}
