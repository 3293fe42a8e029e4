// SPDX-License-Identifier: GPL-2.0

//! RNDIS requests of the guest, and their answers.

use super::{
    rndis::{
        Header,
        MessageType,
        Status,
        HEADER_LEN, //
    },
    Fault, //
};
use zerocopy::{
    FromBytes,
    IntoBytes, //
};
use zerocopy_derive::{
    FromBytes,
    Immutable,
    IntoBytes,
    KnownLayout, //
};

/// The longest request: it has to fit into a page.
pub(crate) const MAX_REQUEST: usize = 4096;

/// The longest answer that is kept.
pub(crate) const MAX_ANSWER: usize = 4096;

open_enum! {
    /// What a request is about.
    pub(crate) struct Oid(u32) {
        /// The longest frame without its Ethernet header.
        MAXIMUM_FRAME_SIZE = 0x0001_0106,
        /// The speed of the link, in units of 100 bits a second.
        LINK_SPEED = 0x0001_0107,
        /// Which frames are received.
        CURRENT_PACKET_FILTER = 0x0001_010e,
        /// Whether the link is up: 0 if it is.
        MEDIA_CONNECT_STATUS = 0x0001_0114,
        /// How many queues the host can spread flows over.
        RECEIVE_SCALE_CAPABILITIES = 0x0001_0203,
        /// How it does.
        RECEIVE_SCALE_PARAMETERS = 0x0001_0204,
        /// What people call the device.
        FRIENDLY_NAME = 0x0002_0216,
        /// A parameter with a name.
        CONFIG_PARAMETER = 0x0001_021b,
        /// The address that the device was made with.
        PERMANENT_ADDRESS = 0x0101_0101,
        /// What the host does of what a network stack does.
        OFFLOAD_PARAMETERS = 0xfc01_020c,
        /// What it can do of that.
        OFFLOAD_CAPABILITIES = 0xfc01_020d,
    }
}

open_enum! {
    /// Which frames are received.
    pub(crate) struct Filter(u32) {
        /// None.
        NONE = 0,
        /// Those for the device's address.
        DIRECTED = 0x01,
        /// Those for any group.
        ALL_MULTICAST = 0x04,
        /// Those for all.
        BROADCAST = 0x08,
        /// All.
        PROMISCUOUS = 0x20,
    }
}

impl Filter {
    /// Both.
    pub(crate) const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// The first request.
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub(crate) struct Initialize {
    pub(crate) major: u32,
    pub(crate) minor: u32,
    pub(crate) max_transfer: u32,
}

impl Initialize {
    /// The version that everybody has.
    pub(crate) const V1_0: Self = Self {
        major: 1,
        minor: 0,
        max_transfer: 0x4000,
    };
}

/// What a question or a setting begins with, after the number of the request.
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub(crate) struct Target {
    pub(crate) oid: Oid,
    pub(crate) len: u32,
    pub(crate) offset: u32,
    handle: u32,
}

/// Where the value of a question or a setting is, counted from the number of the request.
const VALUE_OFFSET: usize = size_of::<u32>() + size_of::<Target>();

/// A request, in private memory.
pub(crate) struct Request<'a> {
    header: Header,
    bytes: &'a [u8],
}

impl<'a> Request<'a> {
    /// What it begins with.
    pub(crate) fn header(&self) -> Header {
        self.header
    }

    /// The whole message.
    pub(crate) fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }
}

/// Room for a request.
pub(crate) struct Writer<'a> {
    room: &'a mut [u8],
    id: u32,
}

impl<'a> Writer<'a> {
    /// Prepares request `id` in `room`.
    pub(crate) fn new(room: &'a mut [u8], id: u32) -> Self {
        Self { room, id }
    }

