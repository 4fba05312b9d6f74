//! Holds what is built in against `deny.toml`: licences, banned crates, and where crates are from.
//!
//! Asks cargo alone, and nobody over the network. `cargo deny check bans licenses sources` reads the
//! same file, and looks into the texts of licences as well; this needs nothing to be installed.

use std::path::Path;
use std::process::Command;

use serde::Deserialize;
use spdx::{Expression, LicenseId, ParseMode, license_id};

/// The only registry, as cargo names it however it is reached.
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// What of `deny.toml` is held here.
#[derive(Deserialize)]
struct Rules {
    licenses: Licences,
    bans: Bans,
}

#[derive(Deserialize)]
struct Licences {
    allow: Vec<String>,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Banned>,
}

#[derive(Deserialize)]
struct Banned {
    #[serde(rename = "crate")]
    name: String,
    reason: String,
}

/// What cargo tells of all crates together.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    license: Option<String>,
    source: Option<String>,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    req: String,
    path: Option<String>,
}

#[test]
fn every_crate_has_a_licence_that_we_allow() {
    // Shows it for each crate of this platform's build, with those that only tests and builds use.
    let allowed = allowed(&rules());
    let mut wrong = Vec::new();
    for package in packages() {
        let Package { name, version, .. } = &package;
        let licence = package.license.as_deref().unwrap_or_default();
        if let Err(why) = judge(licence, &allowed) {
            wrong.push(format!("{name} {version}: {why}"));
        }
    }
    let wrong = wrong.join("\n");
    assert!(wrong.is_empty(), "not allowed by deny.toml:\n{wrong}");
}

#[test]
fn no_crate_is_banned_or_from_elsewhere() {
    // Shows that no banned crate is built in, that all are from the one registry or from here, and
    // that ours say which version of another's they want.
    let banned = rules().bans.deny;
    for package in packages() {
        let name = &package.name;
        if let Some(Banned { reason, .. }) = banned.iter().find(|banned| banned.name == *name) {
            panic!("deny.toml bans {name}: {reason}");
        }
        if let Some(source) = &package.source {
            assert_eq!(source, REGISTRY, "{name} is from elsewhere");
            continue;
        }
        for wanted in &package.dependencies {
            let is_exact = wanted.path.is_some() || wanted.req != "*";
            assert!(is_exact, "{name} takes any version of {}", wanted.name);
        }
    }
}

#[test]
fn a_licence_is_judged_by_its_expression() {
    // Shows that one way of a choice is enough, that all parts of a sum are needed, and that what is
    // no licence is refused.
    let allowed = [id("MIT"), id("BSD-3-Clause"), id("Apache-2.0")];
    for good in [
        "MIT",
        "MIT/Apache-2.0",
        "Apache-2.0 / MIT",
        "GPL-3.0-only OR MIT",
        "MIT AND BSD-3-Clause",
        "Apache-2.0 WITH LLVM-exception OR MIT",
    ] {
        assert_eq!(judge(good, &allowed), Ok(()), "{good}");
    }
    for bad in [
        "",
        "GPL-3.0-only",
        "MIT AND GPL-3.0-only",
        "Apache-2.0 WITH LLVM-exception",
        "LicenseRef-Ours",
        "proprietary",
    ] {
        assert!(judge(bad, &allowed).is_err(), "{bad}");
    }
}

/// Whether an expression can be met by allowed licences alone. An exception is a licence of its own.
fn judge(licence: &str, allowed: &[LicenseId]) -> Result<(), String> {
    // Many crates have the slash that cargo once took for "or".
    let mode = ParseMode {
        allow_slash_as_or_operator: true,
        ..ParseMode::STRICT
    };
    let expression = Expression::parse_mode(licence, mode)
        .map_err(|error| format!("`{licence}` is no licence: {}", error.reason))?;
    let is_met = expression.evaluate(|wanted| {
        let id = wanted.license.id();
        wanted.addition.is_none() && id.is_some_and(|id| allowed.contains(&id))
    });
    is_met.then_some(()).ok_or_else(|| format!("`{licence}`"))
}

fn allowed(rules: &Rules) -> Vec<LicenseId> {
    rules.licenses.allow.iter().map(|name| id(name)).collect()
}

fn id(name: &str) -> LicenseId {
    license_id(name).unwrap_or_else(|| panic!("`{name}` is no licence of SPDX's list"))
}

fn rules() -> Rules {
    let file = root().join("deny.toml");
    let text = std::fs::read_to_string(file).expect("deny.toml can be read");
    toml::from_str(&text).expect("deny.toml has its sections")
}

/// All crates of this platform's build: those of others may not have been fetched.
fn packages() -> Vec<Package> {
    let told = cargo(&["-vV"]);
    let host = told.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.expect("cargo says what it runs on");
    let told = cargo(&[
        "metadata",
        "--format-version=1",
        "--offline",
        "--locked",
        "--all-features",
        "--filter-platform",
        host,
    ]);
    let Metadata { packages } = serde_json::from_str(&told).expect("cargo keeps to its format");
    assert!(packages.len() > 100, "cargo tells of next to nothing");
    packages
}

fn cargo(arguments: &[&str]) -> String {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let ran = Command::new(cargo)
        .args(arguments)
        .current_dir(root())
        .output()
        .expect("tests are run by cargo");
    let error = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "cargo {arguments:?}: {error}");
    String::from_utf8(ran.stdout).expect("cargo writes UTF-8")
}

fn root() -> &'static Path {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("tests is a folder of the workspace")
}
