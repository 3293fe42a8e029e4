// SPDX-License-Identifier: GPL-2.0

//! What is measured. Loads are sized by operations, because the machine may be an emulated one.

/// A load.
pub struct Load {
    /// What it is called.
    pub name: &'static str,
    /// What the guest's program is told.
    pub command: &'static str,
    /// How often that is done.
    pub calls: u32,
    /// How many operations that is each time.
    pub operations: u32,
}

const fn load(name: &'static str, command: &'static str, calls: u32, operations: u32) -> Load {
    Load {
        name,
        command,
        calls,
        operations,
    }
}

/// Loads that take as many packets with every driver: what both sides send and when does not depend
/// on how fast either is.
pub const LOADS: [Load; 16] = [
    load("disk: read 4 KiB", "read /dev/sda 4096", 400, 1),
    load("disk: write 4 KiB", "write /dev/sda 4096", 400, 1),
    load("disk: read 1 MiB", "read /dev/sda 1048576", 40, 1),
    load(
        "disk: read 1 MiB, scattered pages",
        "read /dev/sda 1048576 scattered",
        40,
        1,
    ),
    load(
        "net: UDP 64 bytes, one at a time",
        "udp 10.0.0.1 9 64",
        400,
        1,
    ),
    load(
        "net: UDP 64 bytes, 16 at once",
        "burst 10.0.0.1 9 64 16",
        100,
        16,
    ),
    load(
        "net: UDP 1400 bytes, 16 at once",
        "burst 10.0.0.1 9 1400 16",
        100,
        16,
    ),
    load("net: ping", "ping 10.0.0.1", 400, 1),
    load(
        "net: UDP request and answer",
        "request 10.0.0.1 7 64",
        400,
        1,
    ),
    load(
        "net: UDP receive 64 bytes, 16 at once",
        "receive 10.0.0.1 20 64 16",
        100,
        16,
    ),
    load(
        "net: UDP receive 1400 bytes, 16 at once",
        "receive 10.0.0.1 20 1400 16",
        100,
        16,
    ),
    load(
        "net: XDP drop 64 bytes, 16 at once",
        "drop 10.0.0.1 20 64 16",
        100,
        16,
    ),
    load(
        "net: TCP request and answer",
        "exchange 10.0.0.1 20 64 64",
        400,
        1,
    ),
    load(
        "net: TCP receive, 16 segments at once",
        "exchange 10.0.0.1 20 64 23360",
        100,
        16,
    ),
    load(
        "net: TCP receive, 16 segments joined",
        "exchange 10.0.0.1 20 64 23360",
        100,
        16,
    ),
    load(
        "net: TCP send, 16 segments at once",
        "exchange 10.0.0.1 20 23360 64",
        100,
        16,
    ),
];

impl Load {
    /// Whether the card may join segments, which is tried out by itself.
    pub fn may_join(&self) -> bool {
        self.name.ends_with("joined")
    }

    /// Whether an XDP program drops what is received.
    pub fn drops(&self) -> bool {
        self.name.starts_with("net: XDP")
    }

    /// How many operations are done, with those before the counting starts.
    pub fn all_operations(&self) -> u32 {
        (self.calls + self.calls.min(64)) * self.operations
    }
}
