//! A failure as people read it, and as a file that is run ever after.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use quadrille::broker::Assignor;
use serde::{Deserialize, Serialize};

use crate::end::Broken;
use crate::script::Script;
use crate::shrink::Shrunk;

/// Lines of a story that are shown.
const LINES_MAX: usize = 80;

/// Something does not hold: under which seed, and its shortest story.
#[derive(Debug, Clone)]
pub struct Failure {
    /// What does not hold, and why.
    pub broken: Broken,
    /// The seed under which that was found.
    pub seed: u64,
    /// What is left of its script.
    pub script: Script,
    /// What happened.
    pub story: Vec<String>,
    /// How many lines the script had.
    pub lines: usize,
    /// How many runs it took to shrink it.
    pub runs: u32,
    /// How groups shared partitions out.
    pub assignor: Assignor,
    scenario: String,
    schedule: u64,
}

/// A failure that was written down: it must not come back.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Regression {
    /// The scenario.
    pub scenario: String,
    /// What did not hold.
    pub broke: String,
    /// Why it did not.
    pub why: String,
    /// What the stage is drawn from.
    pub seed: u64,
    /// What the order of everything is drawn from.
    pub schedule: u64,
    /// How groups share partitions out.
    #[serde(default)]
    pub assignor: Assignor,
    /// What happens.
    pub steps: Vec<String>,
    /// What goes wrong.
    pub faults: Vec<String>,
}

impl Failure {
    pub(crate) fn of(scenario: &str, lines: usize, shrunk: Shrunk) -> Self {
        let Shrunk { order, ran, runs } = shrunk;
        let broken = ran.broken.expect("a run can be repeated");
        let of_flow = |line: &&crate::chronicle::Line| {
            broken.flow.is_none() || line.flow().is_none() || line.flow() == broken.flow.as_ref()
        };
        Self {
            story: ran.story.iter().filter(of_flow).map(|l| l.text()).collect(),
            script: ran.script,
            assignor: ran.assignor,
            seed: order.seed,
            schedule: order.schedule,
            scenario: scenario.to_owned(),
            broken,
            lines,
            runs,
        }
    }

    /// What is written down.
    pub fn regression(&self) -> Regression {
        Regression {
            scenario: self.scenario.clone(),
            broke: self.broken.what.clone(),
            why: self.broken.why.clone(),
            seed: self.seed,
            schedule: self.schedule,
            assignor: self.assignor,
            steps: self.script.steps.iter().map(ToString::to_string).collect(),
            faults: self.script.faults.iter().map(ToString::to_string).collect(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, script, .. } = self;
        writeln!(f, "seed {seed}: {}", self.broken)?;
        writeln!(
            f,
            "shrunk from {} steps and faults to {}, in {} runs:",
            self.lines,
            script.len(),
            self.runs
        )?;
        writeln!(f, "  group  {}", self.assignor)?;
        for step in &script.steps {
            writeln!(f, "  step   {step}")?;
        }
        for fault in &script.faults {
            writeln!(f, "  fault  {fault}")?;
        }
        writeln!(f, "what happened:")?;
        for line in self.story.iter().take(LINES_MAX) {
            writeln!(f, "  {line}")?;
        }
        let more = self.story.len().saturating_sub(LINES_MAX);
        match more {
            0 => Ok(()),
            more => writeln!(f, "  and {more} lines more"),
        }
    }
}

impl Regression {
    /// Reads one. The error names the file.
    pub fn read(path: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(path);
        let text = text.map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
    }

    /// All files of a folder that end in `.toml`, in the order of their names.
    pub fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|ending| ending == "toml") {
                files.push(path);
            }
        }
        files.sort();
        Ok(files)
    }

    /// Writes it into a folder, under a name that says what it is. Where that is.
    pub fn write(&self, folder: &Path) -> io::Result<PathBuf> {
        fs::create_dir_all(folder)?;
        let what = self
            .broke
            .replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        let path = folder.join(format!("{}-{what}-{}.toml", self.scenario, self.seed));
        fs::write(&path, self.to_toml())?;
        Ok(path)
    }

    /// As text.
    pub fn to_toml(&self) -> String {
        toml::to_string_pretty(self).expect("plain text and numbers are TOML")
    }

    /// The script of it.
    pub(crate) fn script(&self) -> Result<Script, String> {
        Ok(Script {
            steps: self
                .steps
                .iter()
                .map(|s| s.parse())
                .collect::<Result<_, _>>()?,
            faults: self
                .faults
                .iter()
                .map(|s| s.parse())
                .collect::<Result<_, _>>()?,
        })
    }
}
