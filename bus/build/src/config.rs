//! The generator's entry: what to read, where to look, where to write.
//!
//! [`Config::compile`] is for build scripts and talks to cargo; [`Config::compile_to`] does the
//! work and returns what is wrong.

use std::env;
use std::path::{Path, PathBuf};
use std::process;

use crate::error::{Error, Problem};
use crate::sources::{Folders, Sources};
use crate::{check, files, generate};

/// File that `quadrille::include_events!()` includes.
const GENERATED: &str = "quadrille.rs";

/// The encoded `FileDescriptorSet` beside it.
const DESCRIPTORS: &str = "descriptors.bin";

/// What to generate from what, where one line does not suffice.
///
/// ```no_run
/// quadrille_build::Config::new()
///     .include("../schemas/proto")
///     .extern_path(".common.v1", "::my_schemas::common::v1")
///     .compile("proto");
/// ```
#[derive(Debug, Clone, Default)]
pub struct Config {
    includes: Vec<PathBuf>,
    externs: Vec<(String, String)>,
}

impl Config {
    /// Generates everything under the folder, and imports nothing from elsewhere.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a folder in which imports are looked for. What is imported from there is not
    /// generated.
    #[must_use]
    pub fn include(mut self, folder: impl Into<PathBuf>) -> Self {
        self.includes.push(folder.into());
        self
    }

    /// Says where the Rust types of an imported package are: `.common.v1` in
    /// `::my_schemas::common::v1`.
    #[must_use]
    pub fn extern_path(mut self, proto: impl Into<String>, rust: impl Into<String>) -> Self {
        self.externs.push((proto.into(), rust.into()));
        self
    }

    /// Generates into `OUT_DIR`, from a build script.
    ///
    /// Tells cargo when to run again. Where a schema is wrong it prints every problem and ends the
    /// process with exit code 1.
    #[expect(
        clippy::print_stdout,
        reason = "a build script talks to cargo on stdout"
    )]
    #[expect(
        clippy::print_stderr,
        reason = "cargo shows a failed build script's stderr"
    )]
    pub fn compile(&self, folder: impl AsRef<Path>) {
        let folder = folder.as_ref();
        for watched in std::iter::once(folder).chain(self.includes.iter().map(PathBuf::as_path)) {
            println!("cargo:rerun-if-changed={}", watched.display());
        }
        let Some(out) = env::var_os("OUT_DIR") else {
            eprintln!("error: OUT_DIR is not set\n  mend: call quadrille_build from a build.rs");
            process::exit(1);
        };
        if let Err(error) = self.compile_to(folder, out) {
            eprintln!("{error}");
            process::exit(1);
        }
    }

    /// Generates `quadrille.rs` and `descriptors.bin` into a folder.
    ///
    /// Fails with every problem of the schemas at once, and writes nothing then.
    pub fn compile_to(&self, folder: impl AsRef<Path>, out: impl AsRef<Path>) -> Result<(), Error> {
        let (folder, out) = (folder.as_ref(), out.as_ref());
        let roots = files::find(folder)?;
        let folders = std::iter::once(folder.to_owned()).chain(self.includes.iter().cloned());
        let sources = Sources::read(roots, Folders::new(folders)).map_err(Error::new)?;
        let facts = check::facts(&sources, &self.externs).map_err(Error::new)?;
        let code = generate::code(&sources, &facts, &self.externs).map_err(|error| {
            let what = format!("cannot generate the types: {error}");
            Problem::of_file(folder, what, "correct the extern paths of the build script")
        })?;
        files::write(&out.join(DESCRIPTORS), &generate::descriptors(&sources))?;
        files::write(&out.join(GENERATED), code.as_bytes())?;
        Ok(())
    }
}
