use std::ffi::OsString;
use std::io::Write as _;

use super::*;

/// A service's own options.
const GATEWAY: &str = "\
# The payment gateway.
[gateway]
# Where it is.
url = \"\" # http://HOST:PORT
# What it asks for.
api_key = \"\"
# How long it is waited for.
timeout_ms = 2_000 # ms, 1 to 60000
# Share of requests that are traced.
traced = 0.5 # of all, 0 to 1
[gateway.retry]
# How often it is asked again.
times_max = 3 # times, 0 to 10
[health]
listen = \"127.0.0.1:7082\"
";

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Gateway {
    #[serde(deserialize_with = "unset_if_empty")]
    url: Option<SocketAddr>,
    api_key: String,
    timeout_ms: u64,
    traced: f64,
    retry: Retry,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Retry {
    times_max: u8,
}

fn layout() -> Layout {
    Layout::bus().with(GATEWAY)
}

/// A file that is named `inventory.toml` in every error, wherever it is kept.
struct ConfigFile {
    directory: tempfile::TempDir,
}

impl ConfigFile {
    fn with(contents: &[u8]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut file = std::fs::File::create(directory.path().join("inventory.toml")).unwrap();
        file.write_all(contents).unwrap();
        Self { directory }
    }

    fn sources(&self) -> Sources {
        Sources::none().file(self.directory.path().join("inventory.toml"))
    }

    /// What is wrong, without the directory.
    fn errors(&self, sources: Sources) -> String {
        let errors = layout().load(sources).unwrap_err().to_string();
        let directory = format!("{}/", self.directory.path().display());
        errors.replace(&directory, "")
    }
}

/// What is wrong with a file.
fn file_errors(contents: &str) -> String {
    let file = ConfigFile::with(contents.as_bytes());
    file.errors(file.sources())
}

fn variables(given: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    given
        .iter()
        .map(|(name, value)| (name.into(), value.into()))
        .collect()
}

fn variable_errors(name: &str, value: &str) -> String {
    let sources = Sources::none().environment(variables(&[(name, value)]));
    layout().load(sources).unwrap_err().to_string()
}

fn flag_errors(path: &str, value: &str) -> String {
    let sources = Sources::none().set(path, value);
    layout().load(sources).unwrap_err().to_string()
}

#[test]
fn the_defaults_are_those_of_the_design() {
    let config = Config::default();
    assert_eq!(config.limits.event_bytes_max, 1024 * 1024);
    assert_eq!(config.limits.attempts_max, 8);
    assert_eq!(config.limits.retry_base(), Duration::from_millis(100));
    assert_eq!(config.limits.retry_max(), Duration::from_secs(30));
    assert_eq!(config.limits.reaction_timeout(), Duration::from_secs(30));
    assert_eq!(config.limits.drain_timeout(), Duration::from_secs(20));
    assert_eq!(config.limits.partition_events_resume(), 500);
    assert_eq!(config.group.start, Start::Beginning);
    assert_eq!(config.group.instance, None);
    assert_eq!(config.group.heartbeat(), Duration::from_secs(3));
    assert!(config.state.is_memory());
    assert_eq!(config.health.listen, "127.0.0.1:7080".parse().ok());
    assert_eq!(config.log.format, LogFormat::Text);
    assert!(config.topics.create);
}

#[test]
fn three_heartbeats_fit_into_the_shortest_session() {
    let shortest = Sources::none().set("group.session_timeout_ms", "6000");
    let loaded = Layout::bus().load(shortest).unwrap();
    assert_eq!(loaded.bus().group.heartbeat(), Duration::from_secs(2));
}

#[test]
fn each_layer_wins_over_the_one_before() {
    // Given an option in all layers, one in two, and one in the file alone.
    let file =
        ConfigFile::with(b"[limits]\nattempts_max = 2\nhops_max = 2\nretry_base_ms = 0x10\n");
    let environment = variables(&[
        ("QUADRILLE_LIMITS_ATTEMPTS_MAX", "3"),
        ("QUADRILLE_LIMITS_HOPS_MAX", "3"),
        ("QUADRILLE_LOG", "debug"),
        ("QUADRILLE_TEST_KAFKA", "localhost:9092"),
        ("QUADRILLE_CACHE", "/var/cache"),
        ("PATH", "/bin"),
    ]);
    let sources = file
        .sources()
        .environment(environment)
        .set("limits.attempts_max", "9")
        .set("limits.attempts_max", "4");

    // When they are put on top of each other.
    let loaded = layout().load(sources).unwrap();

    // Then the last that says something wins, and the service's default over the bus's.
    assert_eq!(loaded.bus().limits.attempts_max, 4);
    assert_eq!(loaded.bus().limits.hops_max, 3);
    assert_eq!(loaded.bus().limits.retry_base_ms, 16);
    assert_eq!(loaded.bus().log.filter, "debug");
    assert_eq!(loaded.bus().health.listen, "127.0.0.1:7082".parse().ok());
    assert_eq!(
        loaded.origin("limits.hops_max").to_string(),
        "environment variable QUADRILLE_LIMITS_HOPS_MAX"
    );
    assert_eq!(
        loaded.origin("limits.attempts_max").to_string(),
        "--set limits.attempts_max"
    );
}

#[test]
fn the_environment_may_name_the_file_and_a_flag_may_name_another() {
    let named = ConfigFile::with(b"[limits]\nhops_max = 2\n");
    let other = ConfigFile::with(b"[limits]\nhops_max = 3\n");
    let path = named.directory.path().join("inventory.toml");
    let environment = || variables(&[("QUADRILLE_CONFIG", path.to_str().unwrap())]);

    let by_variable = Sources::none().environment(environment());
    assert_eq!(layout().load(by_variable).unwrap().bus().limits.hops_max, 2);
    let by_flag = other.sources().environment(environment());
    assert_eq!(layout().load(by_flag).unwrap().bus().limits.hops_max, 3);
}

#[test]
fn a_typo_in_a_file_is_told_with_its_place_and_what_was_meant() {
    assert_eq!(
        file_errors("[limits]\nhops_max = 3\nattemtps_max = 5\n"),
        "error: inventory.toml:3:1: unknown option `limits.attemtps_max`\n  \
         mend: did you mean `limits.attempts_max`?"
    );
}

#[test]
fn all_mistakes_of_all_layers_are_told_at_once() {
    let file = ConfigFile::with(
        b"hops_max = 3\n\
          limits.colour = \"red\"\n\
          group = 5\n\
          [limit]\n\
          attempts_max = 1\n\
          event_bytes_max = 1\n\
          [log]\n\
          format = \"jsn\"\n\
          filter = [\"info\"]\n\
          [nothing.at.all]\n\
          x = 1\n\
          [kafka.brokers]\n\
          first = \"a:1\"\n\
          [topics]\n  create = \"yes\"\n",
    );
    let sources = file
        .sources()
        .environment(variables(&[("QUADRILLE_LIMITS_ATTEMTPS", "3")]))
        .set("limits.retry_base_ms", "fast")
        .set("limits.drain_timeout_ms", "400000");
    assert_eq!(
        file.errors(sources),
        "\
error: inventory.toml:1:1: unknown option `hops_max`
  mend: did you mean `limits.hops_max`?
error: inventory.toml:2:8: unknown option `limits.colour`
  mend: `[limits]` has event_bytes_max, attempts_max, retry_base_ms, retry_max_ms, \
reaction_timeout_ms, drain_timeout_ms, partition_events_max, key_events_max, \
reactions_at_once_max, commit_interval_ms, hops_max, in_flight_records_max, in_flight_bytes_max
error: inventory.toml:3:1: `group` is a table of options, not an option
  mend: write its options below a line `[group]`
error: inventory.toml:4:2: unknown table `[limit]`
  mend: did you mean `[limits]`?
error: inventory.toml:8:10: option `log.format` is \"jsn\", but must be one of text, json
  mend: did you mean \"json\"?
error: inventory.toml:9:10: option `log.filter` is a list, but must be a level, or targets with \
levels such as info,quadrille=debug
  mend: leave it out for the default, \"info\"
error: inventory.toml:10:2: unknown table `[nothing]`
  mend: the tables are [limits], [group], [kafka], [state], [health], [presence], [log], [telemetry], [topics], \
[fault], [gateway], [gateway.retry]
error: inventory.toml:12:1: option `kafka.brokers` is a table, but must be HOST:PORT, or several \
with commas between, or empty for none
  mend: leave it out, and it is not set
error: inventory.toml:15:12: option `topics.create` is \"yes\", but must be true or false
  mend: leave it out for the default, true
error: environment variable QUADRILLE_LIMITS_ATTEMTPS: names no option of this program
  mend: did you mean QUADRILLE_LIMITS_ATTEMPTS_MAX?
error: --set limits.retry_base_ms: option `limits.retry_base_ms` is \"fast\", but must be a whole \
number of ms from 1 to 3600000
  mend: leave it out for the default, 100
error: `limits.drain_timeout_ms` is 400000 ms (--set limits.drain_timeout_ms) and \
`group.rebalance_timeout_ms` is 300000 ms (default), but a drain must end 5000 ms before the group \
gives the partitions away without asking
  mend: lower `limits.drain_timeout_ms` to 295000 or less, or raise `group.rebalance_timeout_ms` \
to 405000 or more"
    );
}

#[test]
fn a_wrong_type_tells_what_is_given_what_is_wanted_and_the_default() {
    let cases = [
        (
            "attempts_max = \"eight\"",
            "2:16: option `limits.attempts_max` is \"eight\", but must be a whole number of \
             attempts from 1 to 1000\n  mend: leave it out for the default, 8",
        ),
        (
            "attempts_max = 1001",
            "2:16: option `limits.attempts_max` is 1001, but must be a whole number of attempts \
             from 1 to 1000\n  mend: leave it out for the default, 8",
        ),
        (
            "attempts_max = 8.5",
            "2:16: option `limits.attempts_max` is 8.5, but must be a whole number of attempts \
             from 1 to 1000\n  mend: leave it out for the default, 8",
        ),
        (
            "attempts_max = 99999999999999999999",
            "2:16: option `limits.attempts_max` is a number of more than 64 bits, but must be a \
             whole number of attempts from 1 to 1000\n  mend: leave it out for the default, 8",
        ),
        (
            "attempts_max = 2026-01-31",
            "2:16: option `limits.attempts_max` is a date without quotes, but must be a whole \
             number of attempts from 1 to 1000\n  mend: leave it out for the default, 8",
        ),
    ];
    for (line, error) in cases {
        assert_eq!(
            file_errors(&format!("[limits]\n{line}\n")),
            format!("error: inventory.toml:{error}")
        );
    }
}

#[test]
fn a_text_that_has_not_its_form_is_told_with_its_place() {
    assert_eq!(
        file_errors("[group]\nstart = \"yesterday\"\n[kafka]\nbrokers = \"localhost\"\n"),
        "error: inventory.toml:2:1: option `group.start` is \"yesterday\" (neither a word nor a \
         time with its zone), but must be beginning, now, or a time such as \
         2026-01-31T12:00:00Z\n  \
         mend: leave it out for the default, \"beginning\"\n\
         error: inventory.toml:4:1: option `kafka.brokers` is \"localhost\" (\"localhost\" is no \
         HOST:PORT), but must be HOST:PORT, or several with commas between, or empty for none\n  \
         mend: leave it out, and it is not set"
    );
    assert_eq!(
        variable_errors("QUADRILLE_LOG", "inof"),
        "error: environment variable QUADRILLE_LOG: option `log.filter` is \"inof\" (\"inof\" is \
         no level, did you mean info?), but must be a level, or targets with levels such as \
         info,quadrille=debug\n  \
         mend: leave it out for the default, \"info\""
    );
}

#[test]
fn broken_toml_is_shown_with_its_line() {
    assert_eq!(
        file_errors("[limits]\nattempts_max = \n[kafka\n"),
        "error: inventory.toml:2:16: not TOML: string values must be quoted, expected literal \
         string\n  \
         2 | attempts_max = \n    |                ^\n\
         error: inventory.toml:3:7: not TOML: unclosed table, expected `]`\n  \
         3 | [kafka\n    |       ^"
    );
    assert_eq!(
        file_errors("[log]\nfilter = \"info\"\nfilter = \"warn\"\n"),
        "error: inventory.toml:3:1: not TOML: duplicate key\n  \
         3 | filter = \"warn\"\n    | ^"
    );
}

#[test]
fn an_unknown_variable_is_named_with_the_one_that_was_meant() {
    assert_eq!(
        variable_errors("QUADRILLE_LIMITS_ATTEMTPS", "3"),
        "error: environment variable QUADRILLE_LIMITS_ATTEMTPS: names no option of this program\n  \
         mend: did you mean QUADRILLE_LIMITS_ATTEMPTS_MAX?"
    );
    assert_eq!(
        variable_errors("QUADRILLE_HOME", "/"),
        "error: environment variable QUADRILLE_HOME: names no option of this program\n  \
         mend: unset it; --print-config shows every option"
    );
    assert_eq!(
        variable_errors("QUADRILLE_LIMITS_HOPS_MAX", ""),
        "error: environment variable QUADRILLE_LIMITS_HOPS_MAX: option `limits.hops_max` is \"\", \
         but must be a whole number of hops from 1 to 10000\n  \
         mend: leave it out for the default, 64"
    );
}

#[test]
fn an_unknown_path_in_a_flag_is_named_with_the_one_that_was_meant() {
    assert_eq!(
        flag_errors("limits.attemtps", "3"),
        "error: --set limits.attemtps: unknown option `limits.attemtps`\n  \
         mend: did you mean `limits.attempts_max`?"
    );
    assert_eq!(
        flag_errors("presence", "3"),
        "error: --set presence: `presence` is a table of options, not an option\n  \
         mend: `[presence]` has interval_ms, lease_ms"
    );
}

#[test]
fn a_file_that_cannot_be_read_is_named_with_whoever_names_it() {
    let missing = Sources::none().environment(variables(&[("QUADRILLE_CONFIG", "no/such.toml")]));
    assert_eq!(
        layout().load(missing).unwrap_err().to_string(),
        "error: the configuration file `no/such.toml` cannot be read: No such file or directory \
         (os error 2)\n  \
         mend: QUADRILLE_CONFIG must name a TOML file"
    );
    let file = ConfigFile::with(b"\xff\xfe");
    assert!(
        file.errors(file.sources())
            .contains("inventory.toml` is not UTF-8 text\n  mend: --config must name a TOML file")
    );
    let file = ConfigFile::with(&vec![b'\n'; 1024 * 1024 + 1]);
    assert!(
        file.errors(file.sources())
            .contains("has more than 1048576 bytes")
    );
}

#[test]
fn a_service_reads_its_own_section() {
    let sources = Sources::none()
        .set("gateway.url", "127.0.0.1:9000")
        .set("gateway.traced", "1")
        .set("gateway.retry.times_max", "5");
    let gateway: Gateway = layout().load(sources).unwrap().section("gateway").unwrap();
    assert_eq!(
        gateway,
        Gateway {
            url: "127.0.0.1:9000".parse().ok(),
            api_key: String::new(),
            timeout_ms: 2000,
            traced: 1.0,
            retry: Retry { times_max: 5 },
        }
    );
}

#[test]
fn a_services_own_mistakes_are_told_along_with_all_others() {
    let sources = Sources::none()
        .set("limits.hops_max", "0")
        .set("gateway.url", "nowhere")
        .set("gateway.timeout_ms", "none");
    let errors = layout()
        .load_checked(sources, |loaded| {
            loaded.section::<Gateway>("gateway")?;
            Ok(())
        })
        .unwrap_err();
    assert_eq!(
        errors.to_string(),
        "\
error: --set limits.hops_max: option `limits.hops_max` is \"0\", but must be a whole number of \
hops from 1 to 10000
  mend: leave it out for the default, 64
error: --set gateway.timeout_ms: option `gateway.timeout_ms` is \"none\", but must be a whole \
number of ms from 1 to 60000
  mend: leave it out for the default, 2000
error: --set gateway.url: option `gateway.url` is \"nowhere\" (invalid socket address syntax), but \
must be http://HOST:PORT
  mend: leave it out, and it is not set"
    );
}

#[test]
fn an_option_that_must_be_set_says_how() {
    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Must {
        #[expect(dead_code, reason = "only the error is looked at")]
        url: SocketAddr,
    }
    let layout = Layout::bus().with("[gateway]\n# Where it is.\nurl = ''\n");
    let loaded = layout.load(Sources::none()).unwrap();
    assert_eq!(
        loaded.section::<Must>("gateway").unwrap_err().to_string(),
        "error: option `gateway.url` is not set\n  \
         mend: give it by --set gateway.url=…, by QUADRILLE_GATEWAY_URL or by `url = …` under \
         `[gateway]` in the file that --config names"
    );
    assert_eq!(
        Errors::from(loaded.missing("kafka.brokers")).to_string(),
        "error: option `kafka.brokers` is not set\n  \
         mend: give it by --kafka HOST:PORT, by QUADRILLE_KAFKA_BROKERS or by `brokers = …` under \
         `[kafka]` in the file that --config names"
    );
}

#[test]
#[should_panic = "the options of `[gateway]` and the type"]
fn a_struct_that_disagrees_with_the_layout_is_a_defect() {
    let layout = Layout::bus().with("[gateway]\n# Where it is.\nurls = ''\n");
    let _ = layout
        .load(Sources::none())
        .unwrap()
        .section::<Gateway>("gateway");
}

#[test]
fn secrets_are_never_shown() {
    // Given a secret that is wrong in every way.
    let file = ConfigFile::with(b"[gateway]\napi_key = 4711\n[state]\nurl = 5\n");
    let sources = file.sources().set("gateway.api_keys", "hunter2");
    assert_eq!(
        file.errors(sources),
        "error: inventory.toml:2:11: option `gateway.api_key` is a value that is not shown, but \
         must be a text\n  \
         mend: leave it out, and it is not set\n\
         error: inventory.toml:4:7: option `state.url` is 5, but must be memory, or a folder \
         such as ./state\n  \
         mend: leave it out for the default, \"memory\"\n\
         error: --set gateway.api_keys: unknown option `gateway.api_keys`\n  \
         mend: did you mean `gateway.api_key`?"
    );
    assert_eq!(
        file_errors("[gateway]\napi_key = 'hunter2\n"),
        "error: inventory.toml:2:19: not TOML: invalid literal string, expected `'`\n  \
         2 | api_key = ***"
    );

    // When they are right, they are not printed either.
    let sources = Sources::none()
        .set("gateway.api_key", "hunter2")
        .set("kafka.brokers", "a:1");
    let loaded = layout().load(sources).unwrap();
    for shown in [
        loaded.to_toml(),
        loaded.layers(),
        format!("{loaded:?} {:?}", loaded.bus()),
        loaded.refused("gateway.api_key", "it is not").to_string(),
    ] {
        assert!(!shown.contains("hunter2"), "{shown}");
    }
    assert!(
        loaded
            .to_toml()
            .contains("\napi_key = \"***\" # from --set gateway.api_key, default \"\"; a secret\n")
    );
}

#[test]
fn what_is_printed_can_be_used_as_a_file() {
    // Given options from all layers.
    let sources = Sources::none()
        .environment(variables(&[("QUADRILLE_LIMITS_HOPS_MAX", "7")]))
        .set("gateway.traced", "0.25")
        .set("group.instance", "a \"b\" \\ c");
    let loaded = layout().load(sources).unwrap();

    // When they are printed and read again.
    let printed = loaded.to_toml();
    let file = ConfigFile::with(printed.as_bytes());
    let again = layout().load(file.sources()).unwrap();

    // Then nothing has changed, and each line has told where its value came from.
    assert_eq!(again.bus(), loaded.bus());
    assert_eq!(
        again.section::<Gateway>("gateway"),
        loaded.section("gateway")
    );
    assert!(printed.contains(
        "\n# Most hops that an event may be away from the first of its flow, so that a circle \
         comes to an end.\nhops_max = 7 # hops, 1 to 10000; from environment variable \
         QUADRILLE_LIMITS_HOPS_MAX, default 64\n"
    ));
    assert!(printed.contains(
        "\n\n# The topics that the service uses.\n[topics]\n# Create the missing topics that the \
         service owns. Where false, the service waits for them, unready.\ncreate = true\n"
    ));
}

#[test]
fn memory_on_a_cluster_is_refused_until_the_loss_is_accepted() {
    let load = |sources: Sources| layout().load(sources).unwrap().check_state_outlives();
    let kafka = || Sources::none().set("kafka.brokers", "localhost:9092");

    let refused = load(kafka()).unwrap_err();
    assert_eq!(
        Errors::from(refused).to_string(),
        "error: `state.url` is \"memory\" (default) and `kafka.brokers` is \"localhost:9092\" \
         (--set kafka.brokers): when this process ends, its records, its inbox and unpublished \
         events are lost, while the cluster keeps the offsets of what it has handled, so that they \
         never come back\n  \
         mend: name a folder for databases by --state FOLDER, or accept the loss by --ephemeral \
         (`state.ephemeral = true`)"
    );
    assert_eq!(load(kafka().set("state.ephemeral", "true")), Ok(()));
    assert_eq!(load(kafka().set("state.url", "./state")), Ok(()));
    assert_eq!(load(Sources::none()), Ok(()));
}
