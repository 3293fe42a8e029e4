// SPDX-License-Identifier: GPL-2.0

//! Device classes that the bus knows.

use super::super::guid::{
    guid,
    Guid, //
};

/// Declares [`DeviceType`] and [`TABLE`] in one list.
macro_rules! device_types {
    ($(
        $(#[$meta:meta])*
        $name:ident = $index:literal, $text:literal,
        performance: $performance:literal, isolated: $isolated:literal, ring: $ring:expr;
    )*) => {
        /// The class of a device, as the `device` attribute in sysfs numbers it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u16)]
        pub enum DeviceType {
            $($(#[$meta])* $name = $index,)*
            /// Any other device.
            Unknown = 16,
        }

        /// What the bus knows of each class, in the order of [`DeviceType`].
        pub static TABLE: [DeviceInfo; 17] = [
            $(DeviceInfo {
                kind: DeviceType::$name,
                class: Some(guid!($text)),
                performance: $performance,
                allowed_in_isolated: $isolated,
                preferred_ring_size: $ring,
            },)*
            DeviceInfo {
                kind: DeviceType::Unknown,
                class: None,
                performance: false,
                allowed_in_isolated: false,
                preferred_ring_size: Some(0x11000),
            },
        ];
    };
}

/// What the bus knows of a class of devices.
#[derive(Debug)]
pub struct DeviceInfo {
    /// The class.
    pub kind: DeviceType,
    /// Its GUID.
    pub class: Option<Guid>,
    /// Whether its channels are spread over the processors.
    pub performance: bool,
    /// Whether a guest that does not trust its host accepts it.
    pub allowed_in_isolated: bool,
    /// The ring size that suits a driver that does not know the device.
    pub preferred_ring_size: Option<u32>,
}

device_types! {
    /// IDE controller.
    Ide = 0, "32412632-86cb-44a2-9b5c-50d1417354f5",
        performance: true, isolated: false, ring: None;
    /// SCSI controller.
    Scsi = 1, "ba6163d9-04a1-4d29-b605-72e2ffb1dc7f",
        performance: true, isolated: true, ring: None;
    /// Fibre channel adapter.
    FibreChannel = 2, "2f9bcc4a-0069-4af3-b76b-6fd0be528cda",
        performance: true, isolated: false, ring: None;
    /// Network adapter.
    Network = 3, "f8615163-df3e-46c5-913f-f2d2f965ed0e",
        performance: true, isolated: true, ring: None;
    /// RDMA.
    NetworkDirect = 4, "8c2eaf3d-32a7-4b09-ab99-bd1f1c86b501",
        performance: true, isolated: false, ring: None;
    /// PCI pass-through.
    Pci = 5, "44c4f61d-4444-4400-9d52-802e27ede19f",
        performance: false, isolated: true, ring: None;
    /// Frame buffer.
    Framebuffer = 6, "da0a7802-e377-4aac-8e77-0558eb1073f8",
        performance: false, isolated: false, ring: None;
    /// Keyboard.
    Keyboard = 7, "f912ad6d-2b17-48ea-bd65-f927a61c7684",
        performance: false, isolated: false, ring: None;
    /// Mouse.
    Mouse = 8, "cfa8b69e-5b4a-4cc0-b98b-8ba1a1f3f95a",
        performance: false, isolated: false, ring: None;
    /// Exchange of keys and values.
    Kvp = 9, "a9a0f4e7-5a45-4d96-b827-8a841e8c03e6",
        performance: false, isolated: false, ring: None;
    /// Time synchronisation.
    TimeSync = 10, "9527e630-d0ae-497b-adce-e80ab0175caf",
        performance: false, isolated: true, ring: None;
    /// Heartbeat.
    Heartbeat = 11, "57164f39-9115-4e78-ab55-382f3bd5422d",
        performance: false, isolated: true, ring: None;
    /// Shutdown at the host's request.
    Shutdown = 12, "0e0b6031-5213-4934-818b-38d90ced39db",
        performance: false, isolated: true, ring: None;
    /// Copying of files into the guest.
    FileCopy = 13, "34d14be3-dee4-41c8-9ae7-6b174977c192",
        performance: false, isolated: false, ring: Some(0x4000);
    /// Backup.
    Backup = 14, "35fa2e29-ea23-4236-96ae-3a6ebacba440",
        performance: false, isolated: false, ring: None;
    /// Dynamic memory.
    DynamicMemory = 15, "525074dc-8985-46e2-8057-a307dc18a502",
        performance: false, isolated: false, ring: None;
}

/// Classes that no driver is to be expected for.
static UNSUPPORTED: [Guid; 4] = [
    // Activation of Windows guests.
    guid!("f8e65716-3cb3-4a06-9a60-1889c5cccab5"),
    guid!("3375baf4-9e15-4b30-b765-67acb10d607b"),
    // Remote desktop.
    guid!("276aacf4-ac15-426c-98dd-7521ad3f01fe"),
    // First configuration of Windows guests.
    guid!("c376c1c3-d276-48d2-90a9-c04748072c60"),
];

impl DeviceType {
    /// The type of devices of `class`; [`None`] when it was never heard of, which is worth a line
    /// in the log, and counts as [`DeviceType::Unknown`].
    pub fn of(class: &Guid) -> Option<Self> {
        if UNSUPPORTED.contains(class) {
            return Some(Self::Unknown);
        }
        TABLE
            .iter()
            .find(|info| info.class.as_ref() == Some(class))
            .map(|info| info.kind)
    }

    /// The number in sysfs.
    pub const fn index(self) -> u16 {
        self as u16
    }

    /// What the bus knows of the class.
    pub fn info(self) -> &'static DeviceInfo {
        &TABLE[usize::from(self.index())]
    }
}
