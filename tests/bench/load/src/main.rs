// SPDX-License-Identifier: GPL-2.0

//! Does operations one after the other, between the marks that the counting plugin looks for.
//!
//! Each load is done a few times before the counting starts, so that nothing is done for the first
//! time while it is on. What is printed is how long it took, in nanoseconds.

mod disk;
mod marker;
mod net;

use std::io;
use std::process::ExitCode;
use std::time::Instant;

const USAGE: &str = "usage: bench-load NUMBER COUNT LOAD
NUMBER is what the result is called; COUNT is the number of operations; LOAD is one of
  idle                                nothing, COUNT milliseconds
  read|write DEVICE BYTES [scattered] at random places; the buffer is contiguous, or of single pages
  udp ADDRESS PORT BYTES              a datagram at a time
  burst ADDRESS PORT BYTES PACKETS    as many datagrams with one call; COUNT is that of the calls
  ping ADDRESS                        requests, each with its reply
  request ADDRESS PORT BYTES          datagrams, each with its echo
  receive ADDRESS PORT BYTES PACKETS  datagrams for the asking, as many at once
  drop ADDRESS PORT BYTES PACKETS     the same, but an XDP program drops them
  exchange ADDRESS PORT BYTES WANTED  bytes into a TCP connection, and as many as wanted back";

/// What is done over and over.
type Operation = Box<dyn FnMut() -> io::Result<()>>;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let Some((number, count, load)) = arguments(&args) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match operation(load).and_then(|operation| run(number, count, operation)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench-load: {error}");
            ExitCode::FAILURE
        }
    }
}

fn arguments<'a>(args: &'a [&'a str]) -> Option<(u64, u32, &'a [&'a str])> {
    let [number, count, load @ ..] = args else {
        return None;
    };
    Some((number.parse().ok()?, count.parse().ok()?, load))
}

fn operation(load: &[&str]) -> io::Result<Operation> {
    match load {
        ["idle"] => Ok(Box::new(|| {
            std::thread::sleep(std::time::Duration::from_millis(1));
            Ok(())
        })),
        [way @ ("read" | "write"), device, bytes, kind @ ..] => {
            disk::operation(*way == "write", device, number(bytes)?, kind.is_empty())
        }
        ["udp", address, port, bytes] => net::send(address, port, number(bytes)?),
        ["burst", address, port, bytes, packets] => {
            net::burst(address, port, number(bytes)?, number(packets)?)
        }
        ["ping", address] => net::ping(address),
        ["request", address, port, bytes] => net::request(address, port, number(bytes)?),
        ["receive", address, port, bytes, packets] => {
            net::receive(address, port, number(bytes)?, number(packets)?)
        }
        ["drop", address, port, bytes, packets] => {
            net::dropped(address, port, number(bytes)?, number(packets)?)
        }
        ["exchange", address, port, bytes, wanted] => {
            net::exchange(address, port, number(bytes)?, number(wanted)?)
        }
        _ => Err(io::Error::new(io::ErrorKind::InvalidInput, USAGE)),
    }
}

fn number(text: &str) -> io::Result<usize> {
    text.parse()
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, format!("{text}: no number")))
}

fn run(number: u64, count: u32, mut operation: Operation) -> io::Result<()> {
    for _ in 0..count.min(64) {
        operation()?;
    }
    marker::start();
    let start = Instant::now();
    let result = (0..count).try_for_each(|_| operation());
    let elapsed = start.elapsed();
    marker::stop(number);
    println!("{}", elapsed.as_nanos());
    result
}
