// SPDX-License-Identifier: GPL-2.0

//! From a device on the bus to a network device, and back.

use super::{
    adapter::{
        Adapter,
        MAX_QUEUES, //
    },
    net::{
        log::{
            message,
            netdev_err, //
        },
        rtnl::{
            self,
            Held, //
        },
        xdp,
        Device as NetDevice,
        Features,
        NewDevice,
        Registration, //
    },
    ops::Network,
    session::Session,
    sys::parameters,
    wire::{
        frame::HEADROOM,
        nvsp::Version, //
    },
    DEVICES,
};
use kernel::{
    device::{
        self,
        Bound,
        Core, //
    },
    prelude::*,
    sync::Arc, //
};
use vmbus::{
    Device,
    IdTable,
    Port, //
};

/// What of the driver's doings is logged by default.
const DEFAULT_MESSAGES: u32 = message::DRIVER
    | message::PROBE
    | message::LINK
    | message::UP
    | message::DOWN
    | message::RX_ERROR
    | message::TX_ERROR;

/// The size of the payload of frames: the least, the most, and the most for the first hosts.
const MIN_MTU: u32 = 68;
const MAX_MTU: u32 = 65521;
const MAX_MTU_OLD: u32 = 1500;

/// What a bound device has. The order of the fields is that of the teardown.
pub(crate) struct Bond<'bound> {
    connected: Connected,
    _registration: Registration<'bound, Network>,
    _quiet: Quiet,
    _port: Port<'bound>,
}

/// Ends the session when it is dropped.
struct Connected(Arc<Adapter>);

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.going.complete_all();
        let rtnl = rtnl::lock();
        self.0.let_go(rtnl.held());
        self.0.disconnect(rtnl.held());
    }
}

/// Waits for work that is queued when it is dropped. Nobody queues any more then.
struct Quiet(Arc<Adapter>);

impl Drop for Quiet {
    fn drop(&mut self) {
        self.0.queue.flush();
    }
}

impl Network {
    fn bind<'bound>(device: &'bound Device<Bound>) -> Result<Bond<'bound>> {
        let parent: &device::Device<Bound> = device.as_ref();
        let port = Port::new(device)?;
        let new = NewDevice::<Self>::new(parent, MAX_QUEUES, MAX_QUEUES)?;
        let net = new.device().clone();
        net.set_message_level(parameters::message_level(DEFAULT_MESSAGES));
        let adapter = Adapter::new(net, port.handle())?;
        let quiet = Quiet(adapter.clone());
        let rtnl = rtnl::lock();
        let registered = Self::register(new, &adapter, rtnl.held());
        drop(rtnl);
        // The other way round, what is dropped first would want the lock.
        let connected = Connected(adapter);
        Ok(Bond {
            connected,
            _registration: registered?,
            _quiet: quiet,
            _port: port,
        })
    }

    fn register<'bound>(
        new: NewDevice<'bound, Self>,
        adapter: &Arc<Adapter>,
        held: Held<'_>,
    ) -> Result<Registration<'bound, Self>> {
        let net = new.device().clone();
        // CAST: A small constant.
        net.set_needed_headroom(HEADROOM as u16, held);
        net.set_queues(1, 1, held)?;
        // Wanted, if the host can do it.
        net.set_features(Features::LRO, held);
        let session =
            Session::begin(adapter, &mut adapter.settings.lock(), held).inspect_err(|error| {
                let errno = error.to_errno();
                netdev_err!(&net, "unable to add netvsc device (ret {})\n", errno);
            })?;
        net.set_address(&session.permanent_address()?, held);
        Self::set_features(&net, held);
        let max_mtu = if session.shared().version() >= Version::V2 {
            MAX_MTU
        } else {
            MAX_MTU_OLD
        };
        net.set_mtu_range(MIN_MTU, max_mtu, held);
        session.shared().set_sending(true);
        let registration = new.register(adapter.clone(), held).inspect_err(|_| {
            pr_err!("Unable to register netdev.\n");
        })?;
        adapter.look_for_function(held);
        Ok(registration)
    }

    fn set_features(net: &NetDevice, held: Held<'_>) {
        let features =
            net.hw_features(held) | Features::HIGHDMA | Features::VLAN_TX | Features::VLAN_RX;
        net.set_features(features, held);
        net.set_vlan_features(features, held);
        net.set_xdp_features(
            xdp::Support::BASIC | xdp::Support::REDIRECT | xdp::Support::TRANSMIT,
            held,
        );
    }
}

impl vmbus::Driver for Network {
    type IdInfo = ();
    type Data<'bound> = Bond<'bound>;

    const ID_TABLE: IdTable<()> = &DEVICES;
    const NAME: &'static CStr = c"hv_netvsc";
    const PROBE: vmbus::ProbeType = vmbus::ProbeType::Synchronous;

    fn probe<'bound>(
        device: &'bound Device<Core<'_>>,
        _info: Option<&'bound ()>,
    ) -> impl PinInit<Bond<'bound>, Error> + 'bound {
        Self::bind(device)
    }

    fn suspend<'bound>(_device: &'bound Device<Core<'_>>, this: Pin<&Bond<'bound>>) -> Result {
        let rtnl = rtnl::lock();
        this.connected.0.suspend(rtnl.held())
    }

    fn resume<'bound>(_device: &'bound Device<Core<'_>>, this: Pin<&Bond<'bound>>) -> Result {
        let rtnl = rtnl::lock();
        this.connected.0.resume(rtnl.held())
    }
}
