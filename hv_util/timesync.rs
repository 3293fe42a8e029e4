// SPDX-License-Identifier: GPL-2.0

//! Takes the time from the host.
//!
//! Each message of the host is a sample of its clock. The last one is kept, and `/dev/ptp_hyperv`
//! shows what has become of it, for daemons that discipline the clock. Where the host demands it,
//! after a pause or when the guest was restored, the clock is set.

use super::{
    responder::Service,
    service::violation,
    sys::{
        clock,
        parameters,
        ptp, //
    },
    wire::{
        timesync::{
            self,
            NoTime,
            Report,
            Sample, //
        },
        Kind,
        Message,
        Support,
        TooShort,
        Version, //
    },
};
use kernel::{
    impl_has_work, new_spinlock_irq, new_work, pr_warn_once,
    prelude::*,
    sync::{
        Arc,
        SpinLockIrq, //
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

/// The host's clock, as far as it is known.
#[pin_data]
pub(crate) struct HostClock {
    #[pin]
    sample: SpinLockIrq<Option<Sample>>,
    /// Sets the guest's clock.
    #[pin]
    work: Work<Self>,
}

impl_has_work! {
    impl HasWork<Self> for HostClock { self.work }
}

impl HostClock {
    /// Makes a clock of which nothing is known.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn new() -> Result<Arc<Self>> {
        let init = pin_init!(Self {
            sample <- new_spinlock_irq!(None, "HostClock::sample"),
            work <- new_work!("HostClock::work"),
        });
        Arc::pin_init(init, GFP_KERNEL)
    }

    /// Forgets what is known.
    pub(crate) fn forget(&self) {
        *self.sample.lock() = None;
    }

    /// Keeps what the host reports.
    fn learn(&self, report: &Report) -> Sample {
        let mut sample = self.sample.lock();
        *sample.insert(report.sample(clock::reference_counter()))
    }
}

impl ptp::Source for HostClock {
    const NAME: &'static CStr = c"hyperv";

    /// `ESTALE` if the host has not said anything in the last ten minutes, or never.
    fn now(&self) -> Result<i64> {
        let sample = self.sample.lock();
        // With the lock held, so that the counter has not been read before the sample was taken.
        let sample = (*sample).ok_or(ESTALE)?;
        sample
            .at(clock::reference_counter())
            .map_err(|error| match error {
                NoTime::Stale(age) => {
                    pr_warn_once!("TIMESYNC IC: Stale time stamp, {} nsecs old\n", age);
                    ESTALE
                }
                NoTime::OutOfRange => ERANGE,
            })
    }
}

impl WorkItem for HostClock {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>) {
        use ptp::Source as _;

        let result = this.now().and_then(clock::set_wall_clock);
        if let Err(error) = result {
            violation!("TimeSync: cannot set the clock: {:?}\n", error);
        }
    }
}

/// The service.
pub(crate) struct TimeSync {
    /// Ends what `clock` does.
    queue: OwnedQueue,
    clock: Arc<HostClock>,
}

/// The guest's clock is to be set.
pub(crate) struct SetClock;

impl TimeSync {
    /// Makes the service.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn new(clock: Arc<HostClock>) -> Result<Self> {
        Ok(Self {
            queue: OwnedQueue::new(c"hv_timesync", Concurrency::Ordered, Shortage::Waits)?,
            clock,
        })
    }
}

impl Service for TimeSync {
    const NAME: &'static str = "TimeSync";
    const SUPPORT: Support = Support {
        frameworks: &[Support::FRAMEWORK, Support::FRAMEWORK_2008],
        services: timesync::VERSIONS,
    };
    const KIND: Kind = Kind::TIMESYNC;
    type Consequence = SetClock;

    fn respond(
        &self,
        version: Option<Version>,
        message: &mut Message<'_>,
    ) -> Result<Option<SetClock>, TooShort> {
        let report = Report::parse(version, message.body)?;
        let sample = self.clock.learn(&report);
        // Hosts do not always demand it after a pause.
        let is_behind =
            || parameters::timesync_implicit() && sample.is_far_ahead_of(clock::wall_clock());
        Ok((report.must_set || is_behind()).then_some(SetClock))
    }

    fn follow(&self, _: SetClock) {
        // If that is queued already, it has not looked at the sample yet.
        drop(self.queue.enqueue(self.clock.clone()));
    }
}
