// SPDX-License-Identifier: GPL-2.0

//! Where scenarios get their guests: which drivers, which machine, which images and logs.

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context as _, Result};
use vmbus_host::scsi::{Controller, ControllerConfig, Disk};
use vmbus_host::vmbus::device::Device;
use vmbus_host::vmbus::server::{Server, ServerConfig};
use vmbus_host::vmm::{ConsoleMode, Vm, VmConfig};

use crate::hang;
use crate::kernel::Kernel;
use crate::machine::Machine;
use crate::shell::Shell;

/// How long a guest may take to boot, under emulation on a busy machine.
pub const BOOT_LIMIT: Duration = Duration::from_secs(240);

/// The guest's memory in MiB.
const MEMORY: u64 = 512;

/// Whose drivers a guest runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Driver {
    /// The stock kernel's.
    C,
    /// Ours.
    Rust,
}

impl Driver {
    /// Both, the reference first: where it fails, the host is wrong.
    pub const ALL: [Self; 2] = [Self::C, Self::Rust];

    /// The storage driver's module.
    pub fn storvsc(self) -> &'static str {
        match self {
            Self::C => "hv_storvsc",
            Self::Rust => "hv_storvsc_rust",
        }
    }

    /// The network driver's module.
    pub fn netvsc(self) -> &'static str {
        match self {
            Self::C => "hv_netvsc",
            Self::Rust => "hv_netvsc_rust",
        }
    }

    /// The module of the utility services.
    pub fn utils(self) -> &'static str {
        match self {
            Self::C => "hv_utils",
            Self::Rust => "hv_utils_rust",
        }
    }

    /// What the kernel's command line needs.
    fn cmdline(self) -> &'static str {
        match self {
            Self::C => "",
            // Keeps the built-in bus from starting.
            Self::Rust => " initcall_blacklist=hv_acpi_init",
        }
    }
}

impl fmt::Display for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::C => "c",
            Self::Rust => "rust",
        })
    }
}

/// What a guest is to be like.
pub struct Setup {
    /// Its virtual processors.
    pub cpus: u32,
    /// The bus.
    pub server: ServerConfig,
    /// The controller.
    pub controller: ControllerConfig,
    /// Other devices, offered from the beginning.
    pub devices: Vec<Arc<dyn Device>>,
    /// RAM disks beside `guest.cpio`: each makes the guest start more slowly.
    pub extras: &'static [&'static str],
    /// The RAM disk, where it is not one of ours.
    pub initrd: Option<&'static str>,
    /// Whether it can hibernate.
    pub hibernation: bool,
    /// More for the kernel's command line.
    pub cmdline: &'static str,
    /// Whether the guest may use automatic end of interrupt.
    pub auto_eoi: bool,
    /// Whether the guest sees Hyper-V at all.
    pub hyper_v: bool,
    /// Whether the guest is the root partition.
    pub root_partition: bool,
    /// A disk with the root file system, the first of the controller; else that is a RAM disk.
    pub root: Option<PathBuf>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            cpus: 1,
            server: ServerConfig::default(),
            controller: ControllerConfig {
                max_sub_channels: 0,
                ..ControllerConfig::default()
            },
            devices: Vec::new(),
            extras: &[],
            initrd: None,
            hibernation: false,
            cmdline: "",
            auto_eoi: false,
            hyper_v: true,
            root_partition: false,
            root: None,
        }
    }
}

/// Where images are and logs go, and which scenario this is.
#[derive(Clone)]
pub struct Lab {
    /// The folder with the kernel, the RAM disks and the disk image.
    pub images: PathBuf,
    /// The folder for logs.
    pub logs: PathBuf,
    /// The scenario's name, which begins the names of its logs.
    pub name: String,
    /// Whose drivers are under test.
    pub driver: Driver,
    /// What its guests boot.
    pub kernel: Kernel,
}

