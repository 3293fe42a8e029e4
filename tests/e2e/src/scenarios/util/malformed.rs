// SPDX-License-Identifier: GPL-2.0

//! A host that sends nonsense. Each message costs at most its own answer, and the services go on.

use anyhow::{Context as _, Result};
use vmbus_host::ic::kvp::message::{self, Operation};
use vmbus_host::ic::kvp::{IpInfo, Pool, Value};
use vmbus_host::ic::wire::{HEADERS, kind};
use vmbus_host::ic::{Link, heartbeat, shutdown, timesync, vss};
use vmbus_host::vmbus::device::Device as _;

use super::{SOON, Util, drained, same};
use crate::machine::{Driver, Lab};

/// Every length is tried up to here, and some beyond.
const DENSE: usize = HEADERS + 100;
const STRIDE: usize = 97;

/// Where fields are in a payload.
const PIPE_SIZE: usize = 4;
const KIND: usize = 12;
const SIZE: usize = 18;
const FLAGS: usize = 25;
const BODY: usize = HEADERS;

/// Messages cut off anywhere, sizes and counts that contradict them, kinds that do not exist.
pub fn malformed(lab: &Lab) -> Result<()> {
    let mut util = Util::boot_served(lab)?;
    util.sh("dmesg -n 4")?;
    for (link, bodies) in services(&util) {
        // A negotiation first: what comes of it changes nothing for the others.
        let negotiation = [3, 0, 4, 0, 0, 0, 0, 0]
            .into_iter()
            .chain([0; 28])
            .collect();
        try_all(&link, kind::NEGOTIATE, negotiation)?;
        negotiations(&link)?;
        for body in bodies {
            try_all(&link, link.kind(), body)?;
        }
        put(&link, oversized(&link, lab.driver))?;
        for unknown in [1, 2, 3, 4, 5, 6, 7, 8, 0x100, 0xffff] {
            if unknown != link.kind() {
                put(&link, link.draft(unknown, &[0; 64]))?;
            }
        }
    }
    strange_values(util.services.kvp.link(), lab.driver)?;
    works(&util)?;
    util.end()
}

/// The services and messages to be spoilt. None of them makes the guest end.
pub(super) fn services(util: &Util) -> Vec<(std::sync::Arc<Link>, Vec<Vec<u8>>)> {
    let services = &util.services;
    let now = std::time::SystemTime::now();
    let version = services
        .timesync
        .link()
        .agreed()
        .map_or(vmbus_host::ic::wire::Version::new(4, 0), |it| it.message);
    let text = Value::Text("value".to_owned());
    let exchange = |operation| message::exchange(operation, Pool::Guest, 0, "key", &text);
    let info = IpInfo {
        adapter: "{none}".to_owned(),
        ..IpInfo::default()
    };
    vec![
        (services.shutdown.link().clone(), vec![shutdown::body(99)]),
        (services.heartbeat.link().clone(), vec![heartbeat::body(1)]),
        (
            services.timesync.link().clone(),
            vec![timesync::body(version, now, 0, timesync::SAMPLE)],
        ),
        (
            services.vss.link().clone(),
            vec![vss::body(vss::Operation::HotBackup as u8)],
        ),
        (
            services.kvp.link().clone(),
            vec![
                exchange(Operation::Set),
                exchange(Operation::Get),
                exchange(Operation::Enumerate),
                message::delete(Pool::Guest, "key"),
                info.encode(Operation::GetIpInfo),
                info.encode(Operation::SetIpInfo),
            ],
        ),
    ]
}

/// Sends a payload and waits until the guest has taken it.
fn put(link: &Link, payload: Vec<u8>) -> Result<()> {
    let _ = link.inject(&payload)?;
    drained(link, "a wrong message").with_context(|| {
        format!(
            "service {}, {} bytes: {:02x?}",
            link.kind(),
            payload.len(),
            &payload[..payload.len().min(64)]
        )
    })
}

/// What is done to whole messages.
const CHANGES: [fn(&mut Vec<u8>); 9] = [
    |payload| payload[PIPE_SIZE..PIPE_SIZE + 4].fill(0),
    |payload| payload[PIPE_SIZE..PIPE_SIZE + 4].fill(0xff),
    |payload| payload[..4].fill(0xff),
    |payload| payload[SIZE..SIZE + 2].fill(0),
    |payload| payload[SIZE..SIZE + 2].fill(0xff),
    |payload| payload[FLAGS] = 0,
    |payload| payload[FLAGS..FLAGS + 3].fill(0xff),
    |payload| payload[8..KIND].fill(0xff),
    |payload| payload[14..SIZE].fill(0xff),
];

