// SPDX-License-Identifier: GPL-2.0

//! What users of ethtool see and set. Names, numbers and their order are those of the C driver.

use super::{
    adapter::Adapter,
    buffers::{
        MAX_RECEIVE,
        MAX_RECEIVE_OLD,
        MAX_SEND,
        MIN_SECTIONS, //
    },
    counter::FunctionCounters,
    flow,
    net::{
        ethtool::{
            self,
            Channels,
            Duplex,
            Flow,
            HashFields,
            Link,
            Rings,
            Statistics, //
        },
        rtnl::Held,
        AnyDevice,
        Device, //
    },
    session::Session,
    sys::cpus,
    wire::{
        nvsp::{
            Version,
            SEND_TABLE_LEN, //
        },
        rss,
    },
};
use kernel::{
    prelude::*,
    sync::{
        aref::ARef,
        atomic::Relaxed,
        ArcBorrow, //
    },
};

/// What users of ethtool get.
pub(crate) struct Tool;

const UNKNOWN: u32 = u32::MAX;
const UNKNOWN_DUPLEX: u32 = 0xff;

fn transport_of(flow: Flow) -> u32 {
    match flow {
        Flow::TcpV4 => flow::TCP4,
        Flow::TcpV6 => flow::TCP6,
        Flow::UdpV4 => flow::UDP4,
        Flow::UdpV6 => flow::UDP6,
        Flow::V4 | Flow::V6 => 0,
    }
}

fn rings_of(session: &Session) -> Rings {
    let shared = session.shared();
    let (Some(receive), Some(send)) = (shared.receive.as_ref(), shared.send.as_ref()) else {
        return Rings::default();
    };
    let most = if shared.version() <= Version::V2 {
        MAX_RECEIVE_OLD
    } else {
        MAX_RECEIVE
    };
    // CAST: Less than 2^32.
    let fit = |bytes: usize, len: u32| (bytes as u32).checked_div(len).unwrap_or(0);
    Rings {
        rx: receive.sections.count,
        rx_max: fit(most, receive.sections.len),
        tx: send.sections.count,
        tx_max: fit(MAX_SEND, send.sections.len),
    }
}

#[vtable]
impl ethtool::Operations for Tool {
    type Data = Adapter;

    const DRIVER: &'static CStr = c"hv_netvsc";
    const FIRMWARE: &'static CStr = c"N/A";
    const RSS_KEY_LEN: usize = rss::KEY_LEN;
    const REGISTERS: usize = SEND_TABLE_LEN;
    const REGISTERS_VERSION: u32 = 1;

    fn device_of_link(
        _device: &Device,
        data: ArcBorrow<'_, Adapter>,
        held: Held<'_>,
    ) -> Option<ARef<AnyDevice>> {
        data.function.device(held)
    }

    fn link(_device: &Device, data: ArcBorrow<'_, Adapter>, _held: Held<'_>) -> Link {
        let duplex = match data.duplex.load(Relaxed) {
            0 => Duplex::Half,
            1 => Duplex::Full,
            _ => Duplex::Unknown,
        };
        Link {
            speed: Some(data.speed.load(Relaxed)).filter(|&speed| speed != UNKNOWN),
            duplex,
        }
    }

    fn set_link(
        _device: &Device,
        data: ArcBorrow<'_, Adapter>,
        link: Link,
        _held: Held<'_>,
    ) -> Result {
        let duplex = match link.duplex {
            Duplex::Half => 0,
            Duplex::Full => 1,
            Duplex::Unknown => UNKNOWN_DUPLEX,
        };
        data.speed.store(link.speed.unwrap_or(UNKNOWN), Relaxed);
        data.duplex.store(duplex, Relaxed);
        Ok(())
    }

    fn channels(_device: &Device, data: ArcBorrow<'_, Adapter>, _held: Held<'_>) -> Channels {
        data.session()
            .map_or(Channels::default(), |session| Channels {
                count: session.queues(),
                max: session.max_queues(),
            })
    }

    fn set_channels(
        _device: &Device,
        data: ArcBorrow<'_, Adapter>,
        count: u32,
        held: Held<'_>,
    ) -> Result {
        let session = data.session()?;
        if session.shared().version() < Version::V5 || count > session.max_queues() {
            return Err(EINVAL);
        }
        data.change_queues(count, held)
    }

    fn rings(_device: &Device, data: ArcBorrow<'_, Adapter>, _held: Held<'_>) -> Rings {
        data.session()
            .map_or(Rings::default(), |session| rings_of(&session))
    }

    fn set_rings(
        _device: &Device,
        data: ArcBorrow<'_, Adapter>,
        rx: u32,
        tx: u32,
        held: Held<'_>,
    ) -> Result {
        let rings = rings_of(&*data.session()?);
        let rx = rx.min(rings.rx_max).max(MIN_SECTIONS);
        let tx = tx.min(rings.tx_max).max(MIN_SECTIONS);
        if (rx, tx) == (rings.rx, rings.tx) {
            return Ok(());
        }
        data.change_sections(rx, tx, held)
    }

    fn rss(
        _device: &Device,
        data: ArcBorrow<'_, Adapter>,
        table: Option<&mut [u32]>,
        key: Option<&mut [u8]>,
        _held: Held<'_>,
    ) -> Result {
        data.session()?;
        let settings = data.settings.lock();
        if let Some(table) = table {
            for (place, to) in table.iter_mut().zip(&settings.spread.table) {
                *place = (*to).into();
            }
        }
        if let Some(key) = key {
            for (place, byte) in key.iter_mut().zip(settings.spread.key) {
                *place = byte;
            }
        }
        Ok(())
    }

