//! svala doesn't use the network: nothing that could is linked into it, and no run opens a socket to one.

mod common;

use std::collections::HashMap;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::Arc;

use common::{READS, conclude, data, has_program, indexed_reference, text, trial, trial_if};

/// Crates that talk to a network, or are there for those that do; `*` stands for any end of a name.
const NETWORK_CRATES: [&str; 62] = [
    "actix*",
    "aes-gcm-siv-http",
    "async-h1",
    "async-http*",
    "async-io",
    "async-net",
    "async-native-tls",
    "async-std",
    "attohttpc",
    "awc",
    "aws-*",
    "axum*",
    "azure_*",
    "boring*",
    "c-ares*",
    "cloudflare*",
    "curl*",
    "dns-lookup",
    "elasticsearch",
    "fastwebsockets",
    "ftp*",
    "google-cloud*",
    "grpcio*",
    "h2",
    "h3*",
    "hickory*",
    "http-client",
    "hyper*",
    "if-addrs",
    "ipnet",
    "isahc",
    "lettre",
    "libp2p*",
    "libssh2-sys",
    "mio*",
    "mysql*",
    "native-tls",
    "object_store",
    "opendal*",
    "openssl*",
    "opentelemetry-otlp",
    "postgres*",
    "quiche",
    "quinn*",
    "redis",
    "reqwest*",
    "rumqtt*",
    "russh*",
    "rustls*",
    "s2n*",
    "sentry*",
    "smol*",
    "socket2",
    "ssh2",
    "suppaftp",
    "surf",
    "tokio*",
    "tonic*",
    "tungstenite*",
    "ureq*",
    "warp",
    "zmq*",
];

/// What wgpu needs in a web browser, where svala doesn't run; it can use tokio, and nothing else here leads to that.
const FOR_BROWSERS: &str = "wasm-bindgen-futures";

/// What source code would have to say.
const NETWORK_WORDS: [&str; 6] = ["std::net", "net::", "TcpStream", "UdpSocket", "TcpListener", "ToSocketAddrs"];

fn is_denied(name: &str) -> bool {
    NETWORK_CRATES.iter().any(|denied| match denied.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == *denied,
    })
}

/// The direct dependencies of a crate of this workspace, for every system, without what only tests use.
fn direct_dependencies(manifest: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(manifest).expect("a manifest");
    let (mut names, mut counts) = (Vec::new(), false);
    for line in text.lines() {
        if let Some(section) = line.strip_prefix('[') {
            let section = section.trim_end_matches(']').rsplit('.').next().unwrap_or_default();
            counts = ["dependencies", "build-dependencies"].contains(&section) && line != "[workspace.dependencies]";
        } else if counts && let Some((key, _)) = line.split_once('=') {
            names.push(key.trim().split('.').next().unwrap_or_default().to_owned());
        }
    }
    names
}

/// What each package of the lock file depends on, by name.
fn locked(root: &Path) -> HashMap<String, Vec<String>> {
    let text = std::fs::read_to_string(root.join("Cargo.lock")).expect("the lock file");
    let mut packages: HashMap<String, Vec<String>> = HashMap::new();
    for package in text.split("[[package]]").skip(1) {
        let quoted = |line: &str| line.split('"').nth(1).map(|text| text.split(' ').next().unwrap_or(text).to_owned());
        let name = package.lines().find(|line| line.starts_with("name = ")).and_then(quoted).expect("a name");
        let needs = package.lines().skip_while(|line| !line.starts_with("dependencies")).skip(1).map_while(quoted);
        packages.entry(name).or_default().extend(needs);
    }
    packages
}

/// All that the program is made of, and more: what is locked for features and systems that nobody asked for.
fn no_crate_of_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let packages = locked(root);
    let manifests = ["Cargo.toml", "crates/io/Cargo.toml", "crates/map/Cargo.toml", "crates/compute/Cargo.toml"];
    let mut open: Vec<String> = manifests.iter().flat_map(|path| direct_dependencies(&root.join(path))).collect();
    let mut names: Vec<String> = Vec::new();
    while let Some(name) = open.pop() {
        if names.contains(&name) {
            continue;
        }
        let needs = packages.get(&name).unwrap_or_else(|| panic!("{name} is not locked"));
        // Those of our own crates are there already, without what their tests need.
        if !name.starts_with("svala") && name != FOR_BROWSERS {
            open.extend(needs.iter().cloned());
        }
        names.push(name);
    }
    let has = |name: &str| names.iter().any(|known| known == name);
    assert!(
        names.len() > 80 && ["wgpu-core", "noodles-bgzf", "clap_builder", "svala-io", "rustix"].into_iter().all(has)
    );
    assert!(!has("criterion") && !has("proptest"), "what only tests use is here: {names:?}");
    let denied: Vec<&String> = names.iter().filter(|name| is_denied(name)).collect();
    assert!(denied.is_empty(), "{denied:?}");
    assert!(["tokio", "hyper-util", "rustls-pki-types"].into_iter().all(is_denied) && !is_denied("hashbrown"));
}