fn try_all(link: &Link, kind: u16, body: Vec<u8>) -> Result<()> {
    let whole = link.draft(kind, &body);
    let dense = DENSE.min(whole.len());
    for length in (0..dense).chain((dense..whole.len()).step_by(STRIDE)) {
        put(link, whole[..length].to_vec())?;
    }
    for change in CHANGES {
        let mut payload = whole.clone();
        change(&mut payload);
        put(link, payload)?;
    }
    Ok(())
}

/// A message with much more behind it than belongs to it. The C driver's buffers have a page, and it does
/// not get past a packet that does not fit.
fn oversized(link: &Link, driver: Driver) -> Vec<u8> {
    let length = match (driver, link.kind()) {
        (Driver::C, kind::SHUTDOWN | kind::HEARTBEAT | kind::TIME_SYNC) => 4000,
        _ => 8000,
    };
    let mut payload = link.draft(77, &[]);
    payload.resize(length, 0xee);
    payload
}

/// Counts of versions that are not there.
fn negotiations(link: &Link) -> Result<()> {
    for (frameworks, messages) in [
        (0, 0),
        (0, 3),
        (3, 0),
        (100, 100),
        (101, 1),
        (1, 101),
        (0xffff, 0xffff),
        (0xffff, 1),
    ] {
        for length in [0, 4, 8, 12, 40, 408, 812, 3000] {
            let mut body = vec![0; 8 + length];
            body[..2].copy_from_slice(&u16::to_le_bytes(frameworks));
            body[2..4].copy_from_slice(&u16::to_le_bytes(messages));
            put(link, link.draft(kind::NEGOTIATE, &body))?;
        }
    }
    Ok(())
}

/// KVP's own sizes, types and text.
fn strange_values(link: &Link, driver: Driver) -> Result<()> {
    let text = Value::Text("value".to_owned());
    let whole = |operation| {
        let body = message::exchange(operation, Pool::Guest, 0, "key", &text);
        link.draft(kind::KVP_EXCHANGE, &body)
    };
    let word = |payload: &mut Vec<u8>, at: usize, value: u32| {
        payload[at..at + 4].copy_from_slice(&value.to_le_bytes());
    };
    for operation in [Operation::Set, Operation::Get, Operation::Delete] {
        for field in [BODY + 4, BODY + 8, BODY + 12] {
            for value in [0, 1, 3, 511, 512, 513, 2049, 0x7fff_ffff, u32::MAX] {
                let mut payload = whole(operation);
                word(&mut payload, field, value);
                put(link, payload)?;
            }
        }
    }
    for unit in [[0xff, 0xff], [0, 0xd8], [0, 0xdc], [0x61, 0]] {
        let mut payload = whole(Operation::Set);
        word(&mut payload, BODY + 8, u32::MAX);
        word(&mut payload, BODY + 12, u32::MAX);
        for at in (BODY + 16..payload.len() - 1).step_by(2) {
            payload[at..at + 2].copy_from_slice(&unit);
        }
        put(link, payload)?;
    }
    for index in [11, 0x7fff_ffff, u32::MAX] {
        let mut payload = whole(Operation::Enumerate);
        word(&mut payload, BODY + 4, index);
        put(link, payload)?;
    }
    for operation in [6, 7, 50, 255] {
        let mut payload = whole(Operation::Set);
        payload[BODY] = operation;
        put(link, payload)?;
    }
    // The C driver hands pools on as they come, and the daemon believes them.
    if driver == Driver::Rust {
        for pool in [5, 6, 255] {
            let mut payload = whole(Operation::Enumerate);
            payload[BODY + 1] = pool;
            put(link, payload)?;
        }
    }
    Ok(())
}

/// Each service does what it is for, and the guest's answers were right ones.
pub(super) fn works(util: &Util) -> Result<()> {
    let services = util.services.clone();
    services.heartbeat.beat(SOON)?;
    services
        .timesync
        .sample(std::time::SystemTime::now(), SOON)?;
    services.vss.hot_backup(SOON)?;
    same(
        "KVP's entries",
        services.kvp.list(Pool::Auto, SOON)?.len(),
        10,
    )?;
    let refused = services.shutdown.request_flags(99, SOON);
    same("an unknown request", refused.is_err(), true)?;
    for link in services.links() {
        same("violations", link.violations(), Vec::new())?;
    }
    Ok(())
}
