// SPDX-License-Identifier: GPL-2.0

//! A Debian machine with our drivers installed: its initial RAM disk, made by initramfs-tools, finds
//! the root file system on one of the host's disks.

use anyhow::{Result, ensure};

use crate::machine::{Lab, Setup};

/// What initramfs-tools has made.
const RAM_DISK: &str = "packaged.cpio";

/// With our drivers or, without the parameter on the kernel's command line, with the C ones, from the
/// same RAM disk.
pub fn initramfs(lab: &Lab) -> Result<()> {
    ensure!(
        lab.images.join(RAM_DISK).exists(),
        "there is no {RAM_DISK}: `make packaging` makes it"
    );
    let copy = std::env::temp_dir().join(format!("packaging-{}.img", lab.driver));
    std::fs::copy(lab.images.join("root.img"), &copy)?;
    let mut machine = lab.boot(Setup {
        initrd: Some(RAM_DISK),
        root: Some(copy.clone()),
        cmdline: "root=/dev/sda rw init=/init",
        ..Setup::default()
    })?;
    machine.sh("grep -q '^/dev/sda / ext4 rw' /proc/mounts")?;
    let loaded = machine.sh("cd /sys/module; echo hv_*")?;
    let storvsc = machine.driver.storvsc();
    ensure!(
        loaded.split(' ').any(|module| module == storvsc),
        "{storvsc} is not loaded, but {loaded}"
    );
    let refused = ["hv_storvsc", "hv_storvsc_rust"].map(|module| {
        let others = module != storvsc;
        others && loaded.split(' ').any(|name| name == module)
    });
    ensure!(
        !refused.contains(&true),
        "both drivers are loaded: {loaded}"
    );
    machine.sh("readlink /sys/bus/vmbus/devices/*/driver | grep -q /hv_storvsc$")?;
    machine.sh("echo written >/file && sync && cat /file")?;
    let result = machine.end();
    std::fs::remove_file(copy)?;
    result
}
