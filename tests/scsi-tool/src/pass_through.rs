// SPDX-License-Identifier: GPL-2.0

//! SCSI commands of the user's making: SG_IO (<scsi/sg.h>).

use std::fmt::Write as _;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

const SG_IO: u64 = 0x2285;
const SG_DXFER_NONE: libc::c_int = -1;
const SG_DXFER_FROM_DEV: libc::c_int = -3;

/// In milliseconds.
const TIMEOUT: u32 = 60_000;

/// How much of the data is printed.
const SHOWN: usize = 32;

/// `struct sg_io_hdr`.
#[repr(C)]
struct Header {
    interface_id: libc::c_int,
    dxfer_direction: libc::c_int,
    cmd_len: u8,
    mx_sb_len: u8,
    iovec_count: u16,
    dxfer_len: u32,
    dxferp: *mut u8,
    cmdp: *const u8,
    sbp: *mut u8,
    timeout: u32,
    flags: u32,
    pack_id: libc::c_int,
    usr_ptr: *mut libc::c_void,
    status: u8,
    masked_status: u8,
    msg_status: u8,
    sb_len_wr: u8,
    host_status: u16,
    driver_status: u16,
    resid: libc::c_int,
    duration: u32,
    info: u32,
}

const _: () = assert!(size_of::<Header>() == 88);

/// Runs a command and prints how it ended.
///
/// # Errors
///
/// Arguments that make no sense, and those of the system call; a command that fails is none.
pub fn run(file: &File, direction: &str, length: &str, cdb: &[&str]) -> io::Result<()> {
    let invalid = |what: &str| io::Error::new(io::ErrorKind::InvalidInput, what.to_owned());
    let dxfer_direction = match direction {
        "in" => SG_DXFER_FROM_DEV,
        "none" => SG_DXFER_NONE,
        _ => return Err(invalid("the direction is in or none")),
    };
    let length: usize = length.parse().map_err(|_| invalid("bad length"))?;
    let cdb: Vec<u8> = cdb
        .iter()
        .map(|byte| u8::from_str_radix(byte, 16))
        .collect::<Result<_, _>>()
        .map_err(|_| invalid("bad command byte"))?;
    let mut data = vec![0; length];
    let mut sense = [0; 32];
    let mut header = Header {
        interface_id: libc::c_int::from(b'S'),
        dxfer_direction,
        cmd_len: u8::try_from(cdb.len()).map_err(|_| invalid("the command is too long"))?,
        mx_sb_len: sense.len() as u8,
        iovec_count: 0,
        dxfer_len: u32::try_from(length).map_err(|_| invalid("too much data"))?,
        dxferp: data.as_mut_ptr(),
        cmdp: cdb.as_ptr(),
        sbp: sense.as_mut_ptr(),
        timeout: TIMEOUT,
        flags: 0,
        pack_id: 0,
        usr_ptr: std::ptr::null_mut(),
        status: 0,
        masked_status: 0,
        msg_status: 0,
        sb_len_wr: 0,
        host_status: 0,
        driver_status: 0,
        resid: 0,
        duration: 0,
        info: 0,
    };
    // SAFETY: the header's pointers are those of `data`, `cdb` and `sense` with their lengths, all
    // of which outlive the call.
    super::result(unsafe { libc::ioctl(file.as_raw_fd(), SG_IO, &raw mut header) })?;
    let sense = &sense[..usize::from(header.sb_len_wr).min(sense.len())];
    let shown = data.len().min(SHOWN);
    println!(
        "status={:#x} host={:#x} resid={} sense={} data={}",
        header.status,
        header.host_status,
        header.resid,
        hexadecimal(sense),
        hexadecimal(&data[..shown])
    );
    Ok(())
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
