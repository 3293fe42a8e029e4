// SPDX-License-Identifier: GPL-2.0

//! What a guest's shell cannot do to a disk: system calls on its device node.
//!
//! The numbers are those of the kernel's <linux/hdreg.h>, <linux/cdrom.h> and <scsi/sg.h>.

mod pass_through;

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::process::ExitCode;

const USAGE: &str = "usage: scsi-tool geometry DEVICE       heads, sectors and cylinders
       scsi-tool reset DEVICE          resets the host adapter
       scsi-tool eject DEVICE          opens the tray
       scsi-tool command DEVICE in|none LENGTH BYTE...
                                       runs a SCSI command, bytes in hexadecimal; prints its
                                       statuses, residual, sense, and the first bytes of the data";

const HDIO_GETGEO: u64 = 0x0301;
const SG_SCSI_RESET: u64 = 0x2284;
const SG_SCSI_RESET_HOST: libc::c_int = 3;
const CDROMEJECT: u64 = 0x5309;

/// `struct hd_geometry`.
#[derive(Default)]
#[repr(C)]
struct Geometry {
    heads: u8,
    sectors: u8,
    cylinders: u16,
    start: libc::c_ulong,
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match args.as_slice() {
        ["geometry", device] => open(device).and_then(|file| geometry(&file)),
        ["reset", device] => open(device).and_then(|file| reset(&file)),
        ["eject", device] => open(device).and_then(|file| eject(&file)),
        ["command", device, direction, length, cdb @ ..] => {
            open(device).and_then(|file| pass_through::run(&file, direction, length, cdb))
        }
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("scsi-tool: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Opens a device that need not be ready.
fn open(path: &str) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)
}

fn result(code: libc::c_int) -> io::Result<()> {
    if code < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

fn geometry(file: &File) -> io::Result<()> {
    let mut geometry = Geometry::default();
    // SAFETY: the request writes one `hd_geometry`.
    result(unsafe { libc::ioctl(file.as_raw_fd(), HDIO_GETGEO, &raw mut geometry) })?;
    let Geometry {
        heads,
        sectors,
        cylinders,
        start: _,
    } = geometry;
    println!("{heads} {sectors} {cylinders}");
    Ok(())
}

fn reset(file: &File) -> io::Result<()> {
    let mut what = SG_SCSI_RESET_HOST;
    // SAFETY: the request reads one int.
    result(unsafe { libc::ioctl(file.as_raw_fd(), SG_SCSI_RESET, &raw mut what) })
}

fn eject(file: &File) -> io::Result<()> {
    // SAFETY: the request takes no argument.
    let code = unsafe { libc::ioctl(file.as_raw_fd(), CDROMEJECT, 0) };
    result(code)?;
    if code > 0 {
        // What the command ended with.
        return Err(io::Error::other(format!("refused: {code:#x}")));
    }
    Ok(())
}
