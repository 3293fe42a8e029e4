// SPDX-License-Identifier: GPL-2.0

//! The registers of the processor that runs.

use std::cell::Cell;
use std::ffi::{CStr, c_char, c_uint};
use std::sync::OnceLock;

use qemu_plugin_sys::{
    GArray, GByteArray, qemu_plugin_get_registers, qemu_plugin_read_register,
    qemu_plugin_reg_descriptor, qemu_plugin_register,
};

unsafe extern "C" {
    fn g_array_free(array: *mut GArray, free_segment: c_uint) -> *mut c_char;
    fn g_byte_array_new() -> *mut GByteArray;
    fn g_byte_array_set_size(array: *mut GByteArray, length: c_uint) -> *mut GByteArray;
}

/// The registers that are read.
#[derive(Clone, Copy)]
pub enum Register {
    /// The base of GS.
    GsBase,
    /// What SWAPGS would make it.
    KernelGsBase,
    /// The first argument of a function.
    Rdi,
    /// The second one.
    Rsi,
}

/// What QEMU calls them, in the same order.
const NAMES: [&CStr; 4] = [c"gs_base", c"k_gs_base", c"rdi", c"rsi"];

/// How QEMU wants registers to be named in calls.
pub struct Registers([*mut qemu_plugin_register; NAMES.len()]);

// SAFETY: These are names; nothing is behind them.
unsafe impl Send for Registers {}
// SAFETY: As above.
unsafe impl Sync for Registers {}

static REGISTERS: OnceLock<Registers> = OnceLock::new();

thread_local! {
    /// Where QEMU writes a register to. One for each processor, which is never freed.
    static BUFFER: Cell<*mut GByteArray> = const { Cell::new(std::ptr::null_mut()) };
}

impl Registers {
    /// Asks for the names, from the thread of a processor. They are the same for all of them.
    pub fn find() {
        // SAFETY: Called when a processor was made.
        let list = unsafe { qemu_plugin_get_registers() };
        let mut found = [std::ptr::null_mut(); NAMES.len()];
        // SAFETY: The array is of so many descriptors.
        let descriptors = unsafe {
            let first = (*list).data.cast::<qemu_plugin_reg_descriptor>();
            std::slice::from_raw_parts(first, (*list).len as usize)
        };
        for descriptor in descriptors {
            // SAFETY: A name is a C string that is never freed.
            let name = unsafe { CStr::from_ptr(descriptor.name) };
            if let Some(index) = NAMES.iter().position(|wanted| *wanted == name) {
                found[index] = descriptor.handle;
            }
        }
        // SAFETY: The list is the caller's to free, with what it points to.
        unsafe { g_array_free(list, 1) };
        if found.iter().any(|handle| handle.is_null()) {
            eprintln!("bench-plugin: this QEMU does not have the registers {NAMES:?}");
            return;
        }
        REGISTERS.get_or_init(|| Self(found));
    }

    /// The names, once they are known.
    pub fn get() -> Option<&'static Self> {
        REGISTERS.get()
    }

    /// Reads a register of the processor that this thread is. Only from callbacks that were
    /// registered to read registers.
    pub fn read(&self, register: Register) -> u64 {
        let buffer = BUFFER.with(|buffer| {
            if buffer.get().is_null() {
                // SAFETY: No requirements.
                buffer.set(unsafe { g_byte_array_new() });
            }
            buffer.get()
        });
        // SAFETY: The buffer is one of glib's, and this thread's.
        unsafe { g_byte_array_set_size(buffer, 0) };
        // SAFETY: The name is one of QEMU's; the callers are such callbacks.
        let len = unsafe { qemu_plugin_read_register(self.0[register as usize], buffer) };
        if len != 8 {
            return 0;
        }
        // SAFETY: So many bytes were written.
        u64::from_le_bytes(unsafe { *(*buffer).data.cast::<[u8; 8]>() })
    }
}
