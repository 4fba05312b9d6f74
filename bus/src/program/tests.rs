use futures::FutureExt as _;

use super::*;
use crate::config::Sources;

/// A service that does nothing until it is stopped.
struct Toy;

const OPTIONS: &str = "# The toy.\n[toy]\n# What it says.\ngreeting = \"hello\"\n";

impl Program for Toy {
    fn about(&self) -> About {
        About {
            name: "toy",
            version: "1.2.3",
            summary: "Waits until it is stopped",
        }
    }

    fn layout(&self) -> Layout {
        Layout::bus().with(OPTIONS)
    }

    fn check(&self, loaded: &Loaded) -> Result<(), config::Errors> {
        if loaded.bus().kafka.brokers.is_empty() {
            return Err(loaded.missing("kafka.brokers").into());
        }
        Ok(loaded.check_state_outlives()?)
    }

    fn contract(&self, _loaded: &Loaded) -> Result<String, Failure> {
        Ok("{\"service\":\"toy\"}".to_owned())
    }

    async fn run(self, host: Host) -> Result<(), Failure> {
        host.stop.requested().await;
        Ok(())
    }
}

/// What a run without the bus printed, and how it ended.
struct Ran {
    exit: Exit,
    out: String,
    err: String,
}

fn ran(arguments: &[&str]) -> Ran {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut console = Console {
        out: &mut out,
        err: &mut err,
    };
    let arguments = std::iter::once("toy").chain(arguments.iter().copied());
    let exit = start_on(&mut console, Toy, arguments.map(OsString::from), []);
    Ran {
        exit,
        out: String::from_utf8(out).unwrap(),
        err: String::from_utf8(err).unwrap(),
    }
}

#[test]
fn help_tells_the_flags_the_layers_and_the_exit_codes() {
    let ran = ran(&["--help"]);
    assert_eq!(ran.exit, Exit::Done);
    assert_eq!(
        ran.out,
        "\
Waits until it is stopped

Usage: toy [OPTIONS]

Configuration:
      --config <FILE>      Read options from this TOML file [env: QUADRILLE_CONFIG]
      --set <PATH=VALUE>   Set one option, e.g. limits.attempts_max=3; may be repeated
      --kafka <HOST:PORT>  Brokers of the Kafka cluster; short for --set kafka.brokers=…
      --state <FOLDER>     Where state is kept, `memory` or a folder; short for --set state.url=…
      --ephemeral          Accept to lose what is in memory; short for --set state.ephemeral=true

Instead of running:
      --check-config  Check the configuration and exit
      --print-config  Print every option with its value and where that comes from, and exit
      --contract      Print what the service reacts to and emits, as JSON, and exit
  -h, --help          Print this help and exit
  -V, --version       Print the version and exit

An option is taken from its default, FILE, the environment and flags; later ones win. In the
environment, limits.attempts_max is QUADRILLE_LIMITS_ATTEMPTS_MAX. --print-config shows all options.

Exit codes: 0 done, 1 failed, 2 wrong use, 64 wrong configuration,
            69 broker or database out of reach
"
    );
}

#[test]
fn version_is_that_of_the_program() {
    let ran = ran(&["--version"]);
    assert_eq!((ran.exit, ran.out.as_str()), (Exit::Done, "toy 1.2.3\n"));
}

#[test]
fn a_wrong_flag_is_wrong_use() {
    let unknown = ran(&["--chek-config"]);
    assert_eq!(unknown.exit, Exit::Usage);
    assert!(unknown.err.contains("'--check-config'"), "{}", unknown.err);
    let incomplete = ran(&["--set", "limits.attempts_max"]);
    assert_eq!(incomplete.exit, Exit::Usage);
    assert!(
        incomplete
            .err
            .contains("an option and its value are wanted, such as limits.attempts_max=3"),
        "{}",
        incomplete.err
    );
    assert_eq!(ran(&["--check-config", "--contract"]).exit, Exit::Usage);
}

#[test]
fn a_valid_configuration_is_said_to_be_so_with_its_layers() {
    let ran = ran(&[
        "--check-config",
        "--kafka=localhost:9092",
        "--ephemeral",
        "--set=toy.greeting=hi",
    ]);
    assert_eq!(ran.exit, Exit::Done);
    let count = Layout::bus().load(Sources::none()).unwrap().to_toml();
    let count = count.lines().filter(|line| line.contains(" = ")).count() + 1;
    assert_eq!(
        ran.out,
        format!(
            "configuration is valid\n  defaults: {count} options\n  flags: --set toy.greeting, \
             --kafka, --ephemeral\n"
        )
    );
}

#[test]
fn a_wrong_configuration_is_told_on_standard_error() {
    let ran = ran(&["--check-config", "--set=toy.greting=hi"]);
    assert_eq!(ran.exit, Exit::Configuration);
    assert_eq!(ran.out, "");
    assert_eq!(
        ran.err,
        "error: --set toy.greting: unknown option `toy.greting`\n  \
         mend: did you mean `toy.greeting`?\n\
         error: option `kafka.brokers` is not set\n  \
         mend: give it by --kafka HOST:PORT, by QUADRILLE_KAFKA_BROKERS or by `brokers = …` under \
         `[kafka]` in the file that --config names\n"
    );
}

#[test]
fn contract_and_options_are_told_without_a_complete_configuration() {
    let contract = ran(&["--contract"]);
    assert_eq!(contract.exit, Exit::Done);
    assert_eq!(contract.out, "{\"service\":\"toy\"}\n");
    let options = ran(&["--print-config", "--set=toy.greeting=hi"]);
    assert_eq!(options.exit, Exit::Done);
    assert!(options.out.ends_with(
        "\n# The toy.\n[toy]\n# What it says.\ngreeting = \"hi\" # from --set toy.greeting, \
         default \"hello\"\n"
    ));
}

#[test]
fn a_request_to_stop_reaches_every_clone_for_ever() {
    let stop = Stop::new();
    let waiting = stop.clone();
    assert_eq!(waiting.requested().now_or_never(), None);
    assert!(!waiting.is_requested());

    stop.request();
    drop(stop);

    assert_eq!(waiting.requested().now_or_never(), Some(()));
    assert_eq!(waiting.requested().now_or_never(), Some(()));
    assert!(waiting.is_requested());
}

#[test]
fn a_database_that_will_be_no_other_is_no_reason_to_try_again() {
    // Shows which exit code goes with which trouble of a database.
    use crate::state::{self, ErrorKind};
    for (kind, exit) in [
        (ErrorKind::Unavailable, Exit::Unreachable),
        (ErrorKind::Other, Exit::Configuration),
    ] {
        let error = crate::service::Error::State {
            service: "toy".to_owned(),
            source: state::Error::new(kind, "why"),
        };
        assert_eq!(Failure::from(error).exit(), exit, "{kind:?}");
    }
}
