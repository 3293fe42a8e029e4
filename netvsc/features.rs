// SPDX-License-Identifier: GPL-2.0

//! The second part of a session: what the host tells about the device, and what it is to do.

use super::{
    adapter::{
        Settings,
        MAX_QUEUES, //
    },
    net::{
        log::{
            netdev_err,
            netdev_info,
            netdev_warn, //
        },
        rtnl::Held,
        Features, //
    },
    session::Session,
    shared::Packing,
    sys::cpus,
    wire::{
        nvsp::Version,
        offload::{
            self,
            Offloads, //
        },
        request::{
            network_address,
            Oid, //
        },
        rndis::Status,
        rss, //
    },
};
use kernel::prelude::*;
use vmbus::Endpoint;

/// All features that depend on the host.
const OF_HOST: [Features; 8] = [
    Features::SG,
    Features::RXCSUM,
    Features::RXHASH,
    Features::IP_CSUM,
    Features::IPV6_CSUM,
    Features::TSO,
    Features::TSO6,
    Features::LRO,
];

/// The most bytes that are cut into segments, where the host takes more.
const MAX_SEGMENTS_LEN: u32 = 65536;

impl Session {
    /// Starts RNDIS: asks for what depends on the host, and sets what it is to do.
    ///
    /// # Errors
    ///
    /// `EPROTO` if the host talks nonsense, and those of requests.
    pub(super) fn start_rndis(&self, endpoint: &Endpoint, held: Held<'_>) -> Result {
        let control = &self.shared().control;
        let complete = control.initialize(endpoint)?;
        let alignment = complete.alignment().ok_or(EPROTO)?;
        self.shared().packing.populate(Packing {
            max_frames: complete.packets(),
            alignment,
        });
        self.limit_mtu(endpoint, held);
        self.ask_for_name(endpoint, held);
        self.start_offloads(endpoint, held)?;
        self.ask_for_link(endpoint);
        Ok(())
    }

    fn limit_mtu(&self, endpoint: &Endpoint, held: Held<'_>) {
        let net = self.shared().net();
        let control = &self.shared().control;
        match control.query_number(endpoint, Oid::MAXIMUM_FRAME_SIZE) {
            Ok(mtu) if mtu < net.mtu() => net.set_mtu(mtu, held),
            _ => (),
        }
    }

    /// The address that the host gave the device.
    ///
    /// # Errors
    ///
    /// `EPROTO` if that is none, and those of requests.
    pub(crate) fn permanent_address(&self) -> Result<[u8; 6]> {
        let endpoint = self.endpoint()?;
        let control = &self.shared().control;
        let value = control.query(&endpoint, Oid::PERMANENT_ADDRESS, &[], 6)?;
        value.as_slice().try_into().map_err(|_| EPROTO)
    }

    /// Has the device have another address.
    ///
    /// # Errors
    ///
    /// `EIO` if the host does not allow that, and those of requests.
    pub(crate) fn set_address(&self, address: [u8; 6]) -> Result {
        let endpoint = self.endpoint()?;
        let value = network_address(address);
        let control = &self.shared().control;
        match control.set(&endpoint, Oid::CONFIG_PARAMETER, &value)? {
            Status::SUCCESS => Ok(()),
            _ => Err(EIO),
        }
    }

    /// Takes what people call the device over, unless it is called something already.
    fn ask_for_name(&self, endpoint: &Endpoint, held: Held<'_>) {
        const LONGEST: usize = 512;
        const NO_NAME: &[u8] = b"Network Adapter";

        let net = self.shared().net();
        if net.has_alias(held) {
            return;
        }
        let control = &self.shared().control;
        let Ok(name) = control.query(endpoint, Oid::FRIENDLY_NAME, &[], LONGEST) else {
            return;
        };
        let mut text = [0; LONGEST / 2];
        let text = utf8_of(&name, &mut text);
        if !text.is_empty() && text != NO_NAME {
            // It is of no use but to people.
            let _ = net.set_alias(text);
        }
    }

