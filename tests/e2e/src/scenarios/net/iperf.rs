// SPDX-License-Identifier: GPL-2.0

//! iperf3 against a network interface of the host's.

use std::fs::File;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use vmbus_host::net::tap::Tap;
use vmbus_host::net::{Card, CardConfig};

use super::setup;
use crate::machine::Lab;

/// Bytes each way.
const BYTES: &str = "8M";
/// How long one run may take: it is sized by bytes.
const LIMIT: Duration = Duration::from_secs(300);

/// See the module.
pub fn iperf(lab: &Lab) -> Result<()> {
    static NUMBER: AtomicU8 = AtomicU8::new(1);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("tap{number}");
    let tap =
        Tap::open(&name).context("making a network interface takes root and the tun module")?;
    run(&format!(
        "ip addr add 10.9.{number}.1/24 dev {name} && ip link set {name} up"
    ))?;
    let card = Card::new(
        CardConfig {
            queues: 2,
            ..CardConfig::default()
        },
        tap,
    );
    let mut machine = lab.boot(setup(2, std::slice::from_ref(&card)))?;
    let eth = machine.load_net(&card)?;
    machine.sh(&format!(
        "/bin/ip link set {eth} up && /bin/ip addr add 10.9.{number}.15/24 dev {eth} && ping -c 1 -W 10 10.9.{number}.1"
    ))?;
    let log = File::create(
        lab.logs
            .join(format!("net-iperf-{}.server.log", lab.driver)),
    )?;
    // The program is in the guest's RAM disk, and so are its libraries; here it is the outer machine's.
    let root = std::env::var("LAB_ROOT").unwrap_or_else(|_| "/".into());
    let mut server = Command::new("chroot")
        .args([&root, "iperf3", "-s", "-B", &format!("10.9.{number}.1")])
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .context("iperf3 in the root")?;
    let done = (|| {
        machine.until(
            &format!("iperf3 -c 10.9.{number}.1 -n 1K >/dev/null"),
            "the server of iperf3 answers",
        )?;
        for options in [
            "",
            "-R",
            "-P 4",
            "-u -b 20M -l 1400",
            "-u -b 20M -l 1400 -R",
        ] {
            // The server takes a moment to be done with the last one.
            let command = format!(
                "for try in 1 2 3 4 5; do iperf3 -c 10.9.{number}.1 -n {BYTES} {options} >/said 2>&1; status=$?; \
                 grep -q 'server is busy\\|control socket' /said || break; usleep 500000; done; tail -n 8 /said; exit $status"
            );
            machine.sh_for(&command, LIMIT)?;
        }
        let stats = card.stats();
        ensure!(stats.tx_large > 0 && stats.rx_refused == 0, "{stats:?}");
        Ok(())
    })();
    server.kill()?;
    server.wait()?;
    done?;
    machine.end()
}

fn run(command: &str) -> Result<()> {
    let status = Command::new("sh").args(["-c", command]).status()?;
    ensure!(status.success(), "'{command}' ended with {status}");
    Ok(())
}