    fn set_rss(
        _device: &Device,
        data: ArcBorrow<'_, Adapter>,
        table: Option<&[u32]>,
        key: Option<&[u8]>,
        _held: Held<'_>,
    ) -> Result {
        data.change_spread(table, key)
    }

    fn hash_fields(
        _device: &Device,
        data: ArcBorrow<'_, Adapter>,
        flow: Flow,
        _held: Held<'_>,
    ) -> HashFields {
        if data.port_hash.load(Relaxed) & transport_of(flow) != 0 {
            HashFields::AddressesAndPorts
        } else {
            HashFields::Addresses
        }
    }

    fn set_hash_fields(
        _device: &Device,
        data: ArcBorrow<'_, Adapter>,
        flow: Flow,
        fields: HashFields,
        _held: Held<'_>,
    ) -> Result {
        let transport = transport_of(flow);
        if transport == 0 {
            return Err(EOPNOTSUPP);
        }
        let with_ports = data.port_hash.load(Relaxed);
        let with_ports = match fields {
            HashFields::Addresses => with_ports & !transport,
            HashFields::AddressesAndPorts => with_ports | transport,
        };
        data.port_hash.store(with_ports, Relaxed);
        Ok(())
    }

    fn statistics(
        _device: &Device,
        data: ArcBorrow<'_, Adapter>,
        out: &mut Statistics<'_>,
        _held: Held<'_>,
    ) {
        let Ok(session) = data.session() else { return };
        totals(&data, out);
        // CAST: At most 64.
        let queues = session.queues() as usize;
        for index in 0..queues {
            of_queue(&data, index, out);
        }
        for cpu in cpus::present() {
            of_cpu(&data, &session, cpu, queues, out);
        }
    }

    fn registers(_device: &Device, data: ArcBorrow<'_, Adapter>, out: &mut [u32], _held: Held<'_>) {
        for (index, register) in out.iter_mut().enumerate() {
            *register = data.send_queue(index);
        }
    }
}

/// A counter's name, and how it is read.
type Named = (&'static str, fn(&FunctionCounters) -> u64);

/// The counters of a virtual function.
const FUNCTION: [Named; 5] = [
    ("rx_packets", |counters| counters.rx_packets.get()),
    ("rx_bytes", |counters| counters.rx_bytes.get()),
    ("tx_packets", |counters| counters.tx_packets.get()),
    ("tx_bytes", |counters| counters.tx_bytes.get()),
    ("tx_dropped", |counters| counters.tx_dropped.get()),
];

fn totals(data: &Adapter, out: &mut Statistics<'_>) {
    let totals = &data.totals;
    let numbers = [
        ("tx_scattered", &totals.tx_scattered),
        ("tx_no_memory", &totals.tx_no_memory),
        ("tx_no_space", &totals.tx_no_space),
        ("tx_too_big", &totals.tx_too_big),
        ("tx_busy", &totals.tx_busy),
        ("tx_send_full", &totals.tx_send_full),
        ("rx_comp_busy", &totals.rx_comp_busy),
        ("rx_no_memory", &totals.rx_no_memory),
        ("stop_queue", &totals.stop_queue),
        ("wake_queue", &totals.wake_queue),
        ("vlan_error", &totals.vlan_error),
    ];
    for (name, counter) in numbers {
        out.add(fmt!("{name}"), counter.get());
    }
    for (name, read) in FUNCTION {
        out.add(fmt!("vf_{name}"), data.function.sum(read));
    }
}

fn of_queue(data: &Adapter, index: usize, out: &mut Statistics<'_>) {
    let Some(queue) = data.counters.get(index) else {
        return;
    };
    let numbers = [
        ("tx", "packets", &queue.tx_packets),
        ("tx", "bytes", &queue.tx_bytes),
        ("tx", "xdp_xmit", &queue.tx_xdp_xmit),
        ("rx", "packets", &queue.rx_packets),
        ("rx", "bytes", &queue.rx_bytes),
        ("rx", "xdp_drop", &queue.rx_xdp_drop),
        ("rx", "xdp_redirect", &queue.rx_xdp_redirect),
        ("rx", "xdp_tx", &queue.rx_xdp_tx),
    ];
    for (way, name, counter) in numbers {
        out.add(fmt!("{way}_queue_{index}_{name}"), counter.get());
    }
}

fn of_cpu(data: &Adapter, session: &Session, cpu: u32, queues: usize, out: &mut Statistics<'_>) {
    let sum = |read: fn(&super::counter::QueueCounters) -> u64| -> u64 {
        (0..queues)
            .filter(|&index| session.target_cpu(index) == Some(cpu))
            .filter_map(|index| data.counters.get(index))
            .fold(0, |sum, queue| sum.wrapping_add(read(queue)))
    };
    let numbers = [
        ("rx_packets", sum(|queue| queue.rx_packets.get())),
        ("rx_bytes", sum(|queue| queue.rx_bytes.get())),
        ("tx_packets", sum(|queue| queue.tx_packets.get())),
        ("tx_bytes", sum(|queue| queue.tx_bytes.get())),
    ];
    // In the order of `numbers`, which are the sums of both ways.
    let by_function = FUNCTION.map(|(_, read)| data.function.counters_of(cpu).map_or(0, read));
    for ((name, value), by_function) in numbers.into_iter().zip(by_function) {
        out.add(fmt!("cpu{cpu}_{name}"), value.wrapping_add(by_function));
    }
    for ((name, _), by_function) in numbers.into_iter().zip(by_function) {
        out.add(fmt!("cpu{cpu}_vf_{name}"), by_function);
    }
}
