// SPDX-License-Identifier: GPL-2.0

//! iperf3 at both ends of a card's cable, the other of which is a network interface of the host's.

use std::io::{BufRead as _, BufReader};
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use vmbus_host::net::tap::Tap;

use crate::machine::Machine;

/// How long one run may take.
const LIMIT: Duration = Duration::from_secs(300);

/// The host's end.
pub struct Host {
    /// The interface, to be a card's backend.
    pub tap: Arc<Tap>,
    /// Its address.
    pub here: Ipv4Addr,
    /// An address for the guest.
    pub there: Ipv4Addr,
    /// Where this end's program and its libraries are.
    pub root: PathBuf,
}

impl Host {
    /// Makes an interface with a network of its own.
    ///
    /// # Errors
    ///
    /// Without the tun module, and for anyone but root.
    pub fn new() -> Result<Self> {
        static NUMBER: AtomicU8 = AtomicU8::new(1);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("tap{number}");
        let tap =
            Tap::open(&name).context("making a network interface takes root and the tun module")?;
        let [here, there] = [1, 15].map(|last| Ipv4Addr::new(10, 9, number, last));
        let command = format!("ip addr add {here}/24 dev {name} && ip link set {name} up");
        let status = Command::new("sh").args(["-c", &command]).status()?;
        ensure!(status.success(), "'{command}' ended with {status}");
        let root = std::env::var("LAB_ROOT").unwrap_or_else(|_| "/".into());
        Ok(Self {
            tap,
            here,
            there,
            root: root.into(),
        })
    }

    /// Gives the guest's interface its address, and waits until the host answers there.
    pub fn configure(&self, machine: &mut Machine, eth: &str) -> Result<()> {
        let Self { here, there, .. } = self;
        machine.sh(&format!(
            "/bin/ip link set {eth} up && /bin/ip addr add {there}/24 dev {eth} && ping -c 1 -W 10 {here}"
        ))?;
        Ok(())
    }

    /// One run, with these options of the server's and the client's, which is in the guest; returns
    /// what the client said.
    pub fn run(&self, machine: &mut Machine, server: &[&str], client: &str) -> Result<String> {
        let mut server = self.serve(server)?;
        let command = format!("iperf3 -c {} {client} 2>&1", self.here);
        let done = machine.sh_for(&command, LIMIT);
        if done.is_err() {
            server.kill()?;
        }
        let status = server.wait()?;
        let said = done?;
        ensure!(status.success(), "the server of '{command}': {status}");
        Ok(said)
    }

    /// Starts a server for one client, and returns it when it listens.
    fn serve(&self, options: &[&str]) -> Result<Child> {
        let mut server = Command::new("chroot")
            .arg(&self.root)
            .args(["iperf3", "-s", "-1", "--forceflush", "-B"])
            .arg(self.here.to_string())
            .args(options)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("iperf3 in the root")?;
        let said = server.stdout.take().context("its output")?;
        let mut lines = BufReader::new(said).lines();
        let listens = lines.any(|line| line.is_ok_and(|line| line.contains("listening")));
        ensure!(listens, "the server ends: {}", server.wait()?);
        // It must not find its output closed.
        thread::spawn(move || lines.for_each(drop));
        Ok(server)
    }
}
