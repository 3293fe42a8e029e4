// SPDX-License-Identifier: GPL-2.0

//! Counts the instructions that the kernel of a guest's guest executes.
//!
//! QEMU tells a plugin about each block of code when it is translated and whenever it runs. While
//! counting is on, each run of a block at a kernel address is counted, if the CPU's GS base is that of
//! the guest under test: the kernel around it may use the same addresses, but not the same memory
//! for its processor.
//!
//! A program in the guest switches counting on and off by a marker, an instruction that does nothing
//! but has an odd operand. It runs in user mode, where the kernel's GS base is in a register of
//! its own, from which the plugin learns it. One virtual processor is counted.
//!
//! The argument `out=FOLDER` says where results go: when counting number *n* ends, a file *n* is
//! written there, of lines `ADDRESS INSTRUCTIONS RUNS`, one a block.

mod registers;

use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use qemu_plugin_sys::{
    QEMU_PLUGIN_VERSION, qemu_info_t, qemu_plugin_cb_flags, qemu_plugin_cond, qemu_plugin_id_t,
    qemu_plugin_insn, qemu_plugin_insn_data, qemu_plugin_num_vcpus,
    qemu_plugin_register_vcpu_init_cb, qemu_plugin_register_vcpu_insn_exec_cb,
    qemu_plugin_register_vcpu_tb_exec_cond_cb, qemu_plugin_register_vcpu_tb_trans_cb,
    qemu_plugin_scoreboard_new, qemu_plugin_tb, qemu_plugin_tb_get_insn, qemu_plugin_tb_n_insns,
    qemu_plugin_tb_vaddr, qemu_plugin_u64, qemu_plugin_u64_set,
};
use registers::{Register, Registers};

/// `nopl 0x48566231(%rax,%rax,1)`.
const MARKER: [u8; 8] = [0x0f, 0x1f, 0x84, 0x00, 0x31, 0x62, 0x56, 0x48];

/// What the instructions of a virtual machine monitor begin with: VMRUN, VMLOAD, VMSAVE.
const MONITOR: [[u8; 3]; 3] = [[0x0f, 0x01, 0xd8], [0x0f, 0x01, 0xda], [0x0f, 0x01, 0xdb]];

/// The marker with this in RDI begins a counting.
const START: u64 = 1;
/// With this it ends, and RSI is its number.
const STOP: u64 = 2;

/// The version of the interface that this was written for.
#[unsafe(no_mangle)]
pub static qemu_plugin_version: c_int = QEMU_PLUGIN_VERSION as c_int;

/// A block of code.
struct Block {
    address: u64,
    instructions: u64,
    runs: AtomicU64,
}

/// What there is one of.
struct State {
    out: PathBuf,
    /// 1 for each virtual processor while counting is on.
    on: Entry,
    /// The GS base of the kernel that is counted.
    base: AtomicU64,
    /// Blocks by address and number of instructions. They stay where they are.
    blocks: Mutex<HashMap<(u64, u64), &'static Block>>,
}

/// A number of each virtual processor.
struct Entry(qemu_plugin_u64);

// SAFETY: QEMU's functions for it may be called on any thread.
unsafe impl Send for Entry {}
// SAFETY: As above.
unsafe impl Sync for Entry {}

static STATE: OnceLock<State> = OnceLock::new();

impl State {
    fn mark(&self, registers: &Registers) {
        match registers.read(Register::Rdi) {
            START => {
                for block in self.lock().values() {
                    block.runs.store(0, Ordering::Relaxed);
                }
                let base = registers.read(Register::KernelGsBase);
                self.base.store(base, Ordering::Relaxed);
                self.switch(1);
            }
            STOP => {
                self.switch(0);
                self.write(registers.read(Register::Rsi));
            }
            _ => (),
        }
    }

    fn switch(&self, on: u64) {
        // SAFETY: No requirements.
        let cpus = unsafe { qemu_plugin_num_vcpus() };
        for cpu in 0..c_uint::try_from(cpus).unwrap_or(0) {
            // SAFETY: The entry is of a scoreboard that is never freed, and there are so many.
            unsafe { qemu_plugin_u64_set(self.on.0, cpu, on) };
        }
    }

    fn write(&self, number: u64) {
        let mut text = String::new();
        for block in self.lock().values() {
            let runs = block.runs.load(Ordering::Relaxed);
            if runs != 0 {
                let _ = writeln!(text, "{:x} {} {runs}", block.address, block.instructions);
            }
        }
        let path = self.out.join(number.to_string());
        if let Err(error) = std::fs::write(&path, text) {
            eprintln!("bench-plugin: {}: {error}", path.display());
        }
    }