    /// The first request; [`None`] if there is no room.
    pub(crate) fn initialize(self) -> Option<Request<'a>> {
        self.write(MessageType::INITIALIZE, Initialize::V1_0.as_bytes(), &[])
    }

    /// The last request; [`None`] if there is no room.
    pub(crate) fn halt(self) -> Option<Request<'a>> {
        self.write(MessageType::HALT, &[], &[])
    }

    /// Asks for a value; `value` says in which form. [`None`] if there is no room.
    pub(crate) fn query(self, oid: Oid, value: &[u8]) -> Option<Request<'a>> {
        let target = Target::new(oid, value)?;
        self.write(MessageType::QUERY, target.as_bytes(), value)
    }

    /// Sets a value; [`None`] if there is no room.
    pub(crate) fn set(self, oid: Oid, value: &[u8]) -> Option<Request<'a>> {
        let target = Target::new(oid, value)?;
        self.write(MessageType::SET, target.as_bytes(), value)
    }

    fn write(self, kind: MessageType, fixed: &[u8], value: &[u8]) -> Option<Request<'a>> {
        let Self { room, id } = self;
        let len = HEADER_LEN + size_of::<u32>() + fixed.len() + value.len();
        let header = Header {
            kind,
            len: u32::try_from(len).ok()?,
        };
        let message = room.get_mut(..len)?;
        let rest = header.write_to_prefix(message).ok().map(|()| HEADER_LEN)?;
        let (number, rest) = message
            .get_mut(rest..)?
            .split_at_mut_checked(size_of::<u32>())?;
        number.copy_from_slice(&id.to_le_bytes());
        let (target, info) = rest.split_at_mut_checked(fixed.len())?;
        target.copy_from_slice(fixed);
        info.copy_from_slice(value);
        Some(Request {
            header,
            bytes: message,
        })
    }
}

impl Target {
    fn new(oid: Oid, value: &[u8]) -> Option<Self> {
        Some(Self {
            oid,
            len: u32::try_from(value.len()).ok()?,
            // CAST: A small constant.
            offset: VALUE_OFFSET as u32,
            handle: 0,
        })
    }
}

/// The number of the request that a message of the host answers.
///
/// # Errors
///
/// The message has none.
pub(crate) fn answered(message: &[u8]) -> Result<u32, Fault> {
    let body = message
        .get(HEADER_LEN..)
        .ok_or(Fault::Short(message.len()))?;
    match u32::read_from_prefix(body) {
        Ok((id, _)) => Ok(id),
        Err(_) => Err(Fault::Short(message.len())),
    }
}

/// What the answer to the first request says, after the number of the request.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub(crate) struct InitializeComplete {
    pub(crate) status: Status,
    pub(crate) major: u32,
    pub(crate) minor: u32,
    pub(crate) flags: u32,
    pub(crate) medium: u32,
    pub(crate) max_packets: u32,
    pub(crate) max_transfer: u32,
    pub(crate) alignment: u32,
    pub(crate) families_offset: u32,
    pub(crate) families_len: u32,
}

impl InitializeComplete {
    /// How many frames may be in one message.
    pub(crate) fn packets(&self) -> u32 {
        self.max_packets
    }

    /// A multiple of how many bytes all but the last of these are to be; [`None`] if the host asks
    /// for nonsense.
    pub(crate) fn alignment(&self) -> Option<usize> {
        const MOST: u32 = 12;

        (self.alignment <= MOST).then(|| 1 << self.alignment)
    }
}

/// What the answer to a question says, after the number of the request.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub(crate) struct QueryComplete {
    pub(crate) status: Status,
    pub(crate) len: u32,
    pub(crate) offset: u32,
}

/// The answer to a request, in private memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answer<'a> {
    kind: MessageType,
    /// From the number of the request on.
    body: &'a [u8],
}

impl<'a> Answer<'a> {
    /// Reads an answer.
    ///
    /// # Errors
    ///
    /// It is too short.
    pub(crate) fn parse(message: &'a [u8]) -> Result<Self, Fault> {
        let header = Header::parse(message, message.len())?;
        // CAST: Not more than the length of the message.
        let body = message
            .get(HEADER_LEN..header.len as usize)
            .ok_or(Fault::Length(header.len))?;
        Ok(Self {
            kind: header.kind,
            body,
        })
    }

