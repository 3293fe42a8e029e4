// SPDX-License-Identifier: GPL-2.0

//! Trace events, as `trace.h` defines them. One that nobody listens to costs an instruction that
//! does nothing.

use crate::{
    net::Device,
    wire::{
        nvsp::{
            MessageType,
            RndisPacket, //
        },
        rndis::Header,
    },
};
use vmbus::bindings;

/// Whether somebody listens to an event.
#[cfg(CONFIG_TRACEPOINTS)]
macro_rules! is_wanted {
    ($event:path) => {
        // SAFETY: The event is a static of this module, and the assembly is a jump that the kernel
        // switches on and off by the event's key.
        unsafe {
            kernel::jump_label::static_branch_unlikely!($event, kernel::bindings::tracepoint, key)
        }
    };
}

/// Nobody does in a kernel without tracepoints.
#[cfg(not(CONFIG_TRACEPOINTS))]
macro_rules! is_wanted {
    ($event:path) => {
        false
    };
}

/// An RNDIS request of ours.
#[inline]
pub(crate) fn rndis_send(device: &Device, id: u32, header: &Header) {
    if is_wanted!(bindings::__tracepoint_rndis_send) {
        // SAFETY: The device is valid.
        unsafe {
            bindings::hv_rust_netvsc_trace_rndis_send(
                device.as_raw(),
                0,
                id,
                header.kind.0,
                header.len,
            )
        };
    }
}

/// An RNDIS message of the host.
#[inline]
pub(crate) fn rndis_recv(device: &Device, queue: u16, id: u32, header: Header) {
    if is_wanted!(bindings::__tracepoint_rndis_recv) {
        // SAFETY: The device is valid.
        unsafe {
            bindings::hv_rust_netvsc_trace_rndis_recv(
                device.as_raw(),
                queue,
                id,
                header.kind.0,
                header.len,
            )
        };
    }
}

/// A message of ours about the device.
#[inline]
pub(crate) fn nvsp_send(device: &Device, kind: MessageType) {
    if is_wanted!(bindings::__tracepoint_nvsp_send) {
        // SAFETY: The device is valid.
        unsafe { bindings::hv_rust_netvsc_trace_nvsp_send(device.as_raw(), kind.0) };
    }
}

/// A message of ours that carries RNDIS messages.
#[inline]
pub(crate) fn nvsp_send_packet(device: &Device, queue: u16, packet: &RndisPacket) {
    if is_wanted!(bindings::__tracepoint_nvsp_send_pkt) {
        // SAFETY: The device is valid.
        unsafe {
            bindings::hv_rust_netvsc_trace_nvsp_send_pkt(
                device.as_raw(),
                queue,
                packet.channel,
                packet.section,
                packet.section_len,
            )
        };
    }
}

/// A message of the host, whatever it is about; `payload` begins with its kind.
#[inline]
pub(crate) fn nvsp_recv(device: &Device, queue: u16, payload: &[u8]) {
    if is_wanted!(bindings::__tracepoint_nvsp_recv) {
        let kind = payload.first_chunk().copied().map_or(0, u32::from_le_bytes);
        // SAFETY: The device is valid.
        unsafe { bindings::hv_rust_netvsc_trace_nvsp_recv(device.as_raw(), queue, kind) };
    }
}
