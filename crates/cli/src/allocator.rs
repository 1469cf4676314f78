//! Memory from the system, and a word where it has none: else some libraries abort, others panic, and each says it in its own way.
#![allow(unsafe_code, reason = "an allocator is unsafe by nature")]

use std::alloc::{GlobalAlloc, Layout, System};
#[cfg(unix)]
use std::sync::atomic::{AtomicBool, Ordering};

/// The system's allocator. Where it refuses, the program ends with a line and exit code 1; what has been written stays unnamed, and
/// the next run to the same output removes it.
pub struct SystemOrEnd;

// SAFETY: every call is passed on as it came, and what is returned is the answer.
unsafe impl GlobalAlloc for SystemOrEnd {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller promises what this asks for.
        granted(unsafe { System.alloc(layout) })
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller promises what this asks for.
        granted(unsafe { System.alloc_zeroed(layout) })
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        // SAFETY: the caller promises what this asks for.
        granted(unsafe { System.realloc(memory, layout, bytes) })
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller promises what this asks for.
        unsafe { System.dealloc(memory, layout) }
    }
}

fn granted(memory: *mut u8) -> *mut u8 {
    if memory.is_null() {
        end();
    }
    memory
}

/// Whether some thread is saying why the program ends.
#[cfg(unix)]
static IS_ENDING: AtomicBool = AtomicBool::new(false);

/// Says it once, without taking memory, and ends the program.
#[cfg(unix)]
#[cold]
pub fn end() {
    const WORDS: &[u8] =
        b"svala: not enough memory; give it more, or use fewer threads (-t) or less for sorting (--max-mem)\n";
    if has_last_word() {
        // Without standard error nobody can be told.
        let _ = rustix::io::write(rustix::stdio::stderr(), WORDS);
    }
    signal_hook::low_level::exit(1);
}

/// Whether this thread is the one to say why the program ends. Others wait, some seconds, for it to end.
#[cfg(unix)]
pub fn has_last_word() -> bool {
    const SECONDS: u64 = 5;
    if !IS_ENDING.swap(true, Ordering::Relaxed) {
        return true;
    }
    std::thread::sleep(std::time::Duration::from_secs(SECONDS));
    false
}

/// On this system nobody else says anything.
#[cfg(not(unix))]
pub fn has_last_word() -> bool {
    true
}

/// On this system Rust says it.
#[cfg(not(unix))]
pub fn end() {}
