//! Whether the system has threads to give, asked before a library starts some and would panic without them.

use std::{
    io,
    thread::{self, Builder},
};

use crossbeam_channel::bounded;

/// Starts so many threads at once, and ends them.
pub(crate) fn ask_for(count: usize) -> io::Result<()> {
    let refused = |source| io::Error::other(format!("cannot start {count} threads: {source}; use fewer"));
    thread::scope(|scope| {
        // They wait until it is dropped.
        let (_hold, held) = bounded::<()>(0);
        for _ in 0..count {
            let held = held.clone();
            Builder::new().spawn_scoped(scope, move || held.recv()).map_err(refused)?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn some_threads_can_be_had_and_end() {
        super::ask_for(0).unwrap();
        super::ask_for(5).unwrap();
    }
}
