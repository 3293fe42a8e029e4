// SPDX-License-Identifier: GPL-2.0

//! The argument of `--disk`.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use vmbus_host::scsi::{Controller, ControllerConfig, Disk, Dvd, IdePlace};

use super::size;

/// A disk and its place on the bus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DiskSpec {
    source: Source,
    target: Option<u8>,
    lun: u8,
    read_only: bool,
    dvd: bool,
    ide: Option<IdePlace>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    File(PathBuf),
    Memory(u64),
    /// For a DVD drive without a disc.
    Nothing,
}

impl FromStr for DiskSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (source, options) = text.split_once(',').unwrap_or((text, ""));
        let mut spec = Self {
            source: Source::parse(source)?,
            target: None,
            lun: 0,
            read_only: false,
            dvd: false,
            ide: None,
        };
        for option in options.split(',').filter(|option| !option.is_empty()) {
            spec.set(option)?;
        }
        spec.check()?;
        Ok(spec)
    }
}

impl Source {
    fn parse(text: &str) -> Result<Self, String> {
        match text.strip_prefix("mem:") {
            Some(size) => size::parse(size).map(Self::Memory),
            None if text.is_empty() => Err("a disk needs a path or mem:SIZE".to_owned()),
            None if text == "none" => Ok(Self::Nothing),
            None => Ok(Self::File(text.into())),
        }
    }

    fn open(&self, read_only: bool) -> Result<Disk> {
        let disk = match self {
            Self::Nothing => bail!("nothing is no disk"),
            Self::Memory(size) => Disk::memory(*size).context("no disk in memory")?,
            Self::File(path) if read_only => {
                Disk::open_read_only(path).with_context(|| format!("disk {}", path.display()))?
            }
            Self::File(path) => {
                Disk::open(path).with_context(|| format!("disk {}", path.display()))?
            }
        };
        Ok(if read_only {
            disk.with_write_protection()
        } else {
            disk
        })
    }
}

impl DiskSpec {
    fn set(&mut self, option: &str) -> Result<(), String> {
        let number = |value: &str| {
            value
                .parse()
                .map_err(|_| format!("'{value}' is not a number from 0 to 255"))
        };
        match option.split_once('=') {
            Some(("target", value)) => self.target = Some(number(value)?),
            Some(("lun", value)) => self.lun = number(value)?,
            Some(("ide", value)) => self.ide = Some(place(value)?),
            None if option == "ro" => self.read_only = true,
            None if option == "dvd" => self.dvd = true,
            _ => {
                return Err(format!(
                    "'{option}' is not one of target=N, lun=N, ro, dvd, ide=C:D"
                ));
            }
        }
        Ok(())
    }

    fn check(&self) -> Result<(), String> {
        let has_address = self.target.is_some() || self.lun != 0;
        if self.ide.is_some() && (self.dvd || has_address) {
            return Err("an IDE disk has no target or unit, and is no DVD drive".to_owned());
        }
        if self.source == Source::Nothing && !self.dvd {
            return Err("only a DVD drive may be empty".to_owned());
        }
        Ok(())
    }

    /// The disk, or the disc.
    fn open(&self, name: &str) -> Result<Disk> {
        let disk = self.source.open(self.read_only || self.dvd)?;
        Ok(disk.with_serial(name))
    }

    fn drive(&self, name: &str) -> Result<Dvd> {
        match self.source {
            Source::Nothing => Ok(Dvd::default()),
            _ => Ok(Dvd::with(self.open(name)?)),
        }
    }
}

/// The place of an IDE disk, CONTROLLER:DISK.
fn place(text: &str) -> Result<IdePlace, String> {
    let (controller, disk) = match text {
        "0:0" => (0, 0),
        "0:1" => (0, 1),
        "1:0" => (1, 0),
        "1:1" => (1, 1),
        _ => return Err(format!("'{text}' is not one of 0:0, 0:1, 1:0, 1:1")),
    };
    Ok(IdePlace { controller, disk })
}

/// Puts disks on the bus; one without a target gets the number of its place in the list. Returns the
/// controllers of the IDE disks.
pub(crate) fn attach(controller: &Controller, specs: &[DiskSpec]) -> Result<Vec<Arc<Controller>>> {
    let mut ide = Vec::new();
    for (spec, number) in specs.iter().zip(0..) {
        match spec.ide {
            Some(place) => ide.push(ide_disk(spec, place)?),
            None => attach_one(controller, spec, spec.target.unwrap_or(number))?,
        }
    }
    Ok(ide)
}

fn attach_one(controller: &Controller, spec: &DiskSpec, target: u8) -> Result<()> {
    let lun = spec.lun;
    let name = format!("disk-{target}-{lun}");
    let added = if spec.dvd {
        controller.add_disk(target, lun, Arc::new(spec.drive(&name)?))
    } else {
        controller.add_disk(target, lun, spec.open(&name)?)
    };
    added.with_context(|| format!("disk at target {target}, lun {lun}"))?;
    Ok(())
}

fn ide_disk(spec: &DiskSpec, place: IdePlace) -> Result<Arc<Controller>> {
    let controller = Controller::new(ControllerConfig::ide(place));
    let name = format!("ide-{}-{}", place.controller, place.disk);
    controller.add_disk(place.disk, 0, spec.open(&name)?)?;
    Ok(controller)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specs() {
        let file = |path: &str| Source::File(path.into());
        let spec = |source, target, lun, read_only| {
            Ok(DiskSpec {
                source,
                target,
                lun,
                read_only,
                dvd: false,
                ide: None,
            })
        };
        assert_eq!("a.img".parse(), spec(file("a.img"), None, 0, false));
        assert_eq!("/a=b,ro".parse(), spec(file("/a=b"), None, 0, true));
        assert_eq!(
            "a,target=3,lun=7".parse(),
            spec(file("a"), Some(3), 7, false)
        );
        assert_eq!(
            "mem:1M,lun=1".parse(),
            spec(Source::Memory(1 << 20), None, 1, false)
        );
        let dvd: DiskSpec = "none,dvd,lun=1".parse().unwrap();
        assert!(dvd.dvd && dvd.source == Source::Nothing && dvd.lun == 1);
        let ide: DiskSpec = "a,ide=1:0".parse().unwrap();
        let place = IdePlace {
            controller: 1,
            disk: 0,
        };
        assert_eq!(ide.ide, Some(place));
        for bad in [
            "none",
            "a,ide=2:0",
            "a,ide=0:0,lun=1",
            "a,ide=0:0,dvd",
            "",
            ",ro",
            "mem:",
            "mem:x",
            "a,lun",
            "a,lun=256",
            "a,rw",
            "a,target=",
        ] {
            assert!(bad.parse::<DiskSpec>().is_err(), "{bad}");
        }
    }
}
