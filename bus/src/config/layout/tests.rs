use super::*;

/// A service's file with one option, or what is wrong with it.
fn refusal(file: &str) -> String {
    Layout::bus().read(file, false).unwrap_err()
}

#[test]
fn the_bus_options_are_well_formed_and_set_by_distinct_variables() {
    let layout = Layout::bus();
    assert!(layout.options.iter().all(|option| option.of_bus));
    let attempts = &layout.options[layout.find("limits.attempts_max").unwrap()];
    assert_eq!(attempts.variable(), "QUADRILLE_LIMITS_ATTEMPTS_MAX");
    assert_eq!(attempts.default, Value::Whole(8));
    assert_eq!(
        attempts.comment,
        [
            "How often a reaction to one event is tried before the event is parked, the first time \
             included."
        ]
    );
}

#[test]
fn a_service_adds_its_own_options_and_moves_defaults_of_the_bus() {
    let layout = Layout::bus().with(
        "# The payment gateway.\n[gateway]\n# Where it is.\nurl = '' # URL\n\
         [health]\nlisten = '127.0.0.1:7083'\n",
    );
    let url = &layout.options[layout.find("gateway.url").unwrap()];
    assert!(!url.of_bus);
    let listen = &layout.options[layout.find("health.listen").unwrap()];
    assert_eq!(listen.default, Value::Text("127.0.0.1:7083".into()));
    assert!(
        listen.comment[0].starts_with("Where /healthz"),
        "{listen:?}"
    );
    assert_eq!(layout.tables.last().unwrap().name, "gateway");
}

#[test]
#[should_panic = "the options that the program brings are not well formed: line 2: `gateway.url`: a \
                  comment above must say what the option is for"]
fn a_layout_that_breaks_the_rules_stops_the_program() {
    let _ = Layout::bus().with("[gateway]\nurl = ''\n");
}

#[test]
fn two_services_cannot_have_the_same_option() {
    let file = "[http]\n# Where it listens.\nlisten = ''\n";
    let mut layout = Layout::bus().with(file);
    assert_eq!(
        layout.read(file, false).unwrap_err(),
        "line 3: `http.listen`: another of the program's files has this option already"
    );
}

#[test]
fn every_broken_rule_is_named_with_its_line() {
    let cases = [
        (
            "[a]\nb = \n",
            "line 2: string values must be quoted, expected literal string",
        ),
        ("# x\nb = ''\n", "line 2: `b`: an option stands in a table"),
        (
            "[a]\n# x\nB = ''\n",
            "line 3: `a.B`: a name begins with a small letter and has small letters, digits and `_`",
        ),
        (
            "[a]\n# x\nb = 1\n",
            "line 3: `a.b`: a number needs its unit and range behind it, such as `# ms, 1 to 60000`",
        ),
        (
            "[a]\n# x\nb = []\n",
            "line 3: `a.b`: the default is a list, but an option is a text, a number or a switch: write a list as a text with commas",
        ),
        (
            "[limits]\n# x\nb = ''\n",
            "line 3: `limits.b`: `limits` is the bus's: use a table of your own",
        ),
        (
            "[limits]\nattempts_max = 0\n",
            "line 2: `limits.attempts_max`: the default is 0, but must be a whole number of attempts from 1 to 1000",
        ),
        (
            "[limits]\nattempts_max = 9 # attempts, 1 to 9\n",
            "line 2: `limits.attempts_max`: another default takes no comment behind it: unit and range stay",
        ),
        (
            "[test]\n# x\nb = ''\n",
            "`test.b` would be set by QUADRILLE_TEST_B, which has another meaning",
        ),
        (
            "[a]\n# x\nb_c = ''\n[a.b]\n# x\nc = ''\n",
            "`a.b_c` and `a.b.c` would both be set by QUADRILLE_A_B_C",
        ),
    ];
    for (file, error) in cases {
        assert_eq!(refusal(file), error);
    }
}
