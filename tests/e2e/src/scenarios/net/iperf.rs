// SPDX-License-Identifier: GPL-2.0

//! iperf3 against a network interface of the host's. What it sends over TCP is a file, and what
//! arrives is compared with that; over UDP it sends no files, but an echo is compared.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use vmbus_host::net::tap::Tap;
use vmbus_host::net::{Card, CardConfig};

use super::{SOON, setup};
use crate::machine::{Lab, Machine};

/// Bytes of the file, and those that are asked for.
const FILE: usize = 4 << 20;
const BYTES: usize = 3 << 20;
/// How long one run may take: it is sized by bytes.
const LIMIT: Duration = Duration::from_secs(300);

/// See the module.
pub fn iperf(lab: &Lab) -> Result<()> {
    static NUMBER: AtomicU8 = AtomicU8::new(1);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let here = Ipv4Addr::new(10, 9, number, 1);
    let name = format!("tap{number}");
    let tap =
        Tap::open(&name).context("making a network interface takes root and the tun module")?;
    sh(&format!(
        "ip addr add {here}/24 dev {name} && ip link set {name} up"
    ))?;
    let card = Card::new(CardConfig::default(), tap);
    let mut machine = lab.boot(setup(1, std::slice::from_ref(&card)))?;
    let eth = machine.load_net(&card)?;
    machine.sh(&format!(
        "/bin/ip link set {eth} up && /bin/ip addr add 10.9.{number}.15/24 dev {eth} && ping -c 1 -W 10 {here}"
    ))?;
    let before = card.stats();
    let mut iperf = Iperf::new(&mut machine, here, &lab.driver.to_string())?;
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

fn sh(command: &str) -> Result<()> {
    let status = Command::new("sh").args(["-c", command]).status()?;
    ensure!(status.success(), "'{command}' ended with {status}");
    Ok(())
}

/// The program at both ends; the guest's files are `/sent` and `/got`.
struct Iperf<'a> {
    machine: &'a mut Machine,
    here: Ipv4Addr,
    /// Where this end's program and its libraries are.
    root: PathBuf,
    /// The names of this end's files in there, but for their ends.
    file: String,
    /// What is sent.
    bytes: Vec<u8>,
}

impl<'a> Iperf<'a> {
    /// Makes the file that is sent, at both ends.
    fn new(machine: &'a mut Machine, here: Ipv4Addr, name: &str) -> Result<Self> {
        machine.sh(&format!("head -c {FILE} /dev/urandom >/sent"))?;
        let root = std::env::var("LAB_ROOT").unwrap_or_else(|_| "/".into());
        let mut iperf = Self {
            machine,
            here,
            root: root.into(),
            file: format!("tmp/iperf-{name}"),
            bytes: Vec::new(),
        };
        iperf.bytes = iperf.guest_file("/sent")?;
        ensure!(iperf.bytes.len() == FILE, "{} bytes", iperf.bytes.len());
        std::fs::write(iperf.path("sent"), &iperf.bytes)?;
        Ok(iperf)
    }

    fn path(&self, end: &str) -> PathBuf {
        self.root.join(format!("{}-{end}", self.file))
    }

    /// A file of the guest's.
    fn guest_file(&mut self, file: &str) -> Result<Vec<u8>> {
        let listener = TcpListener::bind((self.here, 0))?;
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
            .sh(&format!("say {} {port} <{file}", self.here))?;
        Ok(taken.recv_timeout(SOON)??)
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

    /// One run, with these options of the server's and the client's.
    fn run(&mut self, server: &[&str], client: &str) -> Result<()> {
        let mut server = self.serve(server)?;
        let command = format!("iperf3 -c {} {client} 2>&1", self.here);
        let done = self.machine.sh_for(&command, LIMIT);
        if done.is_err() {
            server.kill()?;
        }
        let status = server.wait()?;
        done?;
        ensure!(status.success(), "the server of '{command}': {status}");
        Ok(())
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
        let echo = UdpSocket::bind((self.here, 0))?;
        let port = echo.local_addr()?.port();
        thread::spawn(move || {
            let mut datagram = [0; 2048];
            while let Ok((len, from)) = echo.recv_from(&mut datagram) {
                let _ = echo.send_to(&datagram[..len], from);
            }
        });
        self.machine
            .sh(&format!("udp {} {port} 100 1400", self.here))?;
        Ok(())
    }
}