    fn start_offloads(&self, endpoint: &Endpoint, held: Held<'_>) -> Result {
        let (query, len) = offload::Capabilities::query(self.shared().version());
        let query = query.as_bytes();
        let control = &self.shared().control;
        let answer = control.query(
            endpoint,
            Oid::OFFLOAD_CAPABILITIES,
            query.get(..len).unwrap_or(query),
            query.len(),
        )?;
        let net = self.shared().net();
        let Some(capabilities) = offload::Capabilities::parse(&answer) else {
            netdev_warn!(net, "invalid NDIS offload capabilities\n");
            return Err(EINVAL);
        };
        let offloads = Offloads::of(&capabilities, self.shared().version());
        let able = features_of(&offloads);
        let of_host = OF_HOST
            .into_iter()
            .fold(Features::default(), |all, feature| all | feature);
        net.set_hw_features(net.hw_features(held).without(of_host) | able, held);
        net.set_features(net.features().without(of_host.without(able)), held);
        let longest = offloads.max_segments_len.unwrap_or(MAX_SEGMENTS_LEN);
        net.set_tso_max_size(longest.min(MAX_SEGMENTS_LEN), held);
        let coalesce = net.features().contains(Features::LRO);
        self.shared().offloads.populate(offloads);
        self.set_offloads(endpoint, offload::Parameters::new(&offloads, coalesce))
    }

    fn set_offloads(&self, endpoint: &Endpoint, parameters: offload::Parameters) -> Result {
        let message = parameters.for_version(self.shared().version());
        let control = &self.shared().control;
        match control.set(endpoint, Oid::OFFLOAD_PARAMETERS, message.as_bytes())? {
            Status::SUCCESS => Ok(()),
            Status(status) => {
                let net = self.shared().net();
                netdev_err!(net, "Fail to set offload on host side:0x{:x}\n", status);
                Err(EINVAL)
            }
        }
    }

    /// Has the host coalesce frames, or not.
    ///
    /// # Errors
    ///
    /// `EINVAL` if it does not want to, and those of requests.
    pub(crate) fn set_coalesce(&self, coalesce: bool) -> Result {
        let endpoint = self.endpoint()?;
        self.set_offloads(&endpoint, offload::Parameters::coalesce(coalesce))
    }

    fn ask_for_link(&self, endpoint: &Endpoint) {
        let control = &self.shared().control;
        let adapter = &self.shared().adapter;
        if let Ok(status) = control.query_number(endpoint, Oid::MEDIA_CONNECT_STATUS) {
            adapter.link.lock().set(status == 0);
        }
        if self.shared().version() >= Version::V5 {
            if let Ok(speed) = control.query_number(endpoint, Oid::LINK_SPEED) {
                adapter.set_speed(speed);
            }
        }
    }

    /// Opens as many channels as are wanted and possible, and has the host spread flows over them.
    /// One queue is always there.
    ///
    /// # Errors
    ///
    /// `ENOMEM`, and `ENODEV` if the device is gone.
    pub(super) fn start_queues(
        &self,
        endpoint: &Endpoint,
        settings: &mut Settings,
        held: Held<'_>,
    ) -> Result {
        self.shared().adapter.set_send_table(|_| 0);
        let Some(scale) = self.scale(endpoint) else {
            settings.spread.table.clear();
            self.shared().net().set_rss_table_len(0, held);
            return self.show_queues(1, held);
        };
        let most = scale.queues.min(cpus::online()).min(MAX_QUEUES);
        self.set_max_queues(most);
        let queues = settings.queues.clamp(1, most);
        self.fill_table(settings, scale.table_len, queues, held)?;
        let mut open = 1;
        if queues > 1 {
            match self.open_subchannels(endpoint, queues) {
                Ok(queues) => open = queues,
                Err(error) if error == ENODEV => return Err(ENODEV),
                Err(_) => self.set_max_queues(1),
            }
        }
        if open < queues {
            self.fill_table(settings, scale.table_len, open, held)?;
        }
        self.shared()
            .adapter
            // CAST: Less than 2^16.
            .set_send_table(|index| (index as u32).checked_rem(open).unwrap_or(0));
        if open > 1 {
            // Where the host does not spread, the queues still send.
            let _ = self.set_spread(&settings.spread.table, &settings.spread.key);
        }
        self.show_queues(open, held)
    }

