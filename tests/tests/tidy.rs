//! What a reviewer would say each time: files say what they are for and stay short, and the docs
//! name what is there.
//!
//! Reads the sources as text and needs nothing but the standard library.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Most lines of a Rust file.
const LINES_MAX: usize = 500;

/// Files that are longer, and how long they may be. The list may only get shorter.
const LONGER: [(&str, usize); 3] = [
    ("bus/src/broker/memory/group/tests.rs", 700),
    ("bus/src/config/tests.rs", 550),
    ("services/orders/src/http/tests.rs", 550),
];

/// The folders that may name the Kafka crate, with the file that stands before the first.
const NAMES_KAFKA: [&str; 3] = [
    "bus/src/broker/kafka",
    "bus/src/broker/kafka.rs",
    "tests/bench/src/bare",
];

/// The places of the bus that may write log lines, the second only what librdkafka says.
const LOGS: [&str; 2] = ["bus/src/observe", "bus/src/broker/kafka/log.rs"];

/// The places of the bus that may name OpenTelemetry.
const TRACES: [&str; 3] = [
    "bus/src/observe",
    "bus/src/observe.rs",
    "bus/src/program/telemetry",
];

/// Pages whose every mention of a Rust file is held against the sources.
const PAGES: [&str; 2] = ["docs/path-of-an-event.md", "docs/architecture.md"];

/// The page whose code is taken from the sources, word for word.
const QUOTING_PAGE: &str = "docs/add-a-service.md";

/// Stands in quoted code for what was left out.
const LEFT_OUT: &str = "// …";

#[test]
fn every_rust_file_says_what_it_is_for() {
    // Shows that each begins with its module doc; tests beside a module are told by the module.
    let silent: Vec<_> = files("rs")
        .into_iter()
        .filter(|path| !path.ends_with("tests.rs"))
        .filter(|path| !read(path).starts_with("//!"))
        .collect();
    assert!(silent.is_empty(), "without `//!` at the top: {silent:?}");
}

#[test]
fn no_rust_file_is_too_long() {
    // Shows the limit, and that no exception outlives its reason.
    for path in files("rs") {
        let lines = read(&path).lines().count();
        let exception = LONGER.iter().find(|(long, _)| Path::new(long) == path);
        let limit = exception.map_or(LINES_MAX, |(_, limit)| *limit);
        let path = path.display();
        assert!(
            lines <= limit,
            "{path} has {lines} lines, more than {limit}: what is its second idea?"
        );
        assert!(
            exception.is_none() || lines > LINES_MAX,
            "{path} is short enough now: take it off the list of exceptions"
        );
    }
}

#[test]
fn only_the_adapter_and_the_yardstick_name_the_kafka_crate() {
    // Shows that nothing else can come to depend on how librdkafka does things.
    let naming: Vec<_> = files("rs")
        .into_iter()
        .filter(|path| !NAMES_KAFKA.iter().any(|folder| path.starts_with(folder)))
        .filter(|path| read(path).contains(concat!("rdkafka", "::")))
        .collect();
    assert!(naming.is_empty(), "they name rdkafka: {naming:?}");
}

#[test]
fn only_observe_writes_log_lines_and_names_opentelemetry() {
    // Shows that every span, metric and log line of the bus is defined in one place.
    let naming = |what: [&str; 2], may: &[&str]| {
        let (bus, what) = (Path::new("bus/src"), what.concat());
        let others = files("rs").into_iter();
        let others = others.filter(|path| path.starts_with(bus));
        let others = others.filter(|path| !may.iter().any(|may| path.starts_with(may)));
        let naming = others.filter(|path| read(path).contains(&what));
        naming.collect::<Vec<_>>()
    };
    let lines = naming(["tracing", "::"], &LOGS);
    assert!(lines.is_empty(), "they write log lines: {lines:?}");
    let spans = naming(["open", "telemetry::"], &TRACES);
    assert!(spans.is_empty(), "they name OpenTelemetry: {spans:?}");
}

