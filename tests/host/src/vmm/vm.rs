// SPDX-License-Identifier: GPL-2.0

//! The virtual machine as a whole.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use kvm_bindings::{KVM_PIT_SPEAKER_DUMMY, kvm_pit_config};
use kvm_ioctls::{Kvm, VcpuFd, VmFd};
use vm_memory::GuestMemoryMmap;
use vmm_sys_util::signal::Killable;

use super::agent::{Agent, AgentOutput};
use super::config::{ConsoleMode, VmConfig};
use super::console::{self, Console, ConsoleWriter};
use super::counters::{CounterSnapshot, Counters};
use super::cpuid::Template;
use super::error::{Error, Result};
use super::exit::{CrashReport, EndState, ExitReason};
use super::hypercall::Hypercalls;
use super::irq::IrqLine;
use super::ports::{Ports, SerialPlace, SerialPort};
use super::prompt::Commands;
use super::run::Machine;
use super::synic::Synic;
use super::terminal::Keyboard;
use super::{acpi, boot, irq, kvm_sys, layout, memory, probe, vcpu};
use crate::hv::{Guest, Hypervisor};

/// How often the kick signal is repeated: it may come just before a thread enters the guest.
const KICK_INTERVAL: Duration = Duration::from_millis(2);

/// A virtual machine. Dropped, it stops.
pub struct Vm {
    // The order of the fields is that of their end: no thread runs once the supervisor is joined.
    supervisor: Option<JoinHandle<()>>,
    keyboard: Option<Keyboard>,
    vcpus: Vec<VcpuFd>,
    console: Arc<ConsoleWriter>,
    agent: Option<Agent>,
    console_port: Arc<SerialPort>,
    ports: Arc<Ports>,
    synic: Arc<Synic>,
    memory: Arc<GuestMemoryMmap>,
    counters: Arc<Counters>,
    end: Arc<EndState>,
    crash: Arc<Mutex<Option<CrashReport>>>,
    stdio: bool,
    commands: Option<Commands>,
}

impl Vm {
    /// Makes a virtual machine with a kernel in its memory.
    ///
    /// # Errors
    ///
    /// Whatever keeps the guest from being made: see [`Error`].
    pub fn new(config: &VmConfig) -> Result<Self> {
        config.check()?;
        let kvm = probe::open()?;
        let (vm, memory) = create_machine(&kvm, config)?;
        let entry = boot::load(&memory, config)?;
        acpi::write(&memory, config)?;

        let cpuid = Template::new(&kvm, config)?;
        let vcpus = (0..config.cpus)
            .map(|vp| vcpu::create(&vm, vp, &cpuid, (vp == 0).then_some(entry)))
            .collect::<Result<Vec<_>>>()?;
        irq::set_routing(&vm, config.cpus)?;

        let counters = Arc::<Counters>::default();
        let synic = Synic::new(vm.clone(), memory.clone(), counters.clone(), config.cpus)?;
        let (output, console) = console::open(&config.console)?;
        let line = |place: &SerialPlace| IrqLine::new(vm.clone(), place.irq);
        let console_port = Arc::new(SerialPort::new(line(&SerialPlace::CONSOLE), output));
        let agent = config.agent.then(|| {
            let output = AgentOutput::new();
            let port = SerialPort::new(line(&SerialPlace::AGENT), output.clone());
            let port = Arc::new(port);
            (Agent::new(port.clone(), output), port)
        });
        let (agent, agent_port) = agent.unzip();
        Ok(Self {
            supervisor: None,
            keyboard: None,
            vcpus,
            console: Arc::new(console),
            agent,
            ports: Arc::new(Ports::new(console_port.clone(), agent_port)),
            console_port,
            synic,
            memory,
            counters,
            end: Arc::default(),
            crash: Arc::default(),
            stdio: config.console == ConsoleMode::Stdio,
            commands: None,
        })
    }

    /// The guest's memory.
    pub fn memory(&self) -> Arc<GuestMemoryMmap> {
        self.memory.clone()
    }

    /// What a VMBus server needs of this virtual machine.
    pub fn hypervisor(&self) -> Arc<dyn Hypervisor> {
        self.synic.clone()
    }

    /// The console's output.
    pub fn console(&self) -> &Console {
        self.console.console()
    }

    /// Types `bytes` on the console. Returns how many there was room for.
    ///
    /// # Errors
    ///
    /// `WouldBlock` if the guest has left too many unread.
    pub fn type_in(&self, bytes: &[u8]) -> std::io::Result<usize> {
        self.console_port.input(bytes)
    }

    /// The agent port, where the configuration has one.
    pub fn agent(&self) -> Option<Agent> {
        self.agent.clone()
    }

    /// Lets the guest's reference time jump ahead.
    ///
    /// # Errors
    ///
    /// If KVM refuses.
    pub fn advance_reference_time(&self, by: Duration) -> Result<()> {
        self.synic.advance_reference_time(by)
    }

    /// Sends a non-maskable interrupt, which a guest that has interrupts off takes too.
    ///
    /// # Errors
    ///
    /// If KVM refuses.
    pub fn send_nmi(&self) -> Result<()> {
        irq::send_nmi(self.synic.vm())
    }

