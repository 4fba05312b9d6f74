//! A program as a process of its own: signals, ports, panics, exit codes.
//!
//! The process is this test binary, started again to be the toy program.

#![expect(
    clippy::unwrap_used,
    reason = "tests panic, and so do the functions that they share"
)]

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStderr, Command, Stdio};

use quadrille::config::{Layout, Loaded};
use quadrille::program::{self, About, Exit, Failure, Host, Program};
use serde::Deserialize;

/// Holds the toy's arguments, one a line, where this process is to be the toy.
const ARGUMENTS: &str = "QUADRILLE_TEST_TOY_ARGUMENTS";

/// Waits until it is stopped, or ends in another way if told so.
struct Toy;

#[derive(Deserialize)]
struct Options {
    ends: String,
}

impl Program for Toy {
    fn about(&self) -> About {
        About {
            name: "toy",
            version: "1.2.3",
            summary: "Waits until it is stopped",
        }
    }

    fn layout(&self) -> Layout {
        Layout::bus().with(
            "[health]\nlisten = \"127.0.0.1:0\"\n\
             # The toy.\n[toy]\n# How it ends.\n\
             ends = \"stopped\" # one of: stopped, never, panic, unreachable\n",
        )
    }

    fn contract(&self, _loaded: &Loaded) -> Result<String, Failure> {
        Ok("{}".to_owned())
    }

    async fn run(self, host: Host) -> Result<(), Failure> {
        host.health.started();
        let options: Options = host.loaded.section("toy")?;
        match options.ends.as_str() {
            "panic" => panic!("the toy is broken"),
            "unreachable" => {
                Err(Failure::new(Exit::Unreachable, "no broker answers")
                    .mend("start it: quadrille up"))
            }
            "never" => std::future::pending().await,
            _ => {
                host.stop.requested().await;
                Ok(())
            }
        }
    }
}

/// The toy as a process.
struct Process {
    child: Child,
    lines: BufReader<ChildStderr>,
}

impl Process {
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "without_signals_the_toy_is_just_checked",
                "--nocapture",
            ])
            .env(ARGUMENTS, arguments.join("\n"))
            .env_remove("RUST_BACKTRACE")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap());
        Self { child, lines }
    }

    /// Reads until a line has the words. Fails where the process ends before.
    fn line_with(&mut self, words: &str) -> String {
        let mut seen = String::new();
        loop {
            let start = seen.len();
            let read = self.lines.read_line(&mut seen).unwrap();
            assert!(read > 0, "no line with {words:?} in:\n{seen}");
            if seen[start..].contains(words) {
                return seen[start..].to_owned();
            }
        }
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status();
        assert!(sent.unwrap().success(), "signal {name} to {id}");
    }

    /// The exit code, and the rest of what was printed.
    fn end(mut self) -> (i32, String) {
        let mut rest = String::new();
        self.lines.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap().code().unwrap(), rest)
    }
}

/// A process must not outlive a test that failed.
impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The address in a line of the log.
fn address_in(line: &str) -> String {
    let (_, address) = line.split_once("address=").unwrap();
    address.split_whitespace().next().unwrap().to_owned()
}

fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// Is the toy itself where its arguments are given, and ends the process then.
#[test]
fn without_signals_the_toy_is_just_checked() {
    let start = |arguments: &str| {
        let arguments = std::iter::once("toy").chain(arguments.lines());
        program::start(Toy, arguments.map(OsString::from), [])
    };
    if let Ok(arguments) = std::env::var(ARGUMENTS) {
        std::process::exit(start(&arguments) as i32);
    }
    assert_eq!(start("--check-config"), Exit::Done);
    assert_eq!(start("--set\ntoy.ends=badly"), Exit::Configuration);
}

#[test]
fn a_signal_stops_a_program_when_its_work_is_done() {
    for signal in ["TERM", "INT"] {
        // Given a program that is ready.
        let mut toy = Process::start(&[]);
        let address = address_in(&toy.line_with("health port open"));
        while !get(&address, "/readyz").starts_with("HTTP/1.1 200 OK") {}

        // When it is asked to stop.
        toy.signal(signal);

        // Then it says so, and ends well.
        let (exit, rest) = toy.end();
        assert_eq!(exit, 0);
        assert!(
            rest.contains("stopping when the work in hand is done")
                && rest.contains(&format!("signal=\"SIG{signal}\"")),
            "{rest}"
        );
    }
}

#[test]
fn a_program_that_stops_is_no_longer_ready_and_a_second_signal_ends_it() {
    // Given a program that does not get done with its work.
    let mut toy = Process::start(&["--set", "toy.ends=never"]);
    let address = address_in(&toy.line_with("health port open"));

    // When it is asked to stop.
    toy.signal("TERM");
    toy.line_with("stopping when the work in hand is done");

    // Then it is alive, but not ready.
    while !get(&address, "/readyz").contains("\"state\":\"draining\"") {}
    assert!(get(&address, "/healthz").starts_with("HTTP/1.1 200 OK"));

    // And when it is asked once more, it ends at once.
    toy.signal("TERM");
    let (exit, rest) = toy.end();
    assert_eq!(exit, 1);
    assert!(rest.contains("WARN"), "{rest}");
    assert!(rest.contains("ended at once by a second signal"), "{rest}");
}

#[test]
fn a_port_that_is_taken_is_a_wrong_configuration() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let toy = Process::start(&["--set", &format!("health.listen={address}")]);
    let (exit, printed) = toy.end();
    assert_eq!(exit, 64);
    assert_eq!(
        printed,
        format!(
            "error: cannot listen on {address}, as `health.listen` says (--set health.listen)\n  \
             caused by: Address already in use (os error 98)\n  \
             mend: stop what listens there, or give another address by --set \
             health.listen=IP:PORT or QUADRILLE_HEALTH_LISTEN; port 0 takes any free one\n"
        )
    );
}

#[test]
fn a_program_may_have_no_health_port() {
    let mut toy = Process::start(&["--set=health.listen=", "--set=toy.ends=unreachable"]);
    let mut printed = String::new();
    toy.lines.read_to_string(&mut printed).unwrap();
    assert_eq!(
        printed,
        "error: no broker answers\n  mend: start it: quadrille up\n"
    );
    assert_eq!(toy.end().0, 69);
}

#[test]
fn a_panic_is_logged_and_a_failure() {
    let toy = Process::start(&["--set=toy.ends=panic"]);
    let (exit, printed) = toy.end();
    assert_eq!(exit, 1);
    assert!(printed.contains("ERROR"), "{printed}");
    assert!(
        printed.contains("panicked: the toy is broken thread=\"toy\" at=\"bus/tests/program.rs:"),
        "{printed}"
    );
    assert!(
        printed
            .ends_with("error: toy broke off\n  caused by: the task panicked: the toy is broken\n"),
        "{printed}"
    );
}

#[test]
fn a_log_for_programs_has_nothing_but_json() {
    let toy = Process::start(&["--set=log.format=json", "--set=toy.ends=unreachable"]);
    let (exit, printed) = toy.end();
    assert_eq!(exit, 69);
    let lines: Vec<serde_json::Value> = printed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let last = lines.last().unwrap();
    assert_eq!(last["level"], "ERROR");
    assert_eq!(last["exit"], 69);
    assert_eq!(
        last["message"],
        "error: no broker answers\n  mend: start it: quadrille up"
    );
}
