//! A Kafka of the run's own, from `deploy/kafka/kafka.sh`, gone with all its data at the end.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use quadrille::program::{Exit, Failure};
use tempfile::TempDir;
use tokio::process::Command;

/// The script, from the root of the repository.
const SCRIPT: &str = "deploy/kafka/kafka.sh";

/// The Kafka of a run.
pub(crate) struct Kafka {
    /// HOST:PORT.
    pub(crate) address: String,
    /// Its process, where it is ours.
    pub(crate) pid: Option<u32>,
    own: Option<Own>,
}

struct Own {
    script: PathBuf,
    data: TempDir,
}

impl Kafka {
    /// Somebody else's.
    pub(crate) fn at(address: String) -> Self {
        Self {
            address,
            pid: None,
            own: None,
        }
    }

    /// Starts one. Needs the repository around the working directory.
    pub(crate) async fn start() -> Result<Self, Failure> {
        let here = env::current_dir().unwrap_or_default();
        let script = here.ancestors().map(|folder| folder.join(SCRIPT));
        let script = script.into_iter().find(|script| script.is_file());
        let script = script.ok_or_else(|| {
            let message = format!(
                "cannot start a kafka: {SCRIPT} is not below {}",
                here.display()
            );
            Failure::new(Exit::Configuration, message)
                .mend("run it in the repository, or name a cluster by --kafka")
        })?;
        let data = TempDir::with_prefix("quadrille-bench-").map_err(|error| {
            Failure::new(Exit::Failed, "cannot make a folder for kafka").because(&error)
        })?;
        let own = Own { script, data };
        let started = call(&own, &["start", "--profile", "bench"]).await;
        let address = match started {
            Ok(address) => address,
            Err(failure) => {
                // It may have started half.
                let _ = call(&own, &["wipe"]).await;
                return Err(failure);
            }
        };
        let status = call(&own, &["status"]).await?;
        Ok(Self {
            address,
            pid: pid(&status),
            own: Some(own),
        })
    }

    /// Ends it, if it is ours.
    pub(crate) async fn end(self) -> Result<(), Failure> {
        match &self.own {
            Some(own) => call(own, &["wipe"]).await.map(drop),
            None => Ok(()),
        }
    }
}

async fn call(own: &Own, arguments: &[&str]) -> Result<String, Failure> {
    let failed = |why: &str| {
        let message = format!(
            "`{} {}` failed{why}",
            own.script.display(),
            arguments.join(" ")
        );
        Failure::new(Exit::Unreachable, message)
    };
    let called = Command::new(&own.script)
        .args(arguments)
        .arg("--data")
        .arg(data(own))
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output();
    let output = called.await.map_err(|error| failed("").because(&error))?;
    if !output.status.success() {
        return Err(failed(&format!(" with {}", output.status)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn data(own: &Own) -> &Path {
    own.data.path()
}

/// The process in a line of `kafka.sh status`.
fn pid(status: &str) -> Option<u32> {
    let mut words = status.split_whitespace();
    words.find_map(|word| word.strip_prefix("pid=")?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_stands_in_the_status() {
        // Shows the line that the script promises, and one without a process.
        let line = "127.0.0.1:24490 pid=4711 rss_mb=163 data=./kafka";
        assert_eq!(pid(line), Some(4711));
        assert_eq!(pid("stopped"), None);
    }
}
