// SPDX-License-Identifier: GPL-2.0

//! The utility services, with Debian's own daemons as their clients in the guest.

mod clock;
mod daemons;
mod devices;
mod kvp;
mod malformed;
mod reload;
mod shutdown;
mod silent;
mod sysfs;
mod transport;
mod truncated;
mod vss;

pub use clock::{clock, stale};
pub use daemons::daemons;
pub use devices::devices;
pub use kvp::kvp;
pub use malformed::malformed;
pub use reload::reload;
pub use shutdown::shutdown;
pub use silent::silent;
pub use sysfs::sysfs;
pub use transport::transport;
pub use truncated::truncated;
pub use vss::vss;

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use vmbus_host::ic::{Agreed, Link, Services};

use crate::machine::{Lab, Machine, Setup, wait_until};

/// How long the host waits for an answer. Only a daemon that never answers takes longer.
const SOON: Duration = Duration::from_secs(60);

/// A guest with all services, none of them opened yet.
struct Util {
    machine: Machine,
    services: Services,
}

impl Util {
    /// Boots a guest that has the daemons.
    fn boot(lab: &Lab) -> Result<Self> {
        Self::boot_with(lab, Setup::default())
    }

    /// The same, with more about the guest.
    fn boot_with(lab: &Lab, setup: Setup) -> Result<Self> {
        let services = Services::new();
        let machine = lab.boot(Setup {
            devices: services.devices(),
            extras: match setup.extras {
                [] => &["daemons"],
                extras => extras,
            },
            ..setup
        })?;
        Ok(Self { machine, services })
    }

    /// Boots a guest with two CPUs, loads the driver and starts both daemons.
    fn boot_served(lab: &Lab) -> Result<Self> {
        let mut util = Self::boot_with(
            lab,
            Setup {
                cpus: 2,
                ..Setup::default()
            },
        )?;
        util.sh("mkdir -p /var/lib")?;
        util.load()?;
        util.start_kvp()?;
        util.start_vss()?;
        Ok(util)
    }

    /// Loads the driver, and with ours the bus, and waits for the services that need no daemon.
    fn load(&mut self) -> Result<()> {
        self.modprobe()?;
        for link in [
            self.services.shutdown.link(),
            self.services.heartbeat.link(),
            self.services.timesync.link(),
            self.services.vss.link(),
        ] {
            ready(link)?;
        }
        Ok(())
    }

    fn modprobe(&mut self) -> Result<()> {
        let module = self.machine.driver.utils();
        self.sh(&format!("modprobe {module}"))?;
        Ok(())
    }

    /// Unloads the driver, which is busy while a daemon is there.
    fn remove(&mut self) -> Result<()> {
        let module = self.machine.driver.utils();
        self.until(&format!("rmmod {module} 2>/dev/null"), "the driver unloads")
    }

    /// Starts Debian's daemon for `service`, kvp or vss, and waits until it has registered.
    fn start_daemon(&mut self, service: &str) -> Result<()> {
        self.until(
            &format!("[ -c /dev/vmbus/hv_{service} ]"),
            "the daemon's device appears",
        )?;
        // The agent's shell waits for what has its output open.
        self.sh(&format!(
            "PATH=/usr/bin:/bin hv_{service}_daemon </dev/null >/dev/null 2>&1"
        ))?;
        self.until(
            &format!("pidof hv_{service}_daemon >/dev/null"),
            "the daemon runs",
        )
    }

    /// Starts the daemon for KVP and waits for the negotiation, which waits for it.
    fn start_kvp(&mut self) -> Result<()> {
        self.start_daemon("kvp")?;
        ready(self.services.kvp.link())?;
        Ok(())
    }

    /// Starts the daemon for VSS and waits until it has registered, which the driver logs.
    fn start_vss(&mut self) -> Result<()> {
        let registered = "dmesg | grep -c 'VSS: userspace daemon ver. 129 connected'";
        let before: u32 = self.run(registered)?.text.parse()?;
        self.start_daemon("vss")?;
        self.until(
            &format!("[ $({registered}) -gt {before} ]"),
            "the daemon registers",
        )
    }

    /// Ends the guest and judges it.
    fn end(self) -> Result<()> {
        self.machine.end()
    }

    /// Ends a daemon at once.
    fn kill_daemon(&mut self, service: &str) -> Result<()> {
        self.sh(&format!("killall -9 hv_{service}_daemon"))?;
        self.until(
            &format!("! pidof hv_{service}_daemon >/dev/null"),
            "the daemon ends",
        )
    }
}

impl Deref for Util {
    type Target = Machine;

    fn deref(&self) -> &Machine {
        &self.machine
    }
}

impl DerefMut for Util {
    fn deref_mut(&mut self) -> &mut Machine {
        &mut self.machine
    }
}

/// Waits until versions are agreed on.
fn ready(link: &Link) -> Result<Agreed> {
    link.wait_ready(SOON)
        .with_context(|| format!("service {}", link.kind()))
}

/// Waits until the guest has taken all that was sent.
fn drained(link: &Link, what: &str) -> Result<()> {
    wait_until(&format!("{what}: the guest takes it"), SOON, || {
        link.is_drained()
    })
}

/// Fails unless two values are equal, and says which were compared.
fn same<T: PartialEq + std::fmt::Debug>(what: &str, got: T, wanted: T) -> Result<()> {
    ensure!(got == wanted, "{what}: {got:?} instead of {wanted:?}");
    Ok(())
}
