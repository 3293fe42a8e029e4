// SPDX-License-Identifier: GPL-2.0

//! The files of a channel, `/sys/bus/vmbus/devices/<instance>/channels/<relid>/`.
//!
//! Order, names and formats are those of `drivers/hv/vmbus_drv.c`.

use super::{
    attribute::attributes,
    kobject::ChannelObject, //
};
use crate::channel::{
    Channel,
    Direction::{
        Incoming,
        Outgoing, //
    }, //
};
use kernel::prelude::*;

attributes! {
    /// The files.
    pub(super) static GROUPS: ChannelObject = {
        out_mask => |channel| channel.ring_debug(Outgoing)?.interrupt_mask;
        in_mask => |channel| channel.ring_debug(Incoming)?.interrupt_mask;
        read_avail => |channel| channel.ring_debug(Incoming)?.bytes_to_read;
        write_avail => |channel| channel.ring_debug(Outgoing)?.bytes_to_write;
        cpu store set_cpu => |channel| channel.target_cpu();
        pending if is_monitored => |channel| signed(channel.monitor_pending(Outgoing));
        latency if is_monitored => |channel| channel.monitor_latency(Outgoing);
        interrupts => |channel| channel.stats().interrupts.get();
        events => |channel| channel.stats().sig_events.get();
        intr_in_full => |channel| channel.stats().intr_in_full.get();
        intr_out_empty => |channel| channel.stats().intr_out_empty.get();
        out_full_first => |channel| channel.stats().out_full_first.get();
        out_full_total => |channel| channel.stats().out_full_total.get();
        monitor_id if is_monitored => |channel| monitor_id(channel)?;
        subchannel_id => |channel| channel.subchannel_index();
    }
}

/// Whether the guest signals through the monitor page: only then there are files about that.
pub(super) fn is_monitored(channel: &Channel) -> bool {
    channel.monitor_id().is_some()
}

/// The trigger in the monitor page.
pub(super) fn monitor_id(channel: &Channel) -> Result<u8> {
    channel.monitor_id().ok_or(EINVAL)
}

/// The number that `%d` makes of an unsigned one.
pub(super) fn signed(value: u32) -> i32 {
    i32::from_ne_bytes(value.to_ne_bytes())
}

/// Moves the interrupts of the channel to another CPU.
fn set_cpu(channel: &Channel, text: &[u8]) -> Result {
    channel.set_target_cpu(leading_number(text)?)
}

/// The decimal number that the text begins with, blanks aside; what follows does not count.
///
/// # Errors
///
/// `EIO` where there is no number, as for what `sscanf()` does not take. `EINVAL` for a number that
/// no CPU can have.
fn leading_number(text: &[u8]) -> Result<u32> {
    let digits = text.trim_ascii_start();
    let mut digits = digits
        .iter()
        .take_while(|digit| digit.is_ascii_digit())
        .peekable();
    digits.peek().ok_or(EIO)?;
    digits.try_fold(0u32, |number, digit| {
        let number = number.checked_mul(10).ok_or(EINVAL)?;
        number.checked_add(u32::from(digit - b'0')).ok_or(EINVAL)
    })
}