    fn scale(&self, endpoint: &Endpoint) -> Option<rss::Scale> {
        if self.shared().version() < Version::V5 {
            return None;
        }
        let query = rss::Capabilities::query();
        let control = &self.shared().control;
        let answer = control
            .query(
                endpoint,
                Oid::RECEIVE_SCALE_CAPABILITIES,
                query.as_bytes(),
                query.as_bytes().len(),
            )
            .ok()?;
        rss::Capabilities::parse(&answer)
    }

    /// Spreads hashes evenly, unless a user has said otherwise in a way that is still possible.
    fn fill_table(
        &self,
        settings: &mut Settings,
        len: usize,
        queues: u32,
        held: Held<'_>,
    ) -> Result {
        let net = self.shared().net();
        net.set_rss_table_len(u32::try_from(len)?, held);
        let table = &mut settings.spread.table;
        let is_possible = table.len() == len && table.iter().all(|&to| u32::from(to) < queues);
        if is_possible && net.is_rss_configured(held) {
            return Ok(());
        }
        table.clear();
        for to in (0..queues).cycle().take(len) {
            table.push(u16::try_from(to)?, GFP_KERNEL)?;
        }
        Ok(())
    }

    /// Has the host spread flows.
    ///
    /// # Errors
    ///
    /// `EINVAL` if it does not want to, and those of requests.
    pub(crate) fn set_spread(&self, table: &[u16], key: &rss::Key) -> Result {
        let endpoint = self.endpoint()?;
        // It has to be off while it is changed.
        let _ = self.set_spread_once(&endpoint, table, key, true);
        self.set_spread_once(&endpoint, table, key, false)
    }

    fn set_spread_once(
        &self,
        endpoint: &Endpoint,
        table: &[u16],
        key: &rss::Key,
        disable: bool,
    ) -> Result {
        let mut room = KVec::from_elem(0, rss::MAX_PARAMETERS_LEN, GFP_KERNEL)?;
        let value = rss::Parameters::write(&mut room, table, key, disable).ok_or(EINVAL)?;
        let control = &self.shared().control;
        match control.set(endpoint, Oid::RECEIVE_SCALE_PARAMETERS, value)? {
            Status::SUCCESS => Ok(()),
            Status(status) => {
                let net = self.shared().net();
                netdev_info!(net, "Fail to set RSS parameters:0x{:x}\n", status);
                Err(EINVAL)
            }
        }
    }
}

/// The features that go with what the host does.
fn features_of(offloads: &Offloads) -> Features {
    use super::wire::info::Transports;

    let mut features = Features::SG | Features::RXCSUM | Features::RXHASH;
    if offloads.checksums.contains(Transports::TCP4) {
        features = features | Features::IP_CSUM;
    }
    if offloads.checksums.contains(Transports::TCP6) {
        features = features | Features::IPV6_CSUM;
    }
    if offloads.segments_v4 {
        features = features | Features::TSO;
    }
    if offloads.segments_v6 {
        features = features | Features::TSO6;
    }
    if offloads.coalesces {
        features = features | Features::LRO;
    }
    features
}

/// Writes a name of 16-bit characters, which may end with a 0, to `room` as far as it fits.
fn utf8_of<'a>(name: &[u8], room: &'a mut [u8]) -> &'a [u8] {
    let units = name
        .chunks_exact(2)
        .map(|unit| u16::from_le_bytes([unit[0], unit[1]]))
        .take_while(|&unit| unit != 0);
    let mut len = 0;
    for character in char::decode_utf16(units).map_while(Result::ok) {
        let Some(place) = room
            .get_mut(len..)
            .and_then(|rest| rest.get_mut(..character.len_utf8()))
        else {
            break;
        };
        len += character.encode_utf8(place).len();
    }
    room.get(..len).unwrap_or_default()
}
