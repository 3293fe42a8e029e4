// SPDX-License-Identifier: GPL-2.0

//! The pure files of the rings.

#[path = "../../../vmbus/ring/index.rs"]
pub mod index;
#[path = "../../../vmbus/ring/layout.rs"]
pub mod layout;
#[path = "../../../vmbus/ring/reader.rs"]
pub mod reader;
#[path = "../../../vmbus/ring/requests.rs"]
pub mod requests;
#[path = "../../../vmbus/ring/shared.rs"]
pub mod shared;
#[path = "../../../vmbus/ring/writer.rs"]
pub mod writer;