fn no_word_of_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut folders, mut files) = (vec![root.join("crates")], 0);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let source = std::fs::read_to_string(&path).expect("a file");
                let found = NETWORK_WORDS.iter().find(|word| source.contains(**word));
                assert_eq!(found, None, "{}", path.display());
                files += 1;
            }
        }
    }
    assert!(files > 100);
}

/// The network calls of a program, one a line.
fn traced(program: &str, arguments: &[&str]) -> Vec<String> {
    let trace = tempfile::NamedTempFile::new().expect("a file");
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-e", "trace=network", "-e", "signal=none", "-o", text(trace.path()), program]);
    let output = command.args(arguments).output().expect("strace starts");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    std::fs::read_to_string(trace.path()).expect("a trace").lines().map(str::to_owned).collect()
}

/// Sockets between programs of one machine are no network: drivers of GPUs look for a display or a compositor by them.
fn is_of_a_network(call: &str) -> bool {
    call.contains("socket(") && !call.contains("AF_UNIX")
}

fn no_socket_of_it(reference: &Path, folder: &Path, backend: &str) {
    let [first, second] = READS.map(data);
    let output = folder.join(format!("{backend}.bam"));
    let (report, model) = (folder.join(format!("{backend}.html")), folder.join(format!("{backend}.json")));
    let align = ["align", "-q", "--backend", backend, "--ref", text(reference), "-o", text(&output)];
    let inputs = ["-1", text(&first), "-2", text(&second), "--report", text(&report)];
    let runs = [
        vec!["index", text(reference)],
        [&align[..], &inputs].concat(),
        vec!["insert-size", "--backend", backend, text(reference), text(&first), text(&second), "-o", text(&model)],
        vec!["verify", text(&output)],
        vec!["doctor", "--jobs", "10"],
    ];
    for run in runs {
        let calls = traced(env!("CARGO_BIN_EXE_svala"), &run);
        let found: Vec<&String> = calls.iter().filter(|call| is_of_a_network(call)).collect();
        assert!(found.is_empty(), "{run:?}: {found:?}");
        // Whatever it says over a socket, it must first have one.
        let connects = calls.iter().filter(|call| call.contains("connect(") && !call.contains("AF_UNIX")).count();
        assert_eq!(connects, 0, "{run:?}: {calls:?}");
    }
}

/// A program that does use one is seen.
fn a_socket_is_seen() {
    let script = "exec 3<>/dev/udp/127.0.0.1/9";
    let calls = traced("bash", &["-c", script]);
    assert!(calls.iter().any(|call| is_of_a_network(call)), "{calls:?}");
}

fn main() -> ExitCode {
    let folder = Arc::new(tempfile::tempdir().expect("a temporary folder"));
    let reference = Arc::new(indexed_reference(folder.path()));
    let has_strace = has_program("strace") && has_program("bash");
    let with_strace = |name: &str, body: Box<dyn FnOnce() + Send>| {
        trial_if(name, has_strace, "there is no strace or bash", "SVALA_REQUIRE_TOOLS", body)
    };
    let probe = ["mem", "--quiet", "--backend", "gpu", text(&reference), text(&data(READS[0]))].map(str::to_owned);
    let has_gpu = common::svala(&probe.each_ref().map(String::as_str)).status.success();
    let run = |backend: &'static str| {
        let (folder, reference) = (Arc::clone(&folder), Arc::clone(&reference));
        Box::new(move || no_socket_of_it(&reference, folder.path(), backend))
    };
    let mut trials = vec![
        trial("no crate of a network is linked", no_crate_of_it),
        trial("no source speaks of a network", no_word_of_it),
        with_strace("a socket is seen", Box::new(a_socket_is_seen)),
        with_strace("runs open no socket to a network", run("cpu")),
    ];
    trials.push(trial_if(
        "runs with a GPU open no socket to a network",
        has_gpu && has_strace,
        "there is no GPU, or no strace",
        "SVALA_REQUIRE_GPU",
        run("gpu"),
    ));
    conclude(trials)
}
