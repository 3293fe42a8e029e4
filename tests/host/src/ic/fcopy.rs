// SPDX-License-Identifier: GPL-2.0

//! Copying of files to the guest. Linux has no driver for it any more: the device is for
//! `uio_hv_generic` and a daemon. Here it is offered, and nobody is expected to open it.

use std::sync::Arc;

use super::link::{Link, Versions};
use super::wire::{Version, guid, kind};

/// The class, 34d14be3-dee4-41c8-9ae7-6b174977c192.
const CLASS: [u8; 16] = guid(
    0x34d14be3,
    0xdee4,
    0x41c8,
    [0x9a, 0xe7, 0x6b, 0x17, 0x49, 0x77, 0xc1, 0x92],
);
/// The instance that every virtual machine has.
const INSTANCE: [u8; 16] = guid(
    0xeb765408,
    0x105f,
    0x49b6,
    [0xb4, 0xaa, 0xc1, 0x23, 0xb6, 0x4d, 0x17, 0xd4],
);

/// The service's channel.
pub fn link() -> Arc<Link> {
    let versions = [(1, 0), (1, 1)].map(|(a, b)| Version::new(a, b));
    Link::new(
        CLASS,
        INSTANCE,
        kind::FCOPY,
        Versions::with_messages(&versions),
    )
}
