// SPDX-License-Identifier: GPL-2.0

//! The argument of `--disk`.

use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Context as _, Result};
use vmbus_host::scsi::{Controller, Disk};

use super::size;

/// A disk and its place on the bus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DiskSpec {
    source: Source,
    target: Option<u8>,
    lun: u8,
    read_only: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    File(PathBuf),
    Memory(u64),
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
        };
        for option in options.split(',').filter(|option| !option.is_empty()) {
            spec.set(option)?;
        }
        Ok(spec)
    }
}

impl Source {
    fn parse(text: &str) -> Result<Self, String> {
        match text.strip_prefix("mem:") {
            Some(size) => size::parse(size).map(Self::Memory),
            None if text.is_empty() => Err("a disk needs a path or mem:SIZE".to_owned()),
            None => Ok(Self::File(text.into())),
        }
    }

    fn open(&self, read_only: bool) -> Result<Disk> {
        let disk = match self {
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
            None if option == "ro" => self.read_only = true,
            _ => return Err(format!("'{option}' is not one of target=N, lun=N, ro")),
        }
        Ok(())
    }
}

/// Puts disks on the bus; one without a target gets the number of its place in the list.
pub(crate) fn attach(controller: &Controller, specs: &[DiskSpec]) -> Result<()> {
    for (spec, place) in specs.iter().zip(0..) {
        let (target, lun) = (spec.target.unwrap_or(place), spec.lun);
        let disk = spec
            .source
            .open(spec.read_only)?
            .with_serial(&format!("disk-{target}-{lun}"));
        controller
            .add_disk(target, lun, disk)
            .with_context(|| format!("disk at target {target}, lun {lun}"))?;
    }
    Ok(())
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
        for bad in [
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
