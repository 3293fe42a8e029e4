// SPDX-License-Identifier: GPL-2.0

//! `vmbus-host run`.

use std::fs::File;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use vmbus_host::fault::{Engine, Plan, Victims};
use vmbus_host::hv::Guest as _;
use vmbus_host::ic::Services;
use vmbus_host::scsi::{Controller, ControllerConfig};
use vmbus_host::vmbus::server::{IoMode, Server, ServerConfig};
use vmbus_host::vmbus::wire::Version;
use vmbus_host::vmm::{ConsoleMode, ExitReason, MAX_CPUS, Vm, VmConfig};

use super::disk::{self, DiskSpec};
use super::nic::{self, NicSpec};
use super::services::Attendance;
use super::{prompt, signals, size};

const EXAMPLES: &str = "\
Examples:
  A shell in an initramfs, with the kernel's log on the console:
      vmbus-host run --kernel /boot/vmlinuz --initrd initramfs.cpio.gz --append 'console=ttyS0'

  Two processors, a disk image, and 64 MiB of memory as a second, read-only disk:
      vmbus-host run --kernel vmlinuz --initrd initramfs.cpio.gz --cpus 2 \\
          --disk disk.img --disk mem:64M,target=1,ro

  A disk of an IDE controller, and a DVD drive on the SCSI controller:
      vmbus-host run --kernel vmlinuz --initrd initramfs.cpio.gz \\
          --disk disk.img,ide=0:0 --disk image.iso,dvd

  An older host with sub-channels, and a record of all VMBus messages:
      vmbus-host run --kernel vmlinuz --initrd initramfs.cpio.gz --cpus 4 \\
          --disk disk.img --scsi-channels 4 --vmbus-version 4.1 --trace vmbus.log

On the console, Ctrl-A x stops the guest and Ctrl-A Ctrl-A sends a Ctrl-A. Ctrl-A c leads to the
host's prompt, where 'shutdown' asks the guest to end and 'help' lists what else there is.
The exit status is 0 if the guest switched itself off or was stopped, 3 if it reset itself, 4 after
a triple fault, and 1 if something went wrong.";

/// The options of `run`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Options {
    /// The kernel, a 64-bit bzImage.
    #[arg(long, value_name = "FILE")]
    kernel: PathBuf,

    /// The initial RAM file system.
    #[arg(long, value_name = "FILE")]
    initrd: Option<PathBuf>,

    /// The kernel's command line.
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "console=ttyS0 quiet panic=-1"
    )]
    append: String,

    /// The number of virtual processors; best not more than the machine has.
    #[arg(long, value_name = "N", default_value_t = 1,
          value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_CPUS)))]
    cpus: u32,

    /// The size of memory.
    #[arg(long, value_name = "SIZE", default_value = "512M", value_parser = size::parse)]
    memory: u64,

    /// A disk on the SCSI controller: an image file, or mem:SIZE for one that starts empty and is
    /// gone at the end. May be given more than once. Options are target=N (0, 1, ... unless said),
    /// lun=N, ro (read-only), dvd (a DVD drive with that image in it; "none" for an empty one), and
    /// ide=C:D (not on the SCSI controller, but disk D of IDE controller C).
    #[arg(long = "disk", value_name = "FILE|mem:SIZE|none[,OPTION]...")]
    disks: Vec<DiskSpec>,

    /// The number of channels of the SCSI controller, the primary one included.
    #[arg(long, value_name = "N", default_value_t = 1,
          value_parser = clap::value_parser!(u16).range(1..=64))]
    scsi_channels: u16,

    /// A network card: peer for the built-in peer (DHCP, and services over TCP and UDP at 10.0.0.1),
    /// or tap:NAME for a network interface of the host's. May be given more than once.
    #[arg(long = "nic", value_name = "peer|tap:NAME[,queues=N]")]
    nics: Vec<NicSpec>,

    /// The newest VMBus version to accept, from 4.0 to 6.0.
    #[arg(long, value_name = "VERSION", default_value_t = Version::V6_0)]
    vmbus_version: Version,

    /// A file for a line about each VMBus message.
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,

    /// Where requests are served: on the virtual processor that signalled, or on a thread.
    #[arg(long, value_name = "WHERE", default_value = "inline")]
    io: Io,

    /// Lets the guest use interrupts with automatic end of interrupt, as old hosts do.
    #[arg(long)]
    auto_eoi: bool,

    /// Does not offer the utility services: shutdown, heartbeat, time, KVP, VSS.
    #[arg(long)]
    no_ic: bool,

    /// Goes mad: spoils what it writes for the guest, as a plan says that begins with the seed of all its decisions.
    /// The rest is replace=N (one in N honest packets), beside=N (one in N has spoilt copies with it), burst=N (the
    /// most in a burst), life=N (bursts until a device goes and comes back), devices=N (one in N messages of
    /// the bus is an offer or a rescind), only=TARGET+... (bus, storage, network, utilities).
    #[arg(long, value_name = "SEED[,OPTION=N]...")]
    fuzz: Option<Plan>,

    /// Prints at the end what was counted: exits, hypercalls, messages, interrupts.
    #[arg(long)]
    counters: bool,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Io {
    Inline,
    Thread,
}

