//! The real binary: wrong use, wrong configuration, nobody there; each with its words and exit code.

use std::io::{BufRead as _, Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn quadrille(arguments: &[&str]) -> Output {
    run(arguments, b"")
}

fn run(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_quadrille"))
        .args(arguments)
        .env_remove("QUADRILLE_URL")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary was built for this test");
    let mut stdin = child.stdin.take().expect("it is piped");
    stdin.write_all(input).expect("it is read");
    drop(stdin);
    child.wait_with_output().expect("it ends")
}

/// An address where nobody listens any more.
fn nobody() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it listens");
    format!("http://{address}")
}

fn error(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn help_is_no_failure_and_wrong_use_is() {
    // Shows the exit codes of both, and that help goes to standard output.
    let help = quadrille(&["--help"]);
    assert_eq!(help.status.code(), Some(0));
    let text = String::from_utf8(help.stdout).unwrap();
    for command in ["up", "emit", "tail", "flow", "simulate"] {
        assert!(text.contains(&format!("\n  {command}")), "{text}");
    }
    assert!(
        !text.contains("gateway  "),
        "the hidden command shows: {text}"
    );
    for wrong in [&["nonsense"][..], &["flow"], &["up", "--rate", "0"], &[]] {
        assert_eq!(quadrille(wrong).status.code(), Some(2), "{wrong:?}");
    }
}

#[test]
fn a_seed_gives_the_same_bytes_in_two_processes() {
    // Shows that nothing of a run depends on the process: no hash, no address, no clock.
    let told = || quadrille(&["simulate", "--seeds", "20", "--story"]).stdout;
    let (first, second) = (told(), told());
    assert!(first.len() > 20 * 1_000, "the stories are long");
    assert!(first == second, "two processes tell different stories");
}

#[test]
fn simulated_seeds_are_counted_and_wrong_use_is_told() {
    // Shows the JSON that is promised, and the words about a kind of fault that is none.
    let done = quadrille(&[
        "simulate",
        "--seeds",
        "5",
        "--faults",
        "crash,call",
        "--json",
    ]);
    assert_eq!(done.status.code(), Some(0), "{}", error(&done));
    let report: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(
        (&report["seeds"], &report["failure"]),
        (&5.into(), &Value::Null)
    );
    let wrong = quadrille(&["simulate", "--faults", "crush"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(
        error(&wrong).contains("`crush` is no kind of fault"),
        "{}",
        error(&wrong)
    );
    for (wrong, why) in [
        (&["--seeds", "0"][..], "0 is not in 1.."),
        (&["--threads", "0"], "zero"),
        (&["--time", "1s"], "at least 60 s"),
        (&["--seed", "18446744073709551615"], "is not in"),
    ] {
        let told = quadrille(&[&["simulate"], wrong].concat());
        assert_eq!(told.status.code(), Some(2), "{wrong:?}");
        assert!(error(&told).contains(why), "{}", error(&told));
    }
    // The last seeds that there are.
    let last = quadrille(&[
        "simulate",
        "--from",
        "18446744073709551613",
        "--seeds",
        "9",
        "--json",
    ]);
    let report: Value = serde_json::from_slice(&last.stdout).unwrap();
    assert_eq!(report["seeds"], 2);
    let none = quadrille(&["simulate", "--replay", "nothing.toml"]);
    assert_eq!(none.status.code(), Some(64), "{}", error(&none));
}

#[test]
fn an_unknown_type_is_told_before_anybody_is_asked() {
    // Shows the suggestion, for both commands that take types.
    for command in [&["emit", "OrderPlacd", "{}"][..], &["tail", "OrderPlacd"]] {
        let output = quadrille(command);
        assert_eq!(output.status.code(), Some(2));
        assert_eq!(
            error(&output),
            "error: the event type `OrderPlacd` is not known\n  \
             mend: did you mean orders.v1.OrderPlaced?\n"
        );
    }
}

#[test]
fn what_is_not_json_is_wrong_use() {
    // Shows it for an argument and for standard input.
    for (arguments, input) in [
        (&["emit", "GoodsReceived", "{sku: tea}"][..], &b""[..]),
        (&["emit", "GoodsReceived"], b"{sku: tea}"),
        (&["emit", "GoodsReceived", "-"], b""),
    ] {
        let output = run(arguments, input);
        assert_eq!(output.status.code(), Some(2));
        assert!(error(&output).starts_with("error: the event's fields are not JSON"));
    }
}

#[test]
fn what_is_wrong_is_told_in_words_of_the_command() {
    // Shows that no mend names what the command has not got: an attribute, an option of another one.
    for (arguments, words) in [
        (
            &["emit", "GoodsReceived", "[]"][..],
            "are JSON, but not one object",
        ),
        (
            &["emit", "GoodsReceived", "{}", "--source", ""],
            "'--source <SOURCE>'",
        ),
        (
            &["emit", "GoodsReceived", "{}", "--flow", "a\nb"],
            "'--flow <ID>'",
        ),
        (&["up", "--log", "quadrille=loud"], "quadrille=debug"),
        (&["up", "--listen", "8080"], "write 127.0.0.1:8080"),
    ] {
        let output = quadrille(arguments);
        let error = error(&output);
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(words), "{error}");
        assert!(!error.contains("`data`"), "{error}");
    }
}

#[test]
fn nobody_there_says_how_to_start() {
    // Shows that every command names the address and what to start.
    let url = nobody();
    for command in [
        &["emit", "GoodsReceived", "{}"][..],
        &["tail"],
        &["flow", "4711"],
        &["flow", "4711", "--follow"],
    ] {
        let output = quadrille(&[command, &["--url", &url]].concat());
        let error = error(&output);
        assert_eq!(output.status.code(), Some(69), "{command:?}: {error}");
        let words = format!("error: no `quadrille up` answers at {url}");
        assert!(error.starts_with(&words), "{error}");
        assert!(
            error.contains("mend: start it with `quadrille up`"),
            "{error}"
        );
    }
    let wrong = quadrille(&["flow", "4711", "--url", "localhost"]);
    assert_eq!(wrong.status.code(), Some(2));
}

#[test]
fn a_port_that_is_taken_is_wrong_configuration() {
    // Shows that nothing is started, and how to choose another port.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = quadrille(&["up", "--listen", &address]);
    let error = error(&output);
    assert_eq!(output.status.code(), Some(64), "{error}");
    assert!(
        error.starts_with(&format!("error: cannot listen on {address}")),
        "{error}"
    );
    assert!(error.contains("--listen ADDRESS:PORT"), "{error}");
}

#[test]
fn all_that_is_wrong_with_a_start_is_told_at_once() {
    // Shows a port that is taken, a folder that is a file, and state that would be lost, together.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let file = env!("CARGO_MANIFEST_PATH");
    let wrong = ["up", "--listen", &address, "--kafka", "127.0.0.1:1"];
    for (more, words) in [
        (&["--data", file][..], "is no folder"),
        (&[], "what the services remember ends with this"),
    ] {
        let output = quadrille(&[&wrong[..], more].concat());
        let error = error(&output);
        assert_eq!(output.status.code(), Some(64), "{error}");
        assert!(error.contains("cannot listen on"), "{error}");
        assert!(error.contains(words), "{error}");
        assert!(error.contains("--data FOLDER"), "{error}");
    }
}

#[test]
fn a_ledger_that_somebody_else_has_is_told_in_words_of_up() {
    // Given an `up` that keeps its data in a folder.
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let mut first = Up::start_as(&["--data", data], Stdio::inherit());

    let second = quadrille(&["up", "--listen", "127.0.0.1:0", "--no-demo", "--data", data]);

    let error = error(&second);
    assert_eq!(second.status.code(), Some(1), "{error}");
    assert!(error.contains("is in use by another gateway"), "{error}");
    assert!(error.contains("--data FOLDER"), "{error}");
    assert!(!error.contains("--ledger"), "{error}");
    first.signal("-INT");
    first.child.wait().unwrap();
}

#[test]
fn the_first_try_succeeds_without_the_demo() {
    // Shows that what `up` says to try ends well as it stands there.
    let mut up = Up::start();
    let path = std::path::Path::new(env!("CARGO_BIN_EXE_quadrille"));
    let path = path.parent().unwrap().to_str().unwrap();
    let mut tries = up.tries.iter();
    let last = tries.next_back().expect("there is something to try");
    assert!(last.starts_with("quadrille tail"), "{last}");
    let mut said = String::new();
    for line in tries {
        let shell = format!("PATH={path}:$PATH; {line}");
        let output = Command::new("sh").args(["-c", &shell]).output().unwrap();
        assert!(output.status.success(), "{line}: {}", error(&output));
        said = String::from_utf8(output.stdout).unwrap();
    }
    assert!(said.contains("OrderConfirmed"), "{said}");
    up.signal("-INT");
    up.child.wait().unwrap();
}

#[test]
fn a_file_that_is_not_there_is_told() {
    // Shows its name in the error.
    let output = quadrille(&["emit", "GoodsReceived", "-f", "nowhere.jsonl"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(error(&output).starts_with("error: cannot read nowhere.jsonl"));
}

/// A running `quadrille up` on free ports, without the demo load.
struct Up {
    child: std::process::Child,
    url: String,
    gateway: String,
    /// What it says to try.
    tries: Vec<String>,
}

impl Up {
    fn start() -> Self {
        Self::start_with(Stdio::inherit())
    }

    fn start_with(stderr: Stdio) -> Self {
        Self::start_as(&[], stderr)
    }

    fn start_as(arguments: &[&str], stderr: Stdio) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_quadrille"))
            .args(["up", "--listen", "127.0.0.1:0", "--no-demo"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .process_group(0)
            .spawn()
            .expect("the binary was built for this test");
        let stdout = child.stdout.take().expect("it is piped");
        let lines = std::io::BufReader::new(stdout).lines();
        let lines: Vec<_> = lines
            .map(|line| line.expect("it is text"))
            .take_while(|line| !line.starts_with("Ctrl-C"))
            .collect();
        let word = |behind: &str| {
            let line = lines.iter().find_map(|line| line.split(behind).nth(1));
            let word = line.and_then(|rest| rest.split([' ', ',']).next());
            word.unwrap_or_else(|| panic!("`{behind}` is not in {lines:?}"))
                .to_owned()
        };
        Self {
            url: word("quadrille is up at "),
            gateway: word("gateway   http://"),
            tries: lines
                .iter()
                .skip_while(|line| *line != "try")
                .filter_map(|line| line.strip_prefix("  ").map(ToOwned::to_owned))
                .collect(),
            child,
        }
    }

    fn quadrille(&self, arguments: &[&str], input: &[u8]) -> Output {
        run(&[arguments, &["--url", &self.url]].concat(), input)
    }

    fn signal(&self, name: &str) {
        kill(name, &self.child.id().to_string());
    }

    /// Process ids of what it has started.
    fn children(&self) -> Vec<String> {
        let parent = self.child.id().to_string();
        let found = Command::new("pgrep").args(["-P", &parent]).output();
        let found = found.expect("there is a `pgrep`").stdout;
        let text = String::from_utf8(found).expect("numbers are text");
        text.lines().map(ToOwned::to_owned).collect()
    }

    /// Waits until nobody answers at the gateway's address any more.
    fn gateway_is_gone(&self) {
        while std::net::TcpStream::connect(&self.gateway).is_ok() {
            std::thread::yield_now();
        }
    }
}

fn kill(signal: &str, whom: &str) {
    let sent = Command::new("kill").args([signal, "--", whom]).status();
    assert!(sent.expect("there is a `kill`").success());
}

#[test]
fn ctrl_c_at_the_terminal_starts_nothing_again() {
    // Shows that the terminal's signal to our whole group does not reach the gateway, which is still
    // needed while we drain, and that a gateway which ends after we were asked to stop is left alone.
    let mut up = Up::start_with(Stdio::piped());
    let [gateway, _carrier] = &up.children()[..] else {
        panic!("gateway and carrier are its children");
    };
    // Given a request under way, which holds the end up.
    let address = up.url.trim_start_matches("http://");
    let mut asking = std::net::TcpStream::connect(address).expect("it listens");
    let head = "POST /v1/events HTTP/1.1\r\nhost: up\r\ncontent-length: 9\r\nconnection: close\r\n";
    let typed = "content-type: application/cloudevents+json\r\nexpect: 100-continue\r\n\r\n";
    write!(asking, "{head}{typed}").expect("it reads");
    let mut answer = [0; 12];
    asking.read_exact(&mut answer).expect("it waits for more");
    assert_eq!(&answer, b"HTTP/1.1 100");

    // When Ctrl-C is pressed.
    let stderr = up.child.stderr.take().expect("it is piped");
    let mut lines = std::io::BufReader::new(stderr).lines().map(Result::unwrap);
    kill("-INT", &format!("-{}", up.child.id()));
    let mut said = vec![lines.next().expect("it says that it stops")];
    assert!(said[0].starts_with("stopping"), "{said:?}");

    // Then the gateway is still there, until somebody stops that as well.
    assert!(std::net::TcpStream::connect(&up.gateway).is_ok());
    kill("-TERM", gateway);
    up.gateway_is_gone();
    drop(asking);

    // And nobody starts it again, or says so.
    said.extend(lines);
    assert_eq!(up.child.wait().unwrap().code(), Some(0));
    assert_eq!(said.len(), 1, "{said:?}");
    up.gateway_is_gone();
}

#[test]
fn events_go_in_and_flows_come_out() {
    // Shows the commands against a running `up`, and that SIGINT ends all of it in good order.
    let mut up = Up::start();
    let delivery = br#"{"deliveryId": "d-1", "sku": "tea", "quantity": 10}"#;
    let emitted = up.quadrille(&["emit", "GoodsReceived", "--json"], delivery);
    assert_eq!(emitted.status.code(), Some(0), "{}", error(&emitted));
    let emitted: Value = serde_json::from_slice(&emitted.stdout).unwrap();

    let flow = up.quadrille(&["flow", "tea", "--follow", "--json"], b"");
    assert_eq!(flow.status.code(), Some(0), "{}", error(&flow));
    let flow: Value = serde_json::from_slice(&flow.stdout).unwrap();
    assert_eq!(flow["id"], emitted["flow"]);
    assert_eq!(flow["status"], "settled");
    let drawn = up.quadrille(&["flow", "tea"], b"");
    let drawn = String::from_utf8(drawn.stdout).unwrap();
    assert!(drawn.contains("GoodsReceived  cli"), "{drawn}");
    assert!(drawn.contains("✓ inventory done in"), "{drawn}");
    assert!(!drawn.contains('\x1b'), "colours without a terminal");
    let unknown = up.quadrille(&["flow", "nothing"], b"");
    assert_eq!(unknown.status.code(), Some(1));

    up.signal("-INT");
    assert_eq!(up.child.wait().unwrap().code(), Some(0));
    up.gateway_is_gone();
}

#[test]
fn a_file_goes_on_or_stops_at_the_first_mistake() {
    // Shows that each mistake is told with its line, and what the exit code says.
    let mut up = Up::start();
    let lines = b"{\"deliveryId\": \"1\", \"sku\": \"tea\", \"quantity\": 1}\nnot json\n\n\
        {\"quantity\": 1}\n{\"deliveryId\": \"2\", \"sku\": \"tea\", \"quantity\": 2}\n";
    let file = ["emit", "GoodsReceived", "-f", "-", "--json"];
    let stopped = up.quadrille(&file, lines);
    assert_eq!(stopped.status.code(), Some(1));
    assert!(
        error(&stopped).starts_with("error: -:2: not JSON"),
        "{}",
        error(&stopped)
    );
    assert!(!error(&stopped).contains("-:4:"), "{}", error(&stopped));

    let gone_on = up.quadrille(&[&file[..], &["--keep-going"]].concat(), lines);
    assert_eq!(gone_on.status.code(), Some(1));
    assert!(
        error(&gone_on).contains("error: -:4: the event has no key"),
        "{}",
        error(&gone_on)
    );
    assert!(
        error(&gone_on).contains("emitted 2 events, 2 failed"),
        "{}",
        error(&gone_on)
    );
    assert_eq!(
        String::from_utf8(gone_on.stdout).unwrap().lines().count(),
        2
    );

    // However it ends, the gateway ends with it.
    up.signal("-KILL");
    up.child.wait().unwrap();
    up.gateway_is_gone();
}
