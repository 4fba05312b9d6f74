//! Sees to it that cargo notices when the web UI is built, also for the first time.

use std::path::Path;

fn main() -> std::io::Result<()> {
    // A folder that is not there counts as changed at every build.
    std::fs::create_dir_all(Path::new("ui").join("dist"))?;
    println!("cargo::rerun-if-changed=ui/dist");
    println!("cargo::rerun-if-changed=build.rs");
    Ok(())
}
