// SPDX-License-Identifier: GPL-2.0

//! What the tests of the drivers have in common: a host that is a part of the test.

pub use crate::{
    channel::testing::{
        Open,
        Received, //
    },
    connection::testing::{
        Bench,
        Mood, //
    }, //
};
