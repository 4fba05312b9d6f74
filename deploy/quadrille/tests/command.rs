//! The real binary: wrong use, wrong configuration, nobody there; each with its words and exit code.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

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
    for command in ["up", "emit", "tail", "flow"] {
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
fn a_file_that_is_not_there_is_told() {
    // Shows its name in the error.
    let output = quadrille(&["emit", "GoodsReceived", "-f", "nowhere.jsonl"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(error(&output).starts_with("error: cannot read nowhere.jsonl"));
}
