// SPDX-License-Identifier: GPL-2.0

//! From a device on the bus to a SCSI host, and back.

use super::{
    adapter::{
        Adapter,
        FRAME_SHIFT, //
    },
    controller::Controller,
    line::Line,
    scan::Scanner,
    scsi::{
        Address,
        InFlight,
        Limits,
        NewHost,
        Registration, //
    },
    sys::{
        cpus,
        parameters::{
            self,
            Level, //
        },
    },
    wire::{
        ChannelProperties,
        MAX_CDB_BYTES,
        PACKET_BYTES, //
    },
    Kind,
    DEVICES, //
};
use kernel::{
    device::{
        self,
        Bound,
        Core, //
    },
    prelude::*,
    sync::Arc, //
};
use vmbus::{
    ring,
    wire::{
        packet::DESCRIPTOR_LEN,
        USER_DATA_LEN, //
    },
    CallbackMode,
    Device,
    IdTable,
    OpenConfig, //
};

/// The longest packet that the host sends: a descriptor and a packet of the protocol.
// CAST: Small constants.
const MAX_PACKET: u32 = (DESCRIPTOR_LEN + PACKET_BYTES) as u32;

/// The ring space of the largest request of old, by which the number of requests is reckoned.
const REQUEST_BYTES: usize = 360;

const PAGE: usize = 1 << FRAME_SHIFT;

/// The driver.
pub(crate) struct StorageDriver;

/// What a bound device has. The order of the fields is that of the teardown.
pub(crate) struct Storage<'bound> {
    _scanning: Scanning,
    _host: Registration<'bound, Adapter>,
    line: Line<'bound>,
}

/// Ends the reactions to changes when it is dropped.
struct Scanning(Arc<Controller>);

impl Drop for Scanning {
    fn drop(&mut self) {
        self.0.scanner().stop();
    }
}

/// How much can go on at once.
#[derive(Clone, Copy)]
struct Capacity {
    ring: usize,
    commands: u16,
    queues: u32,
}

impl Capacity {
    fn of(kind: Kind, device: &device::Device) -> Self {
        let ring = ring::ring_bytes(parameters::ring_payload());
        let sub_channels = match kind {
            Kind::Scsi => (cpus::online() - 1) / parameters::cpus_per_sub_channel(),
            Kind::Ide => 0,
        };
        let of_channel = ring.saturating_sub(kernel::page::PAGE_SIZE) / REQUEST_BYTES;
        // CAST: Widening.
        let of_all = of_channel.saturating_mul(sub_channels as usize + 1);
        let commands = of_all.saturating_mul(100 - parameters::low_water() as usize) / 100;
        Self {
            ring,
            // The SCSI layer has a signed field of 16 bits for some of it.
            // CAST: The limit makes it fit.
            commands: commands.clamp(1, i16::MAX as usize) as u16,
            queues: Self::queues(kind, device),
        }
    }

    fn queues(kind: Kind, device: &device::Device) -> u32 {
        let present = cpus::present();
        match (kind, parameters::max_hw_queues()) {
            (Kind::Ide, _) => 1,
            (Kind::Scsi, None) => present,
            (Kind::Scsi, Some(queues)) if queues <= present => queues,
            (Kind::Scsi, Some(_)) => {
                parameters::reset_max_hw_queues();
                if parameters::is_logged(Level::Warning) {
                    dev_warn!(
                        device,
                        "Resetting invalid storvsc_max_hw_queues value to default.\n"
                    );
                }
                present
            }
        }
    }

    fn config(&self, kind: Kind) -> OpenConfig {
        OpenConfig {
            send_ring: self.ring,
            receive_ring: self.ring,
            max_packet: MAX_PACKET,
            mode: CallbackMode::Batched,
            user_data: [0; USER_DATA_LEN],
            subchannels: kind == Kind::Scsi,
        }
    }

