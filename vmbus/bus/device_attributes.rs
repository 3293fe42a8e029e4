// SPDX-License-Identifier: GPL-2.0

//! The files of a device, `/sys/bus/vmbus/devices/<instance>/`.
//!
//! Order, names and formats are those of `drivers/hv/vmbus_drv.c`. Where that prints an unsigned
//! number as a signed one, so does [`signed`].

use super::{
    attribute::attributes,
    channel_attributes::{
        is_monitored,
        monitor_id,
        signed, //
    },
    device::{
        Device,
        VENDOR, //
    }, //
};
use crate::{
    channel::{
        Channel,
        Direction::{
            Incoming,
            Outgoing, //
        }, //
    },
    guid::Guid, //
};
use core::fmt;

attributes! {
    /// The files.
    pub(super) static GROUPS: Device = {
        id => |channel| channel.relid();
        // CAST: The numbers of the states are those of this file.
        state => |channel| channel.state() as u32;
        monitor_id if is_monitored => |channel| monitor_id(channel)?;
        class_id => |channel| Braces(channel.class());
        device_id => |channel| Braces(channel.instance());
        modalias => |channel| ModAlias(channel.class());
        #[cfg(CONFIG_NUMA)]
        numa_node => |channel| channel.numa_node();
        server_monitor_pending if is_monitored => |channel| signed(channel.monitor_pending(Incoming));
        client_monitor_pending if is_monitored => |channel| signed(channel.monitor_pending(Outgoing));
        server_monitor_latency if is_monitored => |channel| channel.monitor_latency(Incoming);
        client_monitor_latency if is_monitored => |channel| channel.monitor_latency(Outgoing);
        server_monitor_conn_id if is_monitored => |channel| channel.monitor_conn_id(Incoming);
        client_monitor_conn_id if is_monitored => |channel| channel.monitor_conn_id(Outgoing);
        out_intr_mask => |channel| signed(channel.ring_debug(Outgoing)?.interrupt_mask);
        out_read_index => |channel| channel.ring_debug(Outgoing)?.read_index;
        out_write_index => |channel| channel.ring_debug(Outgoing)?.write_index;
        out_read_bytes_avail => |channel| channel.ring_debug(Outgoing)?.bytes_to_read;
        out_write_bytes_avail => |channel| channel.ring_debug(Outgoing)?.bytes_to_write;
        in_intr_mask => |channel| signed(channel.ring_debug(Incoming)?.interrupt_mask);
        in_read_index => |channel| signed(channel.ring_debug(Incoming)?.read_index);
        in_write_index => |channel| signed(channel.ring_debug(Incoming)?.write_index);
        in_read_bytes_avail => |channel| channel.ring_debug(Incoming)?.bytes_to_read;
        in_write_bytes_avail => |channel| channel.ring_debug(Incoming)?.bytes_to_write;
        channel_vp_mapping => |channel| CpuMapping(channel);
        vendor => |_| format_args!("{VENDOR:#x}");
        device => |channel| format_args!("{:#x}", channel.device_type().index());
    }
}

/// A GUID in braces.
struct Braces(Guid);

impl fmt::Display for Braces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{}}}", self.0)
    }
}

/// What user space looks a class of devices up with to find the module of its driver.
struct ModAlias(Guid);

impl fmt::Display for ModAlias {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("vmbus:")?;
        let mut bytes = self.0.as_bytes().iter();
        bytes.try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The CPUs that the interrupts of a device's channels go to: the primary channel's first.
struct CpuMapping<'a>(&'a Channel);

impl fmt::Display for CpuMapping<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.0.relid(), self.0.target_cpu())?;
        let mut result = Ok(());
        self.0.for_each_subchannel(|channel| {
            result =
                result.and_then(|()| write!(f, "\n{}:{}", channel.relid(), channel.target_cpu()));
        });
        result
    }
}
