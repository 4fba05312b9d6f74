//! The flags that every program of Quadrille has.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

use super::sources::Sources;

/// The flags that every program of Quadrille has. Flatten them into a program's own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct Flags {
    /// Read options from this TOML file [env: QUADRILLE_CONFIG]
    #[arg(long, value_name = "FILE", help_heading = "Configuration")]
    pub config: Option<PathBuf>,

    /// Set one option, e.g. limits.attempts_max=3; may be repeated
    #[arg(long, value_name = "PATH=VALUE", value_parser = assignment, help_heading = "Configuration")]
    pub set: Vec<(String, String)>,

    /// Brokers of the Kafka cluster; short for --set kafka.brokers=…
    #[arg(long, value_name = "HOST:PORT", help_heading = "Configuration")]
    pub kafka: Option<String>,

    /// Where state is kept, `memory` or a folder; short for --set state.url=…
    #[arg(long, value_name = "FOLDER", help_heading = "Configuration")]
    pub state: Option<String>,

    /// Accept to lose what is in memory; short for --set state.ephemeral=true
    #[arg(long, help_heading = "Configuration")]
    pub ephemeral: bool,

    /// Check the configuration and exit
    #[arg(long, group = "instead", help_heading = "Instead of running")]
    pub check_config: bool,

    /// Print every option with its value and where that comes from, and exit
    #[arg(long, group = "instead", help_heading = "Instead of running")]
    pub print_config: bool,

    /// Print what the service reacts to and emits, as JSON, and exit
    #[arg(long, group = "instead", help_heading = "Instead of running")]
    pub contract: bool,
}

impl Flags {
    /// The sources that the flags name, on top of an environment.
    pub fn sources(&self, environment: impl IntoIterator<Item = (OsString, OsString)>) -> Sources {
        let mut sources = Sources::none();
        if let Some(file) = &self.config {
            sources = sources.file(file);
        }
        sources = sources.environment(environment);
        for (path, value) in &self.set {
            sources = sources.set(path, value);
        }
        let short = [
            ("--kafka", "kafka.brokers", self.kafka.as_deref()),
            ("--state", "state.url", self.state.as_deref()),
            (
                "--ephemeral",
                "state.ephemeral",
                self.ephemeral.then_some("true"),
            ),
        ];
        for (flag, path, value) in short {
            if let Some(value) = value {
                sources = sources.flag(flag.to_owned(), path, value);
            }
        }
        sources
    }
}

/// Splits `PATH=VALUE`.
fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((path, value)) if !path.trim().is_empty() => {
            Ok((path.trim().to_owned(), value.to_owned()))
        }
        _ => Err("an option and its value are wanted, such as limits.attempts_max=3".to_owned()),
    }
}
