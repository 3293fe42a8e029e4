// SPDX-License-Identifier: GPL-2.0

//! Our bus on a host that we did not write: QEMU's vmbus-bridge, which knows version 4.0 and offers
//! a balloon.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::kernel_log;
use crate::machine::{Lab, wait_until};

const LIMIT: Duration = Duration::from_secs(240);

/// What the guest prints, each on a line of its own.
const EXPECTED: [&str; 5] = [
    "version 4.0",
    "device {525074dc-8985-46e2-8057-a307dc18a502}",
    "modalias vmbus:dc7450528589e2468057a307dc18a502",
    "unloaded",
    "loaded again",
];

/// Version, offer, sysfs, unload and load again; QEMU runs in `root`.
pub fn bridge(lab: &Lab, root: &Path) -> Result<()> {
    let log = lab.logs.join("bridge-rust.console.log");
    let console = File::create(&log)?;
    let initrd = lab.images.join("guest.cpio").canonicalize()?;
    let kernel = lab.images.join("vmlinuz").canonicalize()?;
    let shared = root.join("lab");
    let inside = |path: &Path| -> Result<String> {
        let name = path
            .file_name()
            .context("a file name")?
            .to_string_lossy()
            .into_owned();
        if shared.join("images").join(&name).exists() {
            return Ok(format!("/lab/images/{name}"));
        }
        std::fs::copy(path, root.join("tmp").join(&name))?;
        Ok(format!("/tmp/{name}"))
    };
    let child = Command::new("chroot")
        .arg(root)
        .args(["qemu-system-x86_64", "-accel", "kvm", "-m", "512M", "-smp", "1", "-nodefaults", "-display", "none"])
        .args(["-cpu", "host,kvm=off,hv-relaxed,hv-vapic,hv-time,hv-vpindex,hv-synic,hv-stimer,hv-runtime,hv-reset"])
        .args(["-device", "vmbus-bridge", "-device", "hv-balloon", "-serial", "stdio", "-no-reboot"])
        .args(["-kernel", &inside(&kernel)?, "-initrd", &inside(&initrd)?])
        .args(["-append", "console=ttyS0 loglevel=5 panic=-1 oops=panic initcall_blacklist=hv_acpi_init hv.mode=bridge"])
        .stdin(Stdio::null())
        .stdout(console.try_clone()?)
        .stderr(console)
        .spawn()
        .with_context(|| format!("starting QEMU in {}", root.display()))?;
    let child = Mutex::new(child);
    if wait_until("QEMU ends", LIMIT, || {
        matches!(child.lock().unwrap().try_wait(), Ok(Some(_)))
    })
    .is_err()
    {
        child.lock().unwrap().kill()?;
    }
    let text = String::from_utf8_lossy(&std::fs::read(&log)?).replace('\r', "");
    ensure!(
        kernel_log::fault(&text).is_none(),
        "the kernel's log has a report: {:?}",
        kernel_log::fault(&text)
    );
    for line in EXPECTED {
        ensure!(
            text.lines().any(|have| have == line),
            "the guest does not print '{line}'; {} has:\n{text}",
            log.display()
        );
    }
    Ok(())
}
