//! Reads and resolves `.proto` files, without `protoc`.
//!
//! Our options resolve everywhere; other imports are looked for in the folder, then in the include
//! folders, then among Google's well-known types. File names are those of import lines, so that
//! nothing generated depends on where the crate lies.

mod mend;
mod syntax;

use std::fs;
use std::path::PathBuf;

use prost_reflect::{DescriptorPool, FileDescriptor};
use protox::file::{File, FileResolver, GoogleFileResolver};

use crate::error::Problem;
use crate::options::{OPTIONS_NAME, OPTIONS_PROTO};

/// All files, resolved, and which of them are to be generated.
pub(crate) struct Sources {
    pub(crate) pool: DescriptorPool,
    roots: Vec<String>,
    folders: Folders,
}

impl Sources {
    /// Reads the files of these names, and what they import, from the folders in this order.
    pub(crate) fn read(roots: Vec<String>, folders: Folders) -> Result<Self, Vec<Problem>> {
        let resolver = Resolver {
            folders: folders.clone(),
            google: GoogleFileResolver::new(),
        };
        let mut compiler = protox::Compiler::with_file_resolver(resolver);
        compiler.include_imports(true).include_source_info(true);
        let mut problems = Vec::new();
        for name in &roots {
            if let Err(error) = compiler.open_file(name) {
                problems.extend(syntax::problems(&error, name, &folders));
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

    /// Where the files lie.
    pub(crate) fn folders(&self) -> &Folders {
        &self.folders
    }
}

/// The folders in which files are looked for, in this order.
#[derive(Clone)]
pub(crate) struct Folders(Vec<PathBuf>);

impl Folders {
    /// Looks in the first folder first.
    pub(crate) fn new(folders: impl IntoIterator<Item = PathBuf>) -> Self {
        Self(folders.into_iter().collect())
    }

    /// The file as the build script would open it.
    pub(crate) fn shown(&self, name: &str) -> String {
        let path = self.path(name);
        path.map_or_else(|| name.to_owned(), |path| path.display().to_string())
    }

    /// The text of a file, where it lies in a folder.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.path(name)?).ok()
    }

    fn path(&self, name: &str) -> Option<PathBuf> {
        let paths = self.0.iter().map(|folder| folder.join(name));
        paths.into_iter().find(|path| path.is_file())
    }
}

/// Opens files by the names that import lines use.
struct Resolver {
    folders: Folders,
    google: GoogleFileResolver,
}

impl FileResolver for Resolver {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        if name == OPTIONS_NAME {
            return File::from_source(name, OPTIONS_PROTO);
        }
        match self.folders.path(name) {
            Some(path) => File::open(name, &path),
            None => self.google.open_file(name),
        }
    }
}
