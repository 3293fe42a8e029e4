// SPDX-License-Identifier: GPL-2.0

//! From a device on the bus to a service, and back.

use super::{
    daemon::Daemonic,
    heartbeat::Heartbeat,
    kvp::Kvp,
    responder::Responder,
    service::{
        Kind,
        Line, //
    },
    shutdown::Shutdown,
    sys::ptp,
    timesync::{
        HostClock,
        TimeSync, //
    },
    vss::Vss,
    DEVICES, //
};
use kernel::{
    device::{
        Bound,
        Core, //
    },
    prelude::*,
    sync::Arc, //
};
use vmbus::{
    Device,
    IdTable, //
};

/// The driver.
pub(crate) struct Utilities;

/// What a bound device has.
pub(crate) enum Service<'bound> {
    Shutdown(Line<'bound, Responder<Shutdown>>),
    TimeSync(Clockwork<'bound>),
    Heartbeat(Line<'bound, Responder<Heartbeat>>),
    Kvp(Daemonic<'bound, Kvp>),
    Vss(Daemonic<'bound, Vss>),
}

/// The time service. The order of the fields is that of the teardown.
pub(crate) struct Clockwork<'bound> {
    _ptp: Option<ptp::Clock<HostClock>>,
    line: Line<'bound, Responder<TimeSync>>,
    clock: Arc<HostClock>,
}

impl Utilities {
    fn bind<'bound>(device: &'bound Device<Bound>, kind: Kind) -> Result<Service<'bound>> {
        Ok(match kind {
            Kind::Shutdown => {
                let service = Shutdown::new(device.as_ref())?;
                Service::Shutdown(Self::respond(device, service)?)
            }
            Kind::TimeSync => Service::TimeSync(Self::tell_time(device)?),
            Kind::Heartbeat => Service::Heartbeat(Self::respond(device, Heartbeat)?),
            Kind::Kvp => Service::Kvp(Daemonic::start(device, c"hv_kvp")?),
            Kind::Vss => Service::Vss(Daemonic::start(device, c"hv_vss")?),
        })
    }

    fn respond<'bound, S: super::responder::Service>(
        device: &'bound Device<Bound>,
        service: S,
    ) -> Result<Line<'bound, Responder<S>>> {
        let responder = Responder::new(service)?;
        Line::open(device, Responder::<S>::config(), responder)
    }

    fn tell_time<'bound>(device: &'bound Device<Bound>) -> Result<Clockwork<'bound>> {
        let clock = HostClock::new()?;
        let line = Self::respond(device, TimeSync::new(clock.clone())?)?;
        // The host can set the clock all the same.
        let ptp = ptp::Clock::register(clock.clone())
            .inspect_err(|error| pr_err!("cannot register PTP clock: {}\n", error.to_errno()))
            .ok();
        Ok(Clockwork {
            _ptp: ptp,
            line,
            clock,
        })
    }
}

impl Service<'_> {
    fn suspend(&self) {
        match self {
            Self::Shutdown(line) => line.suspend(),
            Self::TimeSync(clockwork) => {
                clockwork.line.suspend();
                // The counter by which a sample ages begins anew on another machine.
                clockwork.clock.forget();
            }
            Self::Heartbeat(line) => line.suspend(),
            Self::Kvp(service) => service.suspend(),
            Self::Vss(service) => service.suspend(),
        }
    }

    fn resume(&self) -> Result {
        match self {
            Self::Shutdown(line) => line.resume(),
            Self::TimeSync(clockwork) => clockwork.line.resume(),
            Self::Heartbeat(line) => line.resume(),
            Self::Kvp(service) => service.resume(),
            Self::Vss(service) => service.resume(),
        }
    }
}

impl vmbus::Driver for Utilities {
    type IdInfo = Kind;
    type Data<'bound> = Service<'bound>;

    const ID_TABLE: IdTable<Kind> = &DEVICES;
    const NAME: &'static CStr = c"hv_utils";
    const PROBE: vmbus::ProbeType = vmbus::ProbeType::Asynchronous;

    fn probe<'bound>(
        device: &'bound Device<Core<'_>>,
        kind: Option<&'bound Kind>,
    ) -> impl PinInit<Service<'bound>, Error> + 'bound {
        // A device that was bound by name only may be anything.
        kind.copied()
            .ok_or(ENODEV)
            .and_then(|kind| Self::bind(device, kind))
    }

    fn suspend<'bound>(_device: &'bound Device<Core<'_>>, this: Pin<&Service<'bound>>) -> Result {
        this.suspend();
        Ok(())
    }

    fn resume<'bound>(_device: &'bound Device<Core<'_>>, this: Pin<&Service<'bound>>) -> Result {
        this.resume()
    }
}