/// Runs a guest until it ends.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    signals::block().context("cannot block signals")?;
    let mut vm = Vm::new(&machine(options))?;
    let server = Server::new(vm.hypervisor(), vm.memory(), bus(options));
    if let Some(path) = &options.trace {
        let file = File::create(path).with_context(|| format!("trace {}", path.display()))?;
        server.trace().tee(Box::new(file));
    }
    let controller = Controller::new(ControllerConfig {
        max_sub_channels: options.scsi_channels - 1,
        ..ControllerConfig::default()
    });
    let ide = disk::attach(&controller, &options.disks)?;
    for device in ide.into_iter().chain([controller.clone()]) {
        server.add_device(device);
    }
    let cards = nic::attach(&server, &options.nics)?;
    let services = (!options.no_ic).then(|| serve(&server));
    let attendance = services.as_ref().map(|services| attend(&mut vm, services));
    let engine = options.fuzz.clone().map(|plan| {
        let links = services.iter().flat_map(Services::links);
        let victims = Victims {
            controller: Some(controller),
            card: cards.first().cloned(),
            links: links.map(Arc::clone).collect(),
        };
        Engine::start(plan, &server, &victims)
    });

    signals::on_ending(vm.stopper()).context("cannot wait for signals")?;
    vm.start(Arc::clone(&server) as _)?;
    let reason = vm.wait();
    if let Some(engine) = engine {
        eprintln!(
            "vmbus-host: spoilt as {} says: {}",
            engine.plan(),
            engine.tally()
        );
    }
    // Nobody is to wait for a guest that has ended.
    server.on_reset();
    let counters = vm.counters();
    let crash = vm.crash();
    // The terminal is as before from here on.
    drop(vm);
    if let Some(attendance) = attendance {
        attendance
            .report()
            .iter()
            .for_each(|line| eprintln!("vmbus-host: {line}"));
    }
    if let Some(crash) = crash {
        eprintln!("vmbus-host: the guest reported a crash: {crash}");
    }
    for violation in server.violations() {
        eprintln!("vmbus-host: the guest broke a rule: {violation}");
    }
    for violation in cards.iter().flat_map(|card| card.violations().first()) {
        eprintln!("vmbus-host: the guest broke a rule of network cards: {violation}");
    }
    if options.counters {
        eprint!("{counters}");
    }
    Ok(exit_code(&reason))
}

/// Offers the utility services.
fn serve(server: &Server) -> Services {
    let services = Services::new();
    for device in services.devices() {
        server.add_device(device);
    }
    services
}

/// Uses the services, and leads the host's prompt to them.
fn attend(vm: &mut Vm, services: &Services) -> Attendance {
    let attendance = Attendance::begin(services);
    let services = services.clone();
    vm.set_commands(Box::new(move |line| prompt::execute(&services, line)));
    attendance
}

fn machine(options: &Options) -> VmConfig {
    VmConfig {
        initrd: options.initrd.clone(),
        cmdline: options.append.clone(),
        cpus: options.cpus,
        memory: options.memory,
        console: ConsoleMode::Stdio,
        agent: false,
        auto_eoi: options.auto_eoi,
        ..VmConfig::new(&options.kernel)
    }
}

fn bus(options: &Options) -> ServerConfig {
    ServerConfig {
        io: match options.io {
            Io::Inline => IoMode::Inline,
            Io::Thread => IoMode::Thread,
        },
        ..ServerConfig::up_to(options.vmbus_version)
    }
}

fn exit_code(reason: &ExitReason) -> ExitCode {
    if *reason != ExitReason::PowerOff {
        eprintln!("vmbus-host: {reason}");
    }
    match reason {
        ExitReason::PowerOff | ExitReason::Stopped => ExitCode::SUCCESS,
        ExitReason::Reset => ExitCode::from(3),
        ExitReason::TripleFault => ExitCode::from(4),
        ExitReason::Failed(_) => ExitCode::FAILURE,
    }
}
