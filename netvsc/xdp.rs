// SPDX-License-Identifier: GPL-2.0

//! XDP: programs that see frames before the stack does.

use super::{
    adapter::Adapter,
    net::rtnl::Held, //
};

impl Adapter {
    /// Whether a program sees frames.
    pub(crate) fn has_xdp(&self, _held: Held<'_>) -> bool {
        false
    }
}
