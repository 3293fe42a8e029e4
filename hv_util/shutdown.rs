// SPDX-License-Identifier: GPL-2.0

//! Lets the host shut the guest down, restart it, or have it hibernate.

use super::{
    responder::Service,
    sys::{
        log,
        power,
        uevent, //
    },
    wire::{
        shutdown::{
            self,
            Request, //
        },
        Kind,
        Message,
        Status,
        Support,
        TooShort,
        Version, //
    },
};
use kernel::{
    device::Device,
    impl_has_work, new_work,
    prelude::*,
    sync::{
        aref::ARef,
        Arc, //
    },
    workqueue::{
        Work,
        WorkItem, //
    },
};
use vmbus::sync::{
    Concurrency,
    OwnedQueue,
    Shortage, //
};

/// The service.
pub(crate) struct Shutdown {
    /// Ends what `hibernation` does.
    queue: OwnedQueue,
    hibernation: Arc<Hibernation>,
    can_hibernate: bool,
}

impl Shutdown {
    /// Makes the service of a device.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn new(device: &Device) -> Result<Self> {
        let hibernation = pin_init!(Hibernation {
            device: device.into(),
            work <- new_work!("Hibernation::work"),
        });
        Ok(Self {
            queue: OwnedQueue::new(c"hv_shutdown", Concurrency::Ordered, Shortage::Waits)?,
            hibernation: Arc::pin_init(hibernation, GFP_KERNEL)?,
            can_hibernate: power::can_hibernate(),
        })
    }

    fn announce(text: &str) {
        if log::is_allowed() {
            pr_info!("{}\n", text);
        }
    }
}

impl Service for Shutdown {
    const NAME: &'static str = "Shutdown";
    const SUPPORT: Support = Support {
        frameworks: &[Support::FRAMEWORK, Support::FRAMEWORK_2008],
        services: shutdown::VERSIONS,
    };
    const KIND: Kind = Kind::SHUTDOWN;
    type Consequence = Request;

    fn respond(
        &self,
        _version: Option<Version>,
        message: &mut Message<'_>,
    ) -> Result<Option<Request>, TooShort> {
        let request = Request::parse(message.body)?;
        Self::announce(match request {
            Some(Request::PowerOff) => "Shutdown request received - graceful shutdown initiated",
            Some(Request::Restart) => "Restart request received - graceful restart initiated",
            Some(Request::Hibernate) => "Hibernation request received",
            None => "Shutdown request received - Invalid request",
        });
        let request =
            request.filter(|&request| request != Request::Hibernate || self.can_hibernate);
        message.header.status = match request {
            Some(_) => Status::OK,
            None => Status::FAIL,
        };
        Ok(request)
    }

    fn follow(&self, request: Request) {
        match request {
            Request::PowerOff => power::shut_down(),
            Request::Restart => power::restart(),
            // If that is queued already, it is about to be asked for.
            Request::Hibernate => drop(self.queue.enqueue(self.hibernation.clone())),
        }
    }
}

/// Asks user space to hibernate: udev's rules know how.
#[pin_data]
struct Hibernation {
    device: ARef<Device>,
    #[pin]
    work: Work<Self>,
}

impl_has_work! {
    impl HasWork<Self> for Hibernation { self.work }
}

impl WorkItem for Hibernation {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>) {
        match uevent::changed(&this.device, c"EVENT=hibernate") {
            Ok(()) => Shutdown::announce("Sent hibernation uevent"),
            Err(error) => dev_err!(this.device, "cannot ask for hibernation: {:?}\n", error),
        }
    }
}
