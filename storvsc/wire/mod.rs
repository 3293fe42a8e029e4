// SPDX-License-Identifier: GPL-2.0

//! The storage protocol ("VSTOR") between a guest and the storage provider of a Hyper-V host.
//!
//! Every message of either side is one 64-byte packet: a [`Header`] and a payload of 52 bytes whose
//! meaning the operation decides. A guest's request asks for a completion, and the host sends the
//! packet back as [`Operation::COMPLETE_IO`] with the same transaction id. Notifications of the
//! host carry the transaction id 0 and may be as short as the operation.
//!
//! Nothing in here knows the kernel; the same files are compiled into ordinary test programs.
//! The layouts and numbers are those of the C driver, `drivers/scsi/storvsc_drv.c`.

mod outcome;
mod packet;
mod sense;
mod setup;
mod srb;

pub(crate) use outcome::{
    Event,
    HostStatus,
    Outcome,
    Reply, //
};
pub(crate) use packet::{
    Operation,
    Packet,
    INIT_TRANSACTION,
    PACKET_BYTES,
    RESET_TRANSACTION,
    UNSOLICITED_TRANSACTION, //
};
pub(crate) use sense::Sense;
pub(crate) use setup::{
    ChannelProperties,
    ProtocolVersion, //
};
pub(crate) use srb::{
    DataIn,
    Srb,
    SrbFlags,
    SrbStatus,
    MAX_CDB_BYTES,
    SENSE_BYTES, //
};
