//! Reads and resolves `.proto` files, without `protoc`.
//!
//! Our options resolve everywhere; other imports are looked for in the folder, then in the include
//! folders, then among Google's well-known types. File names are those of import lines, so that
//! nothing generated depends on where the crate lies.

use std::path::{Path, PathBuf};

use prost_reflect::{DescriptorPool, FileDescriptor};
use protox::file::{File, FileResolver, GoogleFileResolver};

use crate::error::Problem;
use crate::options::{OPTIONS_NAME, OPTIONS_PROTO};

/// All files, resolved, and which of them are to be generated.
pub(crate) struct Sources {
    pub(crate) pool: DescriptorPool,
    roots: Vec<String>,
    folders: Vec<PathBuf>,
}

impl Sources {
    /// Reads the files of these names, and what they import, from the folders in this order.
    pub(crate) fn read(roots: Vec<String>, folders: Vec<PathBuf>) -> Result<Self, Vec<Problem>> {
        let resolver = Resolver {
            folders: folders.clone(),
            google: GoogleFileResolver::new(),
        };
        let mut compiler = protox::Compiler::with_file_resolver(resolver);
        compiler.include_imports(true).include_source_info(true);
        let mut problems = Vec::new();
        for name in &roots {
            if let Err(error) = compiler.open_file(name) {
                problems.push(Problem::of_file(Path::new(name), format!("{error:?}"), ""));
            }
        }
        if problems.is_empty() {
            let pool = compiler.descriptor_pool();
            Ok(Self {
                pool,
                roots,
                folders,
            })
        } else {
            Err(problems)
        }
    }

    /// The files to be generated.
    pub(crate) fn roots(&self) -> impl Iterator<Item = FileDescriptor> {
        self.pool.files().filter(|file| self.is_root(file))
    }

    /// Whether the file is to be generated, not only imported.
    pub(crate) fn is_root(&self, file: &FileDescriptor) -> bool {
        self.roots.iter().any(|root| root == file.name())
    }

    /// The file as the build script would open it.
    pub(crate) fn shown(&self, name: &str) -> String {
        shown(&self.folders, name)
    }
}

fn shown(folders: &[PathBuf], name: &str) -> String {
    let path = folders
        .iter()
        .map(|folder| folder.join(name))
        .find(|path| path.is_file());
    path.map_or_else(|| name.to_owned(), |path| path.display().to_string())
}

/// Opens files by the names that import lines use.
struct Resolver {
    folders: Vec<PathBuf>,
    google: GoogleFileResolver,
}

impl FileResolver for Resolver {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        if name == OPTIONS_NAME {
            return File::from_source(name, OPTIONS_PROTO);
        }
        let path = self
            .folders
            .iter()
            .map(|folder| folder.join(name))
            .find(|path| path.is_file());
        match path {
            Some(path) => File::open(name, &path),
            None => self.google.open_file(name),
        }
    }
}
