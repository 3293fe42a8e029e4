// SPDX-License-Identifier: GPL-2.0

//! What the network stack asks of the driver.

use super::{
    adapter::Adapter,
    ethtool::Tool,
    net::{
        self,
        log::{
            netdev_err,
            netdev_info, //
        },
        rtnl::Held,
        skb::{
            Borrowed,
            Skb, //
        },
        xdp,
        Addresses,
        Counters,
        Device,
        Features,
        MacAddress,
        Sent,
        Way, //
    },
};
use kernel::{
    prelude::*,
    sync::{
        rcu,
        Arc,
        ArcBorrow, //
    },
};

/// The driver.
pub(crate) struct Network;

#[vtable]
impl net::Operations for Network {
    type Data = Adapter;
    type Ethtool = Tool;

    fn open(device: &Device, data: ArcBorrow<'_, Adapter>, held: Held<'_>) -> Result {
        device.carrier_off();
        data.open_filter().inspect_err(|error| {
            let errno = error.to_errno();
            netdev_err!(device, "unable to open device (ret {}).\n", errno);
        })?;
        data.follow_link();
        data.open_function(held);
        Ok(())
    }

    fn stop(device: &Device, data: ArcBorrow<'_, Adapter>, held: Held<'_>) -> Result {
        data.stop_sending();
        let result = stop_card(device, &data);
        data.close_function(held);
        result
    }

    #[inline]
    fn start_xmit(_device: &Device, data: ArcBorrow<'_, Adapter>, skb: Skb, way: Way<'_>) -> Sent {
        let guard = rcu::read_lock();
        if let Some(past_host) = data.function.way(&guard) {
            past_host.send(skb);
            return Sent::Taken;
        }
        match data.session.get(&guard) {
            Some(session) => session.transmit(skb, way, &guard),
            None => {
                data.totals.tx_dropped.increment();
                Sent::Taken
            }
        }
    }

    #[inline]
    fn select_queue(device: &Device, data: ArcBorrow<'_, Adapter>, mut skb: Borrowed<'_>) -> u16 {
        let of_function = data.function.pick_queue(&mut skb);
        of_function.unwrap_or_else(|| data.pick_queue(device, skb))
    }

    fn set_rx_mode(device: &Device, data: ArcBorrow<'_, Adapter>, addresses: &Addresses<'_>) {
        let data = Arc::from(data);
        data.pass_addresses_on(addresses);
        data.want_frames(device.rx_mode());
    }

    fn set_address(
        _device: &Device,
        data: ArcBorrow<'_, Adapter>,
        address: &MacAddress,
        held: Held<'_>,
    ) -> Result {
        data.change_both_addresses(address, held)
    }

    fn change_mtu(
        _device: &Device,
        data: ArcBorrow<'_, Adapter>,
        mtu: u32,
        held: Held<'_>,
    ) -> Result {
        if !data.is_mtu_possible(mtu, held) {
            return Err(EOPNOTSUPP);
        }
        data.change_both_mtus(mtu, held)
    }

    fn fix_features(
        device: &Device,
        data: ArcBorrow<'_, Adapter>,
        wanted: Features,
        held: Held<'_>,
    ) -> Features {
        if wanted.contains(Features::LRO) && data.has_xdp(held) {
            netdev_info!(device, "Skip LRO - unsupported with XDP\n");
            return wanted.without(Features::LRO);
        }
        wanted
    }

    fn set_features(
        device: &Device,
        data: ArcBorrow<'_, Adapter>,
        features: Features,
        held: Held<'_>,
    ) -> Result {
        let session = data.session()?;
        let changed = features ^ device.features();
        if changed.contains(Features::LRO) {
            let result = session.set_coalesce(features.contains(Features::LRO));
            if result.is_err() {
                device.set_features(features ^ Features::LRO, held);
                data.pass_features_on(features ^ Features::LRO, held);
            }
            result?;
        }
        data.pass_features_on(features, held);
        Ok(())
    }

    fn set_xdp(
        device: &Device,
        data: ArcBorrow<'_, Adapter>,
        program: Option<xdp::Program>,
        reason: &xdp::Reason<'_>,
        held: Held<'_>,
    ) -> Result {
        let old = data.set_xdp(device, program, reason, held)?;
        data.pass_program_on(reason, held)
            .inspect_err(|_| drop(data.xdp.replace(old)))
    }

    fn xdp_xmit(
        device: &Device,
        data: ArcBorrow<'_, Adapter>,
        frames: &mut xdp::Frames<'_>,
    ) -> Result {
        data.send_redirected(device, frames)
    }

    fn counters(_device: &Device, data: ArcBorrow<'_, Adapter>) -> Counters {
        let mut sum = Counters {
            rx_packets: data.function.sum(|counters| counters.rx_packets.get()),
            rx_bytes: data.function.sum(|counters| counters.rx_bytes.get()),
            tx_packets: data.function.sum(|counters| counters.tx_packets.get()),
            tx_bytes: data.function.sum(|counters| counters.tx_bytes.get()),
            tx_dropped: data.function.sum(|counters| counters.tx_dropped.get())
                + data.totals.tx_dropped.get(),
            ..Counters::default()
        };
        for queue in &data.counters {
            sum.rx_packets += queue.rx_packets.get();
            sum.rx_bytes += queue.rx_bytes.get();
            sum.multicast += queue.rx_multicast.get();
            sum.tx_packets += queue.tx_packets.get();
            sum.tx_bytes += queue.tx_bytes.get();
        }
        sum
    }
}

fn stop_card(device: &Device, data: &Adapter) -> Result {
    let Ok(session) = data.session() else {
        return Ok(());
    };
    data.close_filter().inspect_err(|error| {
        let errno = error.to_errno();
        netdev_err!(device, "unable to close device (ret {}).\n", errno);
    })?;
    session.wait_until_empty().inspect_err(|_| {
        netdev_err!(device, "Ring buffer not empty after closing rndis\n");
    })
}