impl Lab {
    /// Boots a guest; no driver is loaded in it yet.
    pub fn boot(&self, setup: Setup) -> Result<Machine> {
        let mut config = VmConfig::new(self.kernel.image(&self.images));
        config.initrd = match (setup.initrd, &setup.root) {
            (Some(name), _) => Some(self.images.join(name)),
            (None, Some(_)) => None,
            (None, None) => Some(self.initrd(setup.extras)?),
        };
        config.cpus = setup.cpus;
        config.memory = (MEMORY * u64::from(self.kernel.burden())) << 20;
        config.auto_eoi = setup.auto_eoi;
        config.hyper_v = setup.hyper_v;
        config.root_partition = setup.root_partition;
        config.hibernation = setup.hibernation;
        config.console = ConsoleMode::Tee(self.log("console"));
        // Warnings and what is worse appear on the console, where the result is judged by them.
        config.cmdline = format!(
            "console=ttyS0 loglevel=5 panic=-1 oops=panic {} mitigations=off pci=off hv.mode=agent{} {}",
            hang::CMDLINE,
            self.driver.cmdline(),
            setup.cmdline
        );
        let mut vm = Vm::new(&config)?;
        let server = Server::new(vm.hypervisor(), vm.memory(), setup.server);
        server
            .trace()
            .tee(Box::new(File::create(self.log("vmbus"))?));
        let controller = Controller::new(setup.controller);
        if let Some(root) = &setup.root {
            controller.add_disk(0, 0, Disk::open(root)?)?;
        }
        server.add_device(controller.clone());
        for device in &setup.devices {
            server.add_device(device.clone());
        }
        vm.start(server.clone())?;
        let patience = self.kernel.burden();
        let shell = vm
            .agent()
            .context("the machine has no agent port")
            .and_then(|port| Shell::connect(port, BOOT_LIMIT * patience));
        let shell = shell
            .with_context(|| format!("booting; {}", hang::record(&vm, &self.log("threads"))))?;
        Ok(Machine {
            vm,
            server,
            controller,
            devices: setup.devices,
            shell,
            driver: self.driver,
            kernel: self.kernel.clone(),
            threads_log: self.log("threads"),
        })
    }

    /// The file for a kind of log of this scenario's last guest.
    pub fn log(&self, kind: &str) -> PathBuf {
        let (name, driver) = (self.name.replace('/', "-"), self.driver);
        self.logs.join(format!("{name}-{driver}.{kind}.log"))
    }

    /// The RAM disk. The kernel unpacks archives that follow each other as one.
    pub fn initrd(&self, extras: &[&str]) -> Result<PathBuf> {
        let guest = self.images.join("guest.cpio");
        let modules = self.kernel.modules(&self.images);
        if extras.is_empty() && modules.is_none() {
            return Ok(guest);
        }
        static MAKING: Mutex<()> = Mutex::new(());
        let _making = MAKING.lock();
        let names = [&[self.kernel.name()], extras].concat().join("-");
        let all = Path::new("/tmp").join(format!("guest-{names}-{}.cpio", std::process::id()));
        if !all.exists() {
            let mut bytes = std::fs::read(guest)?;
            for extra in extras {
                bytes.extend(std::fs::read(
                    self.images.join(extra).with_extension("cpio"),
                )?);
            }
            if let Some(modules) = modules {
                bytes.extend(std::fs::read(modules)?);
            }
            std::fs::write(&all, bytes)?;
        }
        Ok(all)
    }

    /// The same scenario with other drivers, for comparisons.
    pub fn with_driver(&self, driver: Driver) -> Self {
        Self {
            driver,
            ..self.clone()
        }
    }

    /// A private copy of the disk image.
    pub fn disk_copy(&self) -> Result<PathBuf> {
        let copy = Path::new("/tmp").join(format!(
            "disk-{}-{}.img",
            self.name.replace('/', "-"),
            self.driver
        ));
        std::fs::copy(self.images.join("disk.img"), &copy)?;
        Ok(copy)
    }

    /// The checksum of `data.bin` on the disk image.
    pub fn disk_sum(&self) -> Result<String> {
        Ok(std::fs::read_to_string(self.images.join("disk.sum"))?
            .trim()
            .to_owned())
    }
}
