//! The real program: started, killed, starved and stopped.

use std::collections::{HashMap, HashSet};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::asking::{Client, EMPTY, GOOD, Told, charge, entries};

const PROGRAM: &str = env!("CARGO_BIN_EXE_payment-gateway");

/// A gateway that is killed when the test ends, however it ends.
struct Process {
    child: Child,
    address: String,
    client: Client,
}

impl Process {
    fn start(command: &mut Command) -> Self {
        let mut child = command
            .env("RUST_LOG", "off")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut address = String::new();
        let stdout = child.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut address).unwrap();
        let address = address.trim_end().to_owned();
        let client = Client::new(&address);
        Self {
            child,
            address,
            client,
        }
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args([name, &pid])
                .status()
                .unwrap()
                .success()
        );
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended before.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program on this ledger and a free port.
fn gateway(ledger: &Path) -> Command {
    let mut command = Command::new(PROGRAM);
    command
        .args(["--listen", "127.0.0.1:0", "--ledger"])
        .arg(ledger);
    command
}

fn failed(command: &mut Command) -> (i32, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    assert!(stdout.is_empty());
    (status.code().unwrap(), String::from_utf8(stderr).unwrap())
}

/// Charges under ever new keys until the gateway is gone; sends on what was answered.
async fn charge_on(client: Client, name: String, answers: mpsc::Sender<(Value, Told)>) {
    for n in 0.. {
        let card = if n % 5 == 0 { EMPTY } else { GOOD };
        let ask = charge(&format!("{name} {n}"), n + 1, card);
        let Some(told) = client.try_post("/charges", &ask).await else {
            return;
        };
        if answers.send((ask, told)).await.is_err() {
            return;
        }
    }
}

#[tokio::test]
async fn what_was_answered_before_a_kill_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = folder.path().join("ledger.jsonl");
    let mut known: HashMap<String, (Value, Told)> = HashMap::new();
    for round in 0..4 {
        // Given charges in flight, some of them answered
        let mut process = Process::start(&mut gateway(&ledger));
        let (tx, mut answers) = mpsc::channel(1024);
        let mut tasks = JoinSet::new();
        for task in 0..16 {
            let name = format!("round {round} task {task}");
            tasks.spawn(charge_on(process.client.clone(), name, tx.clone()));
        }
        drop(tx);
        let mut answered = Vec::new();
        answers.recv_many(&mut answered, 100 + 37 * round).await;
        while answered.len() < 100 + 37 * round {
            answered.push(answers.recv().await.unwrap());
        }

        // When the gateway is killed
        process.child.kill().unwrap();
        while let Some(answer) = answers.recv().await {
            answered.push(answer);
        }
        tasks.join_all().await;
        drop(process);

        // Then every answered charge is in the ledger, once
        for (ask, told) in answered {
            known.insert(ask["key"].as_str().unwrap().to_owned(), (ask, told));
        }
        assert_kept(&ledger, &known).await;
    }
}

/// Starts a gateway on the ledger, and ends it.
async fn assert_kept(ledger: &Path, known: &HashMap<String, (Value, Told)>) {
    let process = Process::start(&mut gateway(ledger));
    let booked = entries(ledger);
    let keys: HashSet<&str> = booked
        .iter()
        .map(|entry| entry["key"].as_str().unwrap())
        .collect();
    assert_eq!(keys.len(), booked.len());
    for (key, (ask, told)) in known {
        assert!(
            keys.contains(key.as_str()),
            "{key} was answered but is not booked"
        );
        assert_eq!(process.client.post("/charges", ask).await, *told);
    }
    assert_eq!(entries(ledger).len(), booked.len());
    let taken: i64 = booked
        .iter()
        .filter(|entry| entry["kind"] == "charge")
        .map(|entry| entry["units"].as_i64().unwrap())
        .sum();
    assert_eq!(process.client.euros().await["captured"]["units"], taken);
}