    /// The most page frames of a command: no more than what the host takes, what the SCSI layer can
    /// count, and what leaves room in a ring.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the host takes less than one.
    fn frames(&self, properties: &ChannelProperties) -> Result<u16> {
        // CAST: Widening.
        let of_host = properties.max_transfer_bytes as usize / PAGE;
        let of_ring = self.ring / 4 / size_of::<u64>();
        let frames = of_host.min(of_ring).min(u16::MAX as usize - 1);
        match u16::try_from(frames)? {
            0 => Err(EINVAL),
            frames => Ok(frames),
        }
    }
}

fn limits(kind: Kind, capacity: &Capacity, frames: u16) -> Limits {
    let (channels, targets, luns) = match kind {
        Kind::Scsi => (8, 2, 255),
        Kind::Ide => (1, 1, 64),
    };
    Limits {
        commands: capacity.commands,
        queues: capacity.queues,
        channels,
        targets,
        luns,
        // CAST: A small constant.
        cdb_bytes: MAX_CDB_BYTES as u16,
        sectors: u32::from(frames) << (FRAME_SHIFT - 9),
        // The first and the last piece need not be whole page frames.
        segments: frames + 1,
        // CAST: A small constant.
        offset_mask: (PAGE - 1) as u32,
    }
}

impl StorageDriver {
    fn bind<'bound>(device: &'bound Device<Bound>, kind: Kind) -> Result<Storage<'bound>> {
        let parent: &device::Device<Bound> = device.as_ref();
        let capacity = Capacity::of(kind, parent);
        let host = NewHost::<Adapter>::alloc()?;
        let number = host.host().number();
        let in_flight = InFlight::new(capacity.queues, capacity.commands.into())?;
        let scanner = Scanner::new(host.host().clone())?;
        let controller = Arc::pin_init(
            Controller::new(parent.into(), in_flight, scanner),
            GFP_KERNEL,
        )?;
        let config = capacity.config(kind);
        let (line, setup) = Line::open(device, kind, config, controller.clone())?;
        let frames = capacity.frames(&setup.properties)?;
        let adapter = Adapter::new(
            controller.clone(),
            setup.version,
            // The host wants to see eight bits of it.
            // CAST: As above.
            number as u8,
            usize::from(frames) + 1,
        )?;
        let adapter = Arc::new(adapter, GFP_KERNEL)?;
        let host = host.register(parent, adapter, &limits(kind, &capacity, frames))?;
        match kind {
            Kind::Scsi => host.host().scan(),
            Kind::Ide => host.host().add_device(Self::ide_disk(device))?,
        }
        Ok(Storage {
            _scanning: Scanning(controller),
            _host: host,
            line,
        })
    }

    /// Which disk of the IDE controllers a device is: a part of its instance's GUID.
    fn ide_disk(device: &Device) -> Address {
        let bytes = device.channel().instance();
        let bytes = bytes.as_bytes();
        Address {
            channel: 0,
            target: u16::from_le_bytes([bytes[4], bytes[5]]).into(),
            lun: 0,
        }
    }
}

impl vmbus::Driver for StorageDriver {
    type IdInfo = Kind;
    type Data<'bound> = Storage<'bound>;

    const ID_TABLE: IdTable<Kind> = &DEVICES;
    const NAME: &'static CStr = c"hv_storvsc";
    const PROBE: vmbus::ProbeType = vmbus::ProbeType::Asynchronous;

    fn probe<'bound>(
        device: &'bound Device<Core<'_>>,
        kind: Option<&'bound Kind>,
    ) -> impl PinInit<Storage<'bound>, Error> + 'bound {
        // A device that was bound by name only is taken for a SCSI controller.
        Self::bind(device, kind.copied().unwrap_or(Kind::Scsi))
    }

    fn suspend<'bound>(_device: &'bound Device<Core<'_>>, this: Pin<&Storage<'bound>>) -> Result {
        this.line.suspend()
    }

    fn resume<'bound>(_device: &'bound Device<Core<'_>>, this: Pin<&Storage<'bound>>) -> Result {
        this.line.resume()
    }
}
