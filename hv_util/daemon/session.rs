// SPDX-License-Identifier: GPL-2.0

//! The conversation with the host.

#[cfg(CONFIG_HYPERV_RUST_KUNIT_TEST)]
mod tests;

use super::{
    super::{
        service::{
            self,
            violation,
            Line, //
        },
        sys::device::Node,
        wire::{
            Kind,
            Message,
            Status, //
        },
    },
    link::Link,
    place::Taken,
    Protocol,
    Request, //
};
use core::{
    mem,
    time::Duration, //
};
use kernel::{
    device::Bound,
    impl_has_work, new_mutex, new_spinlock_irq, new_work,
    prelude::*,
    sync::{
        Arc,
        Mutex,
        SpinLockIrq, //
    },
    workqueue::{
        Work,
        WorkItem, //
    },
};
use vmbus::{
    sync::{
        Concurrency,
        OwnedQueue,
        Shortage, //
    },
    Device,
    Endpoint,
    Handler,
    Progress,
    Receiver, //
};

/// How long a choice of versions waits for the daemon, so that the host's first request finds one:
/// shorter than hosts wait.
const FIRST_PATIENCE: Duration = Duration::from_secs(55);

/// How long a request waits for a daemon that has gone away.
const PATIENCE: Duration = Duration::from_secs(30);

/// A packet of the host.
struct Packet {
    transaction: u64,
    bytes: KVec<u8>,
}

/// Where the packet that is dealt with is.
enum Desk {
    /// There is none. This is room for the longest one.
    Free(KVec<u8>),
    /// It waits to be dealt with.
    Full(Packet),
    /// The work item has it.
    Taken,
}

/// The guest's end of a service's channel.
#[pin_data]
struct Session<P: Protocol> {
    link: Arc<Link<P>>,
    #[pin]
    desk: SpinLockIrq<Desk>,
    /// There is one while the channel is open.
    #[pin]
    endpoint: Mutex<Option<Arc<Endpoint>>>,
    #[pin]
    work: Work<Self>,
}

impl_has_work! {
    impl{P: Protocol} HasWork<Self> for Session<P> { self.work }
}

impl<P: Protocol> Session<P> {
    fn new(link: Arc<Link<P>>) -> Result<Arc<Self>> {
        // CAST: Widening.
        let buffer = KVec::with_capacity(P::MAX_PACKET as usize, GFP_KERNEL)?;
        let init = pin_init!(Self {
            link,
            desk <- new_spinlock_irq!(Desk::Free(buffer), "Session::desk"),
            endpoint <- new_mutex!(None, "Session::endpoint"),
            work <- new_work!("Session::work"),
        });
        Arc::pin_init(init, GFP_KERNEL)
    }

    /// Takes a packet off the ring, unless there is one already. Returns whether there is something
    /// to do then. Runs in a softirq.
    fn take_in(&self, receiver: &mut Receiver<'_>) -> bool {
        let mut desk = self.desk.lock();
        let Desk::Free(buffer) = &mut *desk else {
            return false;
        };
        let Some(packet) = receiver.next() else {
            return false;
        };
        buffer.clear();
        // There is room for every packet that the ring hands out.
        if buffer
            .extend_from_slice(packet.payload, GFP_ATOMIC)
            .is_err()
        {
            return false;
        }
        let packet = Packet {
            transaction: packet.transaction,
            bytes: mem::take(buffer),
        };
        *desk = Desk::Full(packet);
        true
    }

    fn take_packet(&self) -> Option<Packet> {
        let mut desk = self.desk.lock();
        match mem::replace(&mut *desk, Desk::Taken) {
            Desk::Full(packet) => Some(packet),
            other => {
                *desk = other;
                None
            }
        }
    }

    /// Makes a packet the answer. Returns whether it is to be answered.
    fn process(&self, packet: &mut [u8]) -> bool {
        let len = packet.len();
        let Ok(mut message) = Message::parse(packet) else {
            violation!(
                "{} request received. Packet length too small: {}\n",
                P::NAME,
                len
            );
            return false;
        };
        match message.header.kind {
            Kind::NEGOTIATE => {
                self.await_daemon(FIRST_PATIENCE);
                service::negotiate(P::NAME, &P::SUPPORT, &mut message);
            }
            kind if kind == P::KIND => message.header.status = self.perform(message.body),
            other => {
                violation!(
                    "{} request received. Invalid msg type: {}\n",
                    P::NAME,
                    other.get()
                );
                return false;
            }
        }
        message.make_answer();
        true
    }

