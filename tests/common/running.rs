//! Runs that a test watches, limits or ends, and what they leave.

use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

/// svala, to be started.
pub fn svala_command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_svala"));
    command.args(arguments);
    watched(command)
}

/// svala, to be started by a shell behind this piece of script, such as a limit.
pub fn svala_behind(script: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{script}; exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_svala")]).args(arguments);
    watched(command)
}

/// svala without the rights by which the system's user writes where nobody may.
pub fn svala_unprivileged(arguments: &[&str]) -> Command {
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n");
    if !is_root {
        return svala_command(arguments);
    }
    let mut command = Command::new("setpriv");
    command.args(["--inh-caps=-all", "--bounding-set=-all", env!("CARGO_BIN_EXE_svala")]).args(arguments);
    watched(command)
}

/// Without input unless it gets some, and with all that is said kept.
fn watched(mut command: Command) -> Command {
    // Where memory is refused, Rust would add how the program came there.
    command.env_remove("RUST_BACKTRACE").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// What a finished run says on standard error.
pub fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A run whose input is held by the test.
pub struct Running {
    /// The run itself.
    pub child: Child,
}

impl Running {
    /// Starts a run, gives it some of its standard input and waits until it has `begun`.
    pub fn start(mut command: Command, input: &[u8], begun: impl Fn() -> bool) -> Self {
        let mut child = command.stdin(Stdio::piped()).spawn().expect("svala starts");
        child.stdin.as_mut().expect("a pipe").write_all(input).expect("svala reads");
        wait_until(begun);
        Self { child }
    }

    /// Gives it the rest and waits for its end, which may come before it has read all.
    pub fn finish(mut self, input: &[u8]) -> Output {
        let _ = self.child.stdin.take().expect("a pipe").write_all(input);
        self.child.wait_with_output().expect("svala ends")
    }
}

/// Waits until something is so, up to a minute.
pub fn wait_until(condition: impl Fn() -> bool) {
    for _ in 0..6000 {
        if condition() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("waited for a minute");
}

/// The names in a folder, hidden ones too.
pub fn listing(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("the folder");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}
