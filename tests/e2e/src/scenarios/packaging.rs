// SPDX-License-Identifier: GPL-2.0

//! A Debian machine with our drivers installed: its initial RAM disk, made by initramfs-tools, finds
//! the root file system on one of the host's disks.

use anyhow::{Context as _, Result, ensure};
use vmbus_host::scsi::Disk;

use crate::machine::{Lab, Setup};

/// With our drivers or, without the parameter on the kernel's command line, with the C ones, from the
/// same RAM disk.
pub fn initramfs(lab: &Lab) -> Result<()> {
    let image = lab.images.join("root.img");
    let bytes = std::fs::read(&image)
        .with_context(|| format!("{}: `make packaging` makes it", image.display()))?;
    let copy = std::env::temp_dir().join(format!("root-{}.img", lab.driver));
    std::fs::write(&copy, bytes)?;
    let mut machine = lab.boot(Setup {
        initrd: Some("packaged.cpio"),
        disk: Some(Disk::open(&copy)?),
        cmdline: "root=LABEL=root ro",
        ..Setup::default()
    })?;
    machine.sh("grep -q ' / ext4 rw' /proc/mounts && grep -q '^/dev/sda / ' /proc/mounts")?;
    let loaded = machine.sh("cd /sys/module; ls -d hv_*")?;
    let storvsc = machine.driver.storvsc();
    ensure!(
        loaded.lines().any(|module| module == storvsc),
        "{storvsc} is not loaded, but {loaded}"
    );
    let refused = ["hv_storvsc", "hv_storvsc_rust"].map(|module| {
        let others = module != storvsc;
        others && loaded.lines().any(|name| name == module)
    });
    ensure!(
        !refused.contains(&true),
        "both drivers are loaded: {loaded}"
    );
    machine.sh("readlink /sys/bus/vmbus/devices/*/driver | grep -q /hv_storvsc$")?;
    machine.sh("echo written >/root/file && sync && cat /root/file")?;
    let result = machine.end();
    std::fs::remove_file(copy)?;
    result
}
