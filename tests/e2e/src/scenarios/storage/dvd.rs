// SPDX-License-Identifier: GPL-2.0

//! A DVD drive: discs are put in, mounted, read and ejected.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Result, ensure};
use vmbus_host::scsi::{Disk, Dvd};

use crate::iso;
use crate::machine::{Lab, Machine, Setup};

/// The last line of the file on each disc.
const LAST: u32 = 100_000;

/// Two discs: one that the guest ejects, one that the host takes out.
pub fn dvd(lab: &Lab) -> Result<()> {
    let mut machine = lab.boot(Setup::default())?;
    let (first, second) = (Disc::make(lab, 1)?, Disc::make(lab, 2000)?);
    let drive = Arc::new(Dvd::with(first.open()?));
    machine.controller.add_disk(0, 0, Disk::memory(1 << 20)?)?;
    machine.controller.add_disk(0, 1, drive.clone())?;
    machine.load_until("sda")?;
    machine.sh("modprobe sr_mod && modprobe isofs")?;
    machine.until("[ -b /dev/sr0 ]", "/dev/sr0 appears")?;
    let identity = machine.sh("cd /sys/block/sr0/device && cat type vendor model")?;
    ensure!(
        identity
            .split_whitespace()
            .eq(["5", "Msft", "Virtual", "DVD-ROM"]),
        "the drive is {identity}"
    );

    read(&mut machine, &drive, &first)?;
    machine.sh("scsi-tool eject /dev/sr0")?;
    ensure!(drive.disc().is_none(), "the disc is still in the drive");
    empty(&mut machine)?;

    drive.change(Some(Arc::new(second.open()?)));
    read(&mut machine, &drive, &second)?;
    drive.change(None);
    empty(&mut machine)?;
    machine.controller.remove_disk(0, 1)?;
    machine.until("[ ! -e /sys/block/sr0 ]", "the drive goes away")?;
    machine.end()
}

/// While a disc is mounted its file is read, and it cannot be ejected.
fn read(machine: &mut Machine, drive: &Dvd, disc: &Disc) -> Result<()> {
    machine.sh("mount -t iso9660 -o ro /dev/sr0 /mnt")?;
    ensure!(drive.is_locked(), "the tray is not locked");
    let sectors = std::fs::metadata(&disc.path)?.len() / 512;
    machine.sh(&format!(
        "grep -qx {sectors} /sys/block/sr0/size && seq {} {LAST} | cmp - /mnt/data.bin",
        disc.first
    ))?;
    let ejected = machine.run("scsi-tool eject /dev/sr0")?;
    ensure!(
        ejected.status != 0 && drive.disc().is_some(),
        "a mounted disc is ejected"
    );
    machine.sh("umount /mnt")?;
    ensure!(!drive.is_locked(), "the tray is still locked");
    Ok(())
}

fn empty(machine: &mut Machine) -> Result<()> {
    let read = machine.run("head -c 2048 /dev/sr0 2>&1 >/dev/null")?;
    ensure!(
        read.status != 0 && read.text.contains("No medium found"),
        "an empty drive: {}",
        read.text
    );
    Ok(())
}

/// An image in a file.
struct Disc {
    path: PathBuf,
    first: u32,
}

impl Disc {
    /// The file on it has the numbers from `first` on, a line each.
    fn make(lab: &Lab, first: u32) -> Result<Self> {
        let contents: String = (first..=LAST).map(|number| format!("{number}\n")).collect();
        let name = format!("disc-{first}-{}-{}.iso", lab.driver, std::process::id());
        let path = Path::new("/tmp").join(name);
        std::fs::write(&path, iso::image(contents.as_bytes()))?;
        Ok(Self { path, first })
    }

    fn open(&self) -> Result<Disk> {
        Ok(Disk::open_read_only(&self.path)?)
    }
}

impl Drop for Disc {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}
