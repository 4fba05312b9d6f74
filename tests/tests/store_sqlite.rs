//! The store conformance suite on the SQLite store, and what only a store on a disk can show.

use std::sync::Arc;

use quadrille::state::sqlite::{Options, Stores};
use quadrille::state::{Store, Stores as _};
use quadrille::world::Live;
use tempfile::TempDir;

quadrille_tests::store_conformance!(fresh().await);

/// An empty store in a folder of its own.
async fn fresh() -> (TempDir, Arc<dyn Store>) {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let store = open(&folder).await;
    (folder, store)
}

async fn open(folder: &TempDir) -> Arc<dyn Store> {
    let stores = Stores::in_folder(Arc::new(Live::new()), folder.path(), Options::default());
    stores
        .open("test", "cluster")
        .await
        .expect("the store opens")
}
