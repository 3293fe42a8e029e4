// SPDX-License-Identifier: GPL-2.0

//! The conversation with one guest: what it has negotiated and what it may ask for next.

use zerocopy::IntoBytes;
use zerocopy::little_endian::{U16, U32, U64};

use super::controller::ControllerConfig;
use super::protocol::{
    BODY_LEN, MULTI_CHANNEL, PROPERTIES_LEN, Properties, Version, operation, status,
};
use super::violation::Violation;

/// How far the conversation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed,
    Opened,
    Begun,
    Versioned(Version),
    Described(Version),
    Ready(Version),
}

/// What the controller has to do for the guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing.
    None,
    /// Offer this many sub-channels.
    OfferSubChannels(u16),
    /// End what is outstanding.
    ResetBus,
}

/// An answer to an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The NTSTATUS.
    pub status: u32,
    /// The body: the guest's own where the operation does not change it.
    pub body: [u8; BODY_LEN],
    /// What else to do, before the answer is sent.
    pub action: Action,
}

/// The conversation.
#[derive(Debug)]
pub struct Session {
    state: State,
    sub_channels: u16,
}

impl Session {
    /// No conversation.
    pub fn new() -> Self {
        Session {
            state: State::Closed,
            sub_channels: 0,
        }
    }

    /// The guest opened the primary channel.
    pub fn open(&mut self) {
        *self = Session {
            state: State::Opened,
            sub_channels: 0,
        };
    }

    /// The primary channel is gone.
    pub fn close(&mut self) {
        *self = Session::new();
    }

    /// The version in use, once requests may be made.
    pub fn ready(&self) -> Option<Version> {
        match self.state {
            State::Ready(version) => Some(version),
            _ => None,
        }
    }

    /// How many sub-channels the guest asked for.
    pub fn sub_channels(&self) -> u16 {
        self.sub_channels
    }

    /// Answers an operation that is not a request, on the primary channel.
    ///
    /// # Errors
    ///
    /// The status to answer with, and what the guest did wrong.
    pub fn control(
        &mut self,
        operation: u32,
        body: &[u8; BODY_LEN],
        config: &ControllerConfig,
    ) -> Result<Answer, (u32, Violation)> {
        let mut answer = Answer {
            status: status::SUCCESS,
            body: *body,
            action: Action::None,
        };
        match (operation, self.state) {
            (operation::BEGIN_INITIALIZATION, State::Opened) => self.state = State::Begun,
            (operation::QUERY_PROTOCOL_VERSION, State::Begun) => {
                let version = Version(u16::from_le_bytes([body[0], body[1]]));
                if config.versions.contains(&version) {
                    self.state = State::Versioned(version);
                } else {
                    answer.status = status::REVISION_MISMATCH;
                }
            }
            (operation::QUERY_PROPERTIES, State::Versioned(version)) => {
                answer.body[..PROPERTIES_LEN].copy_from_slice(properties(config).as_bytes());
                self.state = State::Described(version);
            }
            (operation::END_INITIALIZATION, State::Described(version)) => {
                self.state = State::Ready(version);
            }
            (operation::CREATE_SUB_CHANNELS, State::Ready(_)) => {
                answer.action = self.create_sub_channels(body, config)?;
            }
            (operation::RESET_BUS, State::Ready(_)) => answer.action = Action::ResetBus,
            (
                operation::BEGIN_INITIALIZATION
                | operation::QUERY_PROTOCOL_VERSION
                | operation::QUERY_PROPERTIES
                | operation::END_INITIALIZATION
                | operation::CREATE_SUB_CHANNELS
                | operation::RESET_BUS,
                _,
            ) => {
                return Err((
                    status::INVALID_DEVICE_STATE,
                    Violation::OutOfTurn(operation),
                ));
            }
            _ => {
                return Err((
                    status::INVALID_DEVICE_REQUEST,
                    Violation::Operation(operation),
                ));
            }
        }
        Ok(answer)
    }

    fn create_sub_channels(
        &mut self,
        body: &[u8; BODY_LEN],
        config: &ControllerConfig,
    ) -> Result<Action, (u32, Violation)> {
        let count = u16::from_le_bytes([body[0], body[1]]);
        if count == 0 || count > config.max_sub_channels || self.sub_channels != 0 {
            return Err((status::INVALID_PARAMETER, Violation::SubChannels(count)));
        }
        self.sub_channels = count;
        Ok(Action::OfferSubChannels(count))
    }
}

impl Default for Session {
    fn default() -> Self {
        Self::new()
    }
}

fn properties(config: &ControllerConfig) -> Properties {
    let multi_channel = config.max_sub_channels > 0;
    Properties {
        reserved: U32::new(0),
        max_channel_count: U16::new(config.max_sub_channels),
        reserved1: U16::new(0),
        flags: U32::new(if multi_channel { MULTI_CHANNEL } else { 0 }),
        max_transfer_bytes: U32::new(config.max_transfer_bytes),
        reserved2: U64::new(0),
    }
}