#[tokio::test]
async fn a_full_disk_books_nothing_until_there_is_room_again() {
    // Given a gateway whose files may not grow beyond 4 KiB
    let folder = tempfile::tempdir().unwrap();
    let ledger = folder.path().join("ledger.jsonl");
    let mut limited = Command::new("sh");
    limited
        .args([
            "-c",
            "trap '' XFSZ; ulimit -S -f 8; exec \"$@\"",
            "sh",
            PROGRAM,
        ])
        .args(["--listen", "127.0.0.1:0", "--ledger"])
        .arg(&ledger);
    let process = Process::start(&mut limited);
    let client = &process.client;

    // When charges are made until one does not fit
    let mut fitted = 0;
    while client
        .post("/charges", &charge(&fitted.to_string(), 1, GOOD))
        .await
        .0
        == 200
    {
        fitted += 1;
        assert!(fitted < 100, "4 KiB cannot hold {fitted} entries");
    }

    // Then nothing of it is booked, and what was booked is still answered
    assert!(fitted > 0);
    let told = client.post("/charges", &charge("late", 1, GOOD)).await;
    assert_eq!(told.0, 503);
    assert!(
        told.1["error"]
            .as_str()
            .unwrap()
            .contains("nothing was booked")
    );
    assert_eq!(client.post("/charges", &charge("0", 1, GOOD)).await.0, 200);
    assert_eq!(client.euros().await["charges"], fitted);

    // And when there is room again, it goes on without a gap
    let pid = process.child.id().to_string();
    let room = Command::new("prlimit")
        .args(["--fsize=unlimited:unlimited", "--pid", &pid])
        .status();
    assert!(room.unwrap().success());
    assert_eq!(
        client.post("/charges", &charge("late", 1, GOOD)).await.0,
        200
    );
    drop(process);
    let booked = entries(&ledger);
    assert_eq!(booked.len(), fitted + 1);
    assert_eq!(booked[fitted]["seq"], fitted + 1);
    assert_eq!(booked[fitted]["key"], "late");
}

#[tokio::test]
async fn a_request_under_way_is_answered_before_the_gateway_stops() {
    for signal in ["-TERM", "-INT"] {
        // Given a request of which only the first half has arrived
        let folder = tempfile::tempdir().unwrap();
        let ledger = folder.path().join("ledger.jsonl");
        let mut process = Process::start(&mut gateway(&ledger));
        let body = charge("a", 5, GOOD).to_string();
        let (first, second) = body.split_at(body.len() / 2);
        let mut asking = TcpStream::connect(&process.address).unwrap();
        let length = body.len();
        write!(
            asking,
            "POST /charges HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\n\
             content-length: {length}\r\n\r\n{first}"
        )
        .unwrap();
        process.client.until_busy().await;

        // When the gateway is told to stop, and no longer lets anyone in
        process.signal(signal);
        while TcpStream::connect(&process.address).is_ok() {}

        // Then the request is still answered, and the gateway ends well
        asking.write_all(second.as_bytes()).unwrap();
        let mut told = String::new();
        asking.read_to_string(&mut told).unwrap();
        assert!(told.starts_with("HTTP/1.1 200"), "{told}");
        assert_eq!(process.child.wait().unwrap().code(), Some(0));
        assert_eq!(entries(&ledger).len(), 1);
    }
}

#[tokio::test]
async fn it_ends_with_the_process_that_started_it_if_it_is_asked_to() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = folder.path().join("ledger.jsonl");
    let mut command = gateway(&ledger);
    command.arg("--stop-with-stdin").stdin(Stdio::piped());
    let mut process = Process::start(&mut command);
    assert_eq!(process.client.get("/healthz").await.0, 200);
    drop(process.child.stdin.take());
    assert_eq!(process.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_taken_port_is_named_with_the_option_that_changes_it() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(PROGRAM);
    command.args(["--listen", &address, "--ledger"]);
    let (code, error) = failed(command.arg(folder.path().join("ledger.jsonl")));
    assert_eq!(code, 64);
    assert!(
        error.contains(&format!("the address {address} is taken")),
        "{error}"
    );
    assert!(error.contains("--listen"), "{error}");
}

#[test]
fn a_ledger_in_use_or_broken_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = folder.path().join("ledger.jsonl");
    let process = Process::start(&mut gateway(&ledger));
    let (code, error) = failed(&mut gateway(&ledger));
    assert_eq!(code, 64);
    assert!(error.contains("in use by another gateway"), "{error}");
    drop(process);
    std::fs::write(&ledger, "not an entry\n").unwrap();
    let (code, error) = failed(&mut gateway(&ledger));
    assert_eq!(code, 64);
    assert!(
        error.contains("ledger.jsonl is broken at line 1"),
        "{error}"
    );
}

#[test]
fn a_wrong_option_is_wrong_use() {
    for options in [
        ["--fail-rate", "1.5"],
        ["--delay-ms", "600001"],
        ["--listen", "7090"],
        ["--requests-max", "0"],
        ["--leger", "x"],
    ] {
        let (code, error) = failed(Command::new(PROGRAM).args(options));
        assert_eq!(code, 2, "{options:?}: {error}");
        assert!(error.contains(options[0]), "{error}");
    }
}
