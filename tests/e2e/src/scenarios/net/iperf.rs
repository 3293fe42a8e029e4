// SPDX-License-Identifier: GPL-2.0

//! iperf3 against a network interface of the host's. What it sends over TCP is a file, and what
//! arrives is compared with that; over UDP it sends no files, but an echo is compared.

use std::io::Read as _;
use std::net::{TcpListener, UdpSocket};
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;

use anyhow::{Result, ensure};
use vmbus_host::net::{Card, CardConfig};

use super::{SOON, setup};
use crate::iperf::Host;
use crate::machine::{Lab, Machine};

/// Bytes of the file, and those that are asked for.
const FILE: usize = 4 << 20;
const BYTES: usize = 3 << 20;

/// See the module.
pub fn iperf(lab: &Lab) -> Result<()> {
    let host = Host::new()?;
    let card = Card::new(CardConfig::default(), host.tap.clone());
    let mut machine = lab.boot(setup(1, std::slice::from_ref(&card)))?;
    let eth = machine.load_net(&card)?;
    host.configure(&mut machine, &eth)?;
    let before = card.stats();
    let mut iperf = Iperf::new(&mut machine, &host, &lab.driver.to_string())?;
    iperf.tcp()?;
    iperf.udp()?;
    let stats = card.stats();
    ensure!(
        stats.tx_large > 0,
        "nothing was left to the card to cut: {stats:?}"
    );
    ensure!(
        stats.rx_refused == 0 && stats.rx_dropped == before.rx_dropped,
        "frames are lost between card and guest: {stats:?}"
    );
    machine.end()
}

/// The program at both ends; the guest's files are `/sent` and `/got`.
struct Iperf<'a> {
    machine: &'a mut Machine,
    host: &'a Host,
    /// The names of this end's files in its root, but for their ends.
    file: String,
    /// What is sent.
    bytes: Vec<u8>,
}

impl<'a> Iperf<'a> {
    /// Makes the file that is sent, at both ends.
    fn new(machine: &'a mut Machine, host: &'a Host, name: &str) -> Result<Self> {
        machine.sh(&format!("head -c {FILE} /dev/urandom >/sent"))?;
        let mut iperf = Self {
            machine,
            host,
            file: format!("tmp/iperf-{name}"),
            bytes: Vec::new(),
        };
        iperf.bytes = iperf.guest_file("/sent")?;
        ensure!(iperf.bytes.len() == FILE, "{} bytes", iperf.bytes.len());
        std::fs::write(iperf.path("sent"), &iperf.bytes)?;
        Ok(iperf)
    }

    fn path(&self, end: &str) -> PathBuf {
        self.host.root.join(format!("{}-{end}", self.file))
    }

    /// A file of the guest's.
    fn guest_file(&mut self, file: &str) -> Result<Vec<u8>> {
        let listener = TcpListener::bind((self.host.here, 0))?;
        let port = listener.local_addr()?.port();
        let (to_us, taken) = mpsc::channel();
        thread::spawn(move || {
            let mut bytes = Vec::new();
            let done = listener
                .accept()
                .and_then(|(mut stream, _)| stream.read_to_end(&mut bytes));
            let _ = to_us.send(done.map(|_| bytes));
        });
        self.machine
            .sh(&format!("say {} {port} <{file}", self.host.here))?;
        Ok(taken.recv_timeout(SOON)??)
    }

    /// One run, with these options of the server's and the client's.
    fn run(&mut self, server: &[&str], client: &str) -> Result<()> {
        self.host.run(self.machine, server, client).map(drop)
    }

    fn tcp(&mut self) -> Result<()> {
        let file = |end| format!("/{}-{end}", self.file);
        let (sent, got) = (file("sent"), file("got"));
        self.run(&["-F", &got], &format!("-F /sent -n {BYTES}"))?;
        self.compare(&std::fs::read(self.path("got"))?)?;
        self.run(&["-F", &sent], &format!("-R -F /got -n {BYTES}"))?;
        let got = self.guest_file("/got")?;
        self.compare(&got)?;
        self.run(&[], &format!("-P 3 -n {BYTES}"))
    }

    /// The receiver is told when to end, whatever of it is still on its way.
    fn compare(&self, got: &[u8]) -> Result<()> {
        ensure!(got.len() >= BYTES / 2, "{} bytes arrive", got.len());
        ensure!(self.bytes.starts_with(got), "other bytes arrive");
        Ok(())
    }

    fn udp(&mut self) -> Result<()> {
        // So much that none gets lost there: the client waits for all that it has asked for.
        self.machine
            .sh("echo 4000000 >/proc/sys/net/core/rmem_default")?;
        for way in ["", "-R"] {
            let client = format!("{way} -u -b 5M -l 1400 -n 500K");
            self.run(&[], &client)?;
        }
        let echo = UdpSocket::bind((self.host.here, 0))?;
        let port = echo.local_addr()?.port();
        thread::spawn(move || {
            let mut datagram = [0; 2048];
            while let Ok((len, from)) = echo.recv_from(&mut datagram) {
                let _ = echo.send_to(&datagram[..len], from);
            }
        });
        self.machine
            .sh(&format!("udp {} {port} 100 1400", self.host.here))?;
        Ok(())
    }
}