    fn read<T: FromBytes>(&self, kind: MessageType) -> Result<T, Fault> {
        if self.kind != kind {
            return Err(Fault::Kind(self.kind.0));
        }
        let short = Fault::Short(self.body.len());
        let rest = self.body.get(size_of::<u32>()..).ok_or(short)?;
        let (value, _) = T::read_from_prefix(rest).map_err(|_| short)?;
        Ok(value)
    }

    /// The answer to the first request.
    ///
    /// # Errors
    ///
    /// It is not one.
    pub(crate) fn initialize(&self) -> Result<InitializeComplete, Fault> {
        self.read(MessageType::INITIALIZE_COMPLETE)
    }

    /// The answer to a setting.
    ///
    /// # Errors
    ///
    /// It is not one.
    pub(crate) fn set(&self) -> Result<Status, Fault> {
        self.read(MessageType::SET_COMPLETE)
    }

    /// The answer to a question, if the host has one.
    ///
    /// # Errors
    ///
    /// It is not one, or the value is outside of the message.
    pub(crate) fn query(&self) -> Result<Result<&'a [u8], Status>, Fault> {
        let complete: QueryComplete = self.read(MessageType::QUERY_COMPLETE)?;
        if complete.status != Status::SUCCESS {
            return Ok(Err(complete.status));
        }
        let offset =
            usize::try_from(complete.offset).map_err(|_| Fault::Offset(complete.offset))?;
        let len = usize::try_from(complete.len).map_err(|_| Fault::Length(complete.len))?;
        if offset < size_of::<u32>() + size_of::<QueryComplete>() {
            return Err(Fault::Offset(complete.offset));
        }
        let value = self
            .body
            .get(offset..)
            .ok_or(Fault::Offset(complete.offset))?;
        value.get(..len).map(Ok).ok_or(Fault::Length(complete.len))
    }
}

/// The length of [`network_address`].
pub(crate) const NETWORK_ADDRESS_LEN: usize = PARAMETER_LEN + 2 * NAME.len() + 4 * 6;

const NAME: &[u8; 14] = b"NetworkAddress";

const PARAMETER_LEN: usize = size_of::<Parameter>();

/// What a named parameter begins with. Offsets count from here.
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub(crate) struct Parameter {
    pub(crate) name_offset: u32,
    pub(crate) name_len: u32,
    pub(crate) kind: u32,
    pub(crate) value_offset: u32,
    pub(crate) value_len: u32,
}

/// The value of [`Oid::CONFIG_PARAMETER`] that sets the device's address. The host wants two bytes
/// for each character.
pub(crate) fn network_address(address: [u8; 6]) -> [u8; NETWORK_ADDRESS_LEN] {
    const STRING: u32 = 2;
    const DIGITS: &[u8; 16] = b"0123456789abcdef";

    let parameter = Parameter {
        // CAST: Small constants.
        name_offset: PARAMETER_LEN as u32,
        name_len: 2 * NAME.len() as u32,
        kind: STRING,
        value_offset: (PARAMETER_LEN + 2 * NAME.len()) as u32,
        value_len: 4 * 6,
    };
    let digits = address.iter().flat_map(|byte| {
        [
            DIGITS[usize::from(byte >> 4)],
            DIGITS[usize::from(byte & 0xf)],
        ]
    });
    let characters = NAME.iter().copied().chain(digits);
    let mut value = [0; NETWORK_ADDRESS_LEN];
    let (start, text) = value.split_at_mut(PARAMETER_LEN);
    start.copy_from_slice(parameter.as_bytes());
    for (place, character) in text.iter_mut().step_by(2).zip(characters) {
        *place = character;
    }
    value
}