#[test]
fn the_docs_name_files_and_functions_that_exist() {
    // Shows that a function that is renamed takes its place in the docs with it.
    let mut wrong = Vec::new();
    for page in PAGES {
        let mentions: Vec<_> = mentions(&read(Path::new(page)));
        assert!(mentions.len() > 20, "{page} names next to nothing");
        for (file, function) in mentions {
            let Some(path) = source(&file) else {
                wrong.push(format!("{page}: there is no file {file}"));
                continue;
            };
            let defines = |name: &str| defines(&read(&path), name);
            if let Some(function) = function.filter(|name| !defines(name)) {
                wrong.push(format!("{page}: {file} has no function {function}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn quoted_code_stands_in_the_sources() {
    // Shows that whoever types a page's code off gets what compiles here.
    let page = read(Path::new(QUOTING_PAGE));
    let quotes = quotes(&page);
    assert!(quotes.len() > 5, "{QUOTING_PAGE} quotes next to nothing");
    for (file, code) in quotes {
        let source = read(Path::new(&file));
        for piece in code.split(LEFT_OUT) {
            let piece = piece.trim();
            assert!(
                source.contains(piece),
                "{QUOTING_PAGE}: this does not stand in {file}:\n{piece}"
            );
        }
    }
}

#[test]
fn links_lead_somewhere() {
    // Shows it for every page of the project, for links to files.
    let mut dead = Vec::new();
    for page in files("md") {
        let folder = page.parent().expect("a page is in a folder");
        for link in links(&read(&page)) {
            let target = link.split('#').next().unwrap_or_default();
            if !target.is_empty() && !root().join(folder).join(target).exists() {
                dead.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(dead.is_empty(), "dead links: {dead:#?}");
}

#[test]
fn every_decision_is_in_the_index() {
    // Shows that no decision record is left out of the page that tells what was concluded.
    let index = links(&read(Path::new("docs/adr/README.md")));
    let listed: BTreeSet<_> = index.iter().map(String::as_str).collect();
    let mut pages = 0;
    for page in files("md") {
        let name = page.file_name().expect("a file has a name");
        let name = name.to_str().expect("our names are UTF-8");
        if page.starts_with("docs/adr") && name != "README.md" {
            assert!(listed.contains(name), "docs/adr/README.md lacks {name}");
            pages += 1;
        }
    }
    assert!(pages > 0, "there are no decision records");
}

/// The root of the workspace.
fn root() -> &'static Path {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("tests is a folder of the workspace")
}

fn read(path: &Path) -> String {
    let text = fs::read_to_string(root().join(path));
    text.unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()))
}

/// All files with this ending, from the root on, in order. What is built or hidden is left out.
fn files(ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root().join(&folder)).expect("the work tree can be read") {
            let entry = entry.expect("the work tree can be read");
            let name = entry
                .file_name()
                .into_string()
                .expect("the work tree can be read");
            let path = folder.join(&name);
            if entry
                .file_type()
                .expect("the work tree can be read")
                .is_dir()
            {
                if !name.starts_with('.') && !["target", "node_modules"].contains(&name.as_str()) {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|found| found == ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "no .{ending} file is below the root");
    found
}

/// What a page names between backticks: `path.rs`, or `path.rs:function`.
fn mentions(page: &str) -> Vec<(String, Option<String>)> {
    let mut mentions = Vec::new();
    for quoted in outside_fences(page).split('`').skip(1).step_by(2) {
        let (file, function) = match quoted.split_once(':') {
            Some((file, function)) => (file, Some(function.trim_end_matches("()").to_owned())),
            None => (quoted, None),
        };
        if file.ends_with(".rs") && !file.contains(char::is_whitespace) {
            mentions.push((file.to_owned(), function));
        }
    }
    mentions
}

/// The file of a mention, whose path begins at the root or at the bus's sources.
fn source(file: &str) -> Option<PathBuf> {
    let places = [PathBuf::from(file), Path::new("bus/src").join(file)];
    places.into_iter().find(|path| root().join(path).is_file())
}

/// Whether a source defines a function of this name, or of this name within a type: `Cx::load`.
fn defines(source: &str, name: &str) -> bool {
    let name = name.rsplit("::").next().unwrap_or(name);
    let definition = format!("fn {name}");
    source.match_indices(&definition).any(|(at, _)| {
        let after = &source[at + definition.len()..];
        after.starts_with(['(', '<'])
    })
}

/// Quoted code with the file that it is from, which stands alone between backticks in the last line
/// before it.
fn quotes(page: &str) -> Vec<(String, String)> {
    let mut quotes = Vec::new();
    let (mut before, mut lines) = ("", page.lines());
    while let Some(line) = lines.next() {
        if line.starts_with("```") {
            let code: Vec<_> = lines.by_ref().take_while(|line| *line != "```").collect();
            let file = before.strip_prefix('`').and_then(|l| l.strip_suffix("`:"));
            if let Some(file) = file {
                quotes.push((file.to_owned(), code.join("\n")));
            }
        }
        if !line.trim().is_empty() {
            before = line.trim();
        }
    }
    quotes
}

/// Targets of a page's links, those into the web left out.
fn links(page: &str) -> Vec<String> {
    let text = outside_fences(page);
    let targets = text.split("](").skip(1);
    let targets = targets.filter_map(|rest| rest.split(')').next());
    targets
        .filter(|target| !target.contains("://") && !target.starts_with("mailto:"))
        .map(ToOwned::to_owned)
        .collect()
}

/// A page without its blocks of code.
fn outside_fences(page: &str) -> String {
    let mut inside = false;
    let mut text = String::new();
    for line in page.lines() {
        if line.trim_start().starts_with("```") {
            inside = !inside;
        } else if !inside {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}
