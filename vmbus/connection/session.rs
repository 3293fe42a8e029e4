// SPDX-License-Identifier: GPL-2.0

//! The bus as a whole: what begins when the module is loaded and ends when it is unloaded.

use kernel::{
    prelude::*,
    sync::Arc, //
};

use super::Connection;
use crate::{
    bus,
    hv::{
        self,
        Cpus,
        Fitness,
        LastRites,
        Mortal,
        RootDriver,
        Sleeper,
        Synic,
        SystemSleep, //
    },
    parameters,
    wire::version::Version, //
};

/// The bus. Dropping it ends the connection to the host and removes all devices; there are no
/// drivers any more then, since they depend on this module.
pub struct Session {
    _parts: Option<Parts>,
}

/// What the bus consists of, in the order of its end.
struct Parts {
    _sleep: SystemSleep,
    _rites: LastRites<Connection>,
    _link: Link,
    _synic: Synic<Connection>,
    _bus: bus::Registration,
    _root: RootDriver,
}

/// The connection, which ends when this is dropped.
struct Link(Arc<Connection>);

impl Session {
    /// Brings the bus up: connects to the host, and waits until the devices that it offers at
    /// first are registered.
    ///
    /// In the root partition, which is nobody's guest, nothing happens.
    ///
    /// # Errors
    ///
    /// `ENODEV` when there is no host, or it cannot be talked to; others.
    pub fn start(module: &'static ThisModule) -> Result<Self> {
        match hv::check()? {
            Fitness::Guest => Ok(Self {
                _parts: Some(Parts::start(module)?),
            }),
            Fitness::Root => Ok(Self { _parts: None }),
        }
    }
}

impl Parts {
    fn start(module: &'static ThisModule) -> Result<Self> {
        let root = RootDriver::register(module)?;
        let bus = bus::register()?;
        let connection = Connection::new(root.root().clone())?;
        let synic = Synic::start(connection.clone())?;
        let max = Version(parameters::max_version());
        let link = Link::new(connection, max).map_err(|_| ENODEV)?;
        let rites = LastRites::register()?;
        let sleep = SystemSleep::register::<Connection>()?;
        root.sleep_with::<Connection>();
        link.0.request_offers()?;
        Ok(Self {
            _sleep: sleep,
            _rites: rites,
            _link: link,
            _synic: synic,
            _bus: bus,
            _root: root,
        })
    }
}

impl Link {
    fn new(connection: Arc<Connection>, max: Version) -> Result<Self> {
        connection.connect(max)?;
        Ok(Self(connection))
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.0.unload();
        self.0.remove_channels();
    }
}

impl Sleeper for Connection {
    fn suspend(&self) -> Result {
        Self::suspend(self)
    }

    fn resume(&self) -> Result {
        Self::resume(self)
    }
}

impl Mortal for Connection {
    fn depart(&self) {
        self.unload();
    }

    fn perish(&self, cpus: &Cpus<Self>) {
        self.unload_in_panic(cpus);
    }
}
