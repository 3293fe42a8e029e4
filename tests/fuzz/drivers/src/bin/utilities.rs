// SPDX-License-Identifier: GPL-2.0

//! The utility services: what the host asks, and what daemons answer.

#![no_main]

use fuzz_drivers::Input;
use libfuzzer_sys::fuzz_target;
use wire::{
    heartbeat,
    kvp::{self, Daemon},
    shutdown, timesync, vss, Message, Support, Version,
};

#[expect(dead_code, unused_imports, reason = "what is sent is not of interest")]
#[path = "../../../../../hv_util/wire/mod.rs"]
mod wire;

const SUPPORT: Support = Support {
    frameworks: &[Support::FRAMEWORK, Support::FRAMEWORK_2008],
    services: &[Version::new(5, 0), Version::new(4, 0), Version::new(1, 0)],
};

fuzz_target!(|bytes: &[u8]| {
    let mut input = Input::new(bytes);
    let (what, now, guest) = (input.byte(), input.long(), input.long() as i64);
    let answer = input.take(usize::from(what) * 40);
    let mut packet = input.rest().to_vec();
    let Ok(mut message) = Message::parse(&mut packet) else {
        return;
    };
    match what % 6 {
        0 => {
            SUPPORT.negotiate(&mut message);
        }
        1 => time(message.body, now, guest),
        2 => {
            let _ = shutdown::Request::parse(message.body);
            let _ = heartbeat::count_up(message.body);
        }
        3 => {
            let _ = vss::Request::parse(message.body);
            let _ = vss::operation(answer);
            vss::answer(answer, message.body);
        }
        4 => {
            let mut out = vec![0; kvp::MESSAGE_BYTES];
            let _ = kvp::question(message.body, &mut out);
            let _ = Daemon::parse(answer);
        }
        _ => {
            let mut long = answer.to_vec();
            long.resize(kvp::MESSAGE_BYTES, what);
            kvp::answer(Daemon::Current, &long, message.body);
            kvp::answer(Daemon::Current, answer, message.body);
        }
    }
    message.make_answer();
});

fn time(body: &[u8], now: u64, guest: i64) {
    for version in [None, Some(Version::new(4, 0)), Some(Version::new(1, 0))] {
        if let Ok(report) = timesync::Report::parse(version, body) {
            let sample = report.sample(now);
            let _ = sample.at(now.wrapping_add(1));
            sample.is_far_ahead_of(guest);
        }
    }
}