    fn block(&self, address: u64, instructions: u64) -> &'static Block {
        self.lock()
            .entry((address, instructions))
            .or_insert_with(|| {
                Box::leak(Box::new(Block {
                    address,
                    instructions,
                    runs: AtomicU64::new(0),
                }))
            })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(u64, u64), &'static Block>> {
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// QEMU calls this when it loads the plugin.
///
/// # Safety
///
/// `arguments` are `count` C strings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qemu_plugin_install(
    id: qemu_plugin_id_t,
    _info: *const qemu_info_t,
    count: c_int,
    arguments: *const *const c_char,
) -> c_int {
    let arguments = (0..usize::try_from(count).unwrap_or(0)).map(|index| {
        // SAFETY: By the requirements.
        unsafe { CStr::from_ptr(*arguments.add(index)) }.to_string_lossy()
    });
    let mut folders =
        arguments.filter_map(|argument| argument.strip_prefix("out=").map(PathBuf::from));
    let Some(out) = folders.next() else {
        eprintln!("bench-plugin: out=FOLDER is missing");
        return -1;
    };
    let on = Entry(qemu_plugin_u64 {
        // SAFETY: No requirements. It is never freed.
        score: unsafe { qemu_plugin_scoreboard_new(size_of::<u64>()) },
        offset: 0,
    });
    STATE.get_or_init(|| State {
        out,
        on,
        base: AtomicU64::new(0),
        blocks: Mutex::default(),
    });
    // SAFETY: The functions are of the right types, and stay for as long as QEMU runs.
    unsafe {
        qemu_plugin_register_vcpu_init_cb(id, Some(processor_made));
        qemu_plugin_register_vcpu_tb_trans_cb(id, Some(translated));
    }
    0
}

unsafe extern "C" fn processor_made(_id: qemu_plugin_id_t, _cpu: c_uint) {
    Registers::find();
}

unsafe extern "C" fn translated(_id: qemu_plugin_id_t, tb: *mut qemu_plugin_tb) {
    let Some(state) = STATE.get() else { return };
    // SAFETY: QEMU lends the block for the time of this call.
    let (address, count) = unsafe { (qemu_plugin_tb_vaddr(tb), qemu_plugin_tb_n_insns(tb)) };
    if address >> 63 == 0 {
        return find_markers(tb, count);
    }
    // The monitor has loaded its guest's GS base when it comes to these.
    let mut code = instructions(tb, count);
    if code.any(|(_, bytes)| MONITOR.iter().any(|monitor| bytes.starts_with(monitor))) {
        return;
    }
    let block: *const Block = state.block(address, count as u64);
    // SAFETY: The function is of the right type; its data are never freed.
    unsafe {
        qemu_plugin_register_vcpu_tb_exec_cond_cb(
            tb,
            Some(ran),
            qemu_plugin_cb_flags::QEMU_PLUGIN_CB_R_REGS,
            qemu_plugin_cond::QEMU_PLUGIN_COND_EQ,
            state.on.0,
            1,
            block.cast_mut().cast(),
        );
    }
}

/// The instructions of a block, and the first bytes of each.
fn instructions(
    tb: *mut qemu_plugin_tb,
    count: usize,
) -> impl Iterator<Item = (*mut qemu_plugin_insn, Vec<u8>)> {
    (0..count).map(move |index| {
        // SAFETY: The block has so many instructions.
        let instruction = unsafe { qemu_plugin_tb_get_insn(tb, index) };
        let mut bytes = vec![0; MARKER.len()];
        // SAFETY: There is room for so many bytes.
        let len =
            unsafe { qemu_plugin_insn_data(instruction, bytes.as_mut_ptr().cast(), bytes.len()) };
        bytes.truncate(len);
        (instruction, bytes)
    })
}

fn find_markers(tb: *mut qemu_plugin_tb, count: usize) {
    let markers = instructions(tb, count).filter(|(_, bytes)| bytes[..] == MARKER);
    for (instruction, _) in markers {
        // SAFETY: The function is of the right type.
        unsafe {
            qemu_plugin_register_vcpu_insn_exec_cb(
                instruction,
                Some(marked),
                qemu_plugin_cb_flags::QEMU_PLUGIN_CB_R_REGS,
                std::ptr::null_mut(),
            );
        }
    }
}

unsafe extern "C" fn marked(_cpu: c_uint, _data: *mut c_void) {
    if let (Some(state), Some(registers)) = (STATE.get(), Registers::get()) {
        state.mark(registers);
    }
}

unsafe extern "C" fn ran(_cpu: c_uint, data: *mut c_void) {
    let (Some(state), Some(registers)) = (STATE.get(), Registers::get()) else {
        return;
    };
    if registers.read(Register::GsBase) != state.base.load(Ordering::Relaxed) {
        return;
    }
    // SAFETY: Registered in `translated` with a block that is never freed.
    let block = unsafe { &*data.cast_const().cast::<Block>() };
    block.runs.fetch_add(1, Ordering::Relaxed);
}