    /// What was counted so far.
    pub fn counters(&self) -> CounterSnapshot {
        self.counters.snapshot()
    }

    /// What the guest reported when it crashed, if it did.
    pub fn crash(&self) -> Option<CrashReport> {
        *self.crash.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the host's prompt does, where the console is the terminal. Before [`Vm::start`].
    pub fn set_commands(&mut self, commands: Commands) {
        self.commands = Some(commands);
    }

    /// Runs the guest, whose VMBus calls go to `guest`. Only the first call has an effect.
    ///
    /// # Errors
    ///
    /// If threads cannot be started or the terminal cannot be used.
    pub fn start(&mut self, guest: Arc<dyn Guest>) -> Result<()> {
        if self.vcpus.is_empty() {
            return Ok(());
        }
        kvm_sys::install_kick_handler().map_err(Error::system("install a signal handler"))?;
        if self.stdio {
            let keyboard = Keyboard::open(
                self.console_port.clone(),
                self.end.clone(),
                self.commands.take(),
            );
            self.keyboard = Some(keyboard.map_err(Error::system("use the terminal"))?);
        }
        let machine = Arc::new(self.machine(guest));
        let mut threads = Vec::new();
        for (vp, vcpu) in (0..).zip(self.vcpus.drain(..)) {
            let machine = machine.clone();
            let thread = spawn(format!("vcpu{vp}"), move || machine.run(vp, vcpu));
            match thread {
                Ok(thread) => threads.push(thread),
                Err(error) => {
                    self.end.record(ExitReason::Failed(error.to_string()));
                    join(threads);
                    return Err(error);
                }
            }
        }
        let (end, console, agent) = (self.end.clone(), self.console.clone(), self.agent.clone());
        self.supervisor = Some(spawn("supervisor".to_owned(), move || {
            end.wait_for_reason();
            join(threads);
            console.close();
            agent.iter().for_each(Agent::close);
            end.complete();
        })?);
        Ok(())
    }

    /// Waits for the end of the guest.
    pub fn wait(&self) -> ExitReason {
        self.end.wait(None).unwrap_or(ExitReason::Stopped)
    }

    /// Waits for the end of the guest, at most for `timeout`.
    pub fn wait_timeout(&self, timeout: Duration) -> Option<ExitReason> {
        self.end.wait(Instant::now().checked_add(timeout))
    }

    /// Stops the guest; [`Vm::wait`] says when it has.
    pub fn stop(&self) {
        self.end.record(ExitReason::Stopped);
    }

    /// What stops the guest, from any thread.
    pub fn stopper(&self) -> impl FnOnce() + Send + 'static {
        let end = self.end.clone();
        move || end.record(ExitReason::Stopped)
    }

    fn machine(&self, guest: Arc<dyn Guest>) -> Machine {
        Machine {
            ports: self.ports.clone(),
            synic: self.synic.clone(),
            hypercalls: Hypercalls::new(self.memory.clone(), guest.clone(), self.counters.clone()),
            guest,
            counters: self.counters.clone(),
            end: self.end.clone(),
            crash: self.crash.clone(),
        }
    }
}

impl Drop for Vm {
    fn drop(&mut self) {
        self.stop();
        if let Some(supervisor) = self.supervisor.take() {
            // A panic of the thread has been reported by itself.
            supervisor.join().ok();
        }
    }
}

/// The virtual machine without processors: memory, interrupt controllers, timer.
fn create_machine(kvm: &Kvm, config: &VmConfig) -> Result<(Arc<VmFd>, Arc<GuestMemoryMmap>)> {
    let vm = kvm
        .create_vm()
        .map_err(Error::kvm("make a virtual machine"))?;
    vm.set_identity_map_address(layout::IDENTITY_MAP)
        .map_err(Error::kvm("set the identity map's address"))?;
    vm.set_tss_address(layout::TSS as usize)
        .map_err(Error::kvm("set the task state segment's address"))?;
    let memory = memory::allocate(config.memory)?;
    memory::register(&vm, &memory)?;
    vm.create_irq_chip()
        .map_err(Error::kvm("make interrupt controllers"))?;
    let pit = kvm_pit_config {
        flags: KVM_PIT_SPEAKER_DUMMY,
        ..Default::default()
    };
    vm.create_pit2(pit).map_err(Error::kvm("make a timer"))?;
    Ok((Arc::new(vm), Arc::new(memory)))
}

fn spawn(name: String, body: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    thread::Builder::new()
        .name(name)
        .spawn(body)
        .map_err(Error::system("start a thread"))
}

/// Takes the processors' threads out of the guest and waits for their end.
fn join(mut threads: Vec<JoinHandle<()>>) {
    loop {
        threads.retain(|thread| !thread.is_finished());
        if threads.is_empty() {
            return;
        }
        for thread in &threads {
            // A thread that has just ended cannot be kicked, and need not be.
            thread.kill(kvm_sys::kick_signal()).ok();
        }
        thread::sleep(KICK_INTERVAL);
    }
}