    /// Does what the host asks for, and makes that the answer.
    fn perform(&self, body: &mut [u8]) -> Status {
        let (question, patience) = match P::request(body) {
            Request::Answered(status) => return status,
            Request::Ask { question, patience } => (question, patience),
        };
        self.await_daemon(PATIENCE);
        match self.link.ask(question, patience) {
            Ok((daemon, answer)) => P::answer(daemon, &answer, body),
            Err(error) => {
                if error == ETIMEDOUT {
                    P::timed_out();
                }
                Status::FAIL
            }
        }
    }

    fn await_daemon(&self, patience: Duration) {
        if P::WAITS_FOR_DAEMON {
            self.link.await_daemon(patience);
        }
    }
}

impl<P: Protocol> WorkItem for Session<P> {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>) {
        let Some(mut packet) = this.take_packet() else {
            return;
        };
        let is_answer = this.process(&mut packet.bytes);
        // Held until the end, so that the channel is not closed meanwhile.
        let endpoint = this.endpoint.lock();
        if let (true, Some(endpoint)) = (is_answer, &*endpoint) {
            service::send(P::NAME, endpoint, &packet.bytes, packet.transaction);
        }
        *this.desk.lock() = Desk::Free(packet.bytes);
        if let Some(endpoint) = &*endpoint {
            endpoint.poll();
        }
    }
}

/// What is told of events of the channel.
pub(crate) struct Events<P: Protocol> {
    /// Ends what `session` does.
    queue: OwnedQueue,
    session: Arc<Session<P>>,
}

impl<P: Protocol> Handler for Events<P> {
    fn on_event(&self, _endpoint: &Endpoint, receiver: &mut Receiver<'_>) -> Progress {
        if self.session.take_in(receiver) {
            // It cannot be queued already: then the desk would not have been free.
            drop(self.queue.enqueue(self.session.clone()));
        }
        Progress::Done
    }

    fn opened(&self, endpoint: &Arc<Endpoint>) {
        *self.session.endpoint.lock() = Some(endpoint.clone());
    }

    fn closing(&self, _endpoint: &Arc<Endpoint>) {
        let endpoint = self.session.endpoint.lock().take();
        drop(endpoint);
    }
}

/// A service that a daemon performs. The order of the fields is that of the teardown.
pub(crate) struct Daemonic<'bound, P: Protocol> {
    _node: Node<Link<P>>,
    parting: Parting<P>,
    line: Line<'bound, Events<P>>,
    _place: Taken,
}

/// Ends the conversation with the daemon when it is dropped.
struct Parting<P: Protocol>(Arc<Link<P>>);

impl<P: Protocol> Drop for Parting<P> {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl<'bound, P: Protocol> Daemonic<'bound, P> {
    /// Starts the service of a device.
    ///
    /// # Errors
    ///
    /// `EEXIST` if the service has a device already; those of opening the channel and of adding the
    /// device for the daemon.
    pub(crate) fn start(device: &'bound Device<Bound>, queue: &'static CStr) -> Result<Self> {
        let place = P::place().take().inspect_err(|_| {
            violation!("{}: there is such a device already\n", P::NAME);
        })?;
        let link = Link::<P>::new()?;
        let events = Events {
            queue: OwnedQueue::new(queue, Concurrency::Ordered, Shortage::Waits)?,
            session: Session::new(link.clone())?,
        };
        let events = Arc::new(events, GFP_KERNEL)?;
        let line = Line::open(device, service::config(P::MAX_PACKET), events)?;
        let parting = Parting(link.clone());
        let node = Node::register(P::DEVICE, link).inspect_err(|error| {
            dev_err!(
                device.as_ref(),
                "{}: Failed to initialize transport: {:?}\n",
                P::NAME,
                error
            );
        })?;
        Ok(Self {
            _node: node,
            parting,
            line,
            _place: place,
        })
    }

    /// Interrupts both conversations. Requests of the host that are under way fail.
    pub(crate) fn suspend(&self) {
        self.parting.0.sleep(P::amends());
        self.line.handler().queue.flush();
        self.line.suspend();
    }

    /// Goes on with them.
    ///
    /// # Errors
    ///
    /// Those of opening the channel.
    pub(crate) fn resume(&self) -> Result {
        self.parting.0.wake();
        self.line.resume()
    }
}
