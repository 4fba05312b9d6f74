//! Flows that made room, so that a late receipt does not make a flow out of its last moment.
//!
//! Their ids are kept as hashes of 8 bytes, as many as flows are kept: the oldest are forgotten first.
//! Two ids of one hash would hide a receipt, once in some 10^13 flows.

use std::collections::BTreeSet;

use quadrille::id::FlowId;
use sqlx::{QueryBuilder, Row as _, SqliteConnection};
use uuid::Uuid;

use super::write::{Result, pieces};

/// Those of these flows that made room.
pub(super) async fn among(tx: &mut SqliteConnection, ids: &[&FlowId]) -> Result<BTreeSet<FlowId>> {
    let mut found = BTreeSet::new();
    for ids in pieces(ids) {
        let mut select = QueryBuilder::new("select hash from gone where hash in (");
        let mut list = select.separated(", ");
        for id in ids {
            list.push_bind(hash(id));
        }
        select.push(")");
        for row in select.build().fetch_all(&mut *tx).await? {
            let gone = row.get::<i64, _>(0);
            let those = ids.iter().filter(|id| hash(id) == gone);
            found.extend(those.map(|id| (*id).clone()));
        }
    }
    Ok(found)
}

/// Notes that a flow makes room.
pub(super) async fn remember(tx: &mut SqliteConnection, id: &FlowId) -> Result<()> {
    let insert = sqlx::query("insert or replace into gone (hash) values (?)");
    insert.bind(hash(id)).execute(tx).await.map(drop)
}

/// Forgets all but the newest.
pub(super) async fn forget(tx: &mut SqliteConnection, kept: u64) -> Result<()> {
    let delete = sqlx::query("delete from gone where nth <= (select max(nth) from gone) - ?");
    let kept = i64::try_from(kept).unwrap_or(i64::MAX);
    delete.bind(kept).execute(tx).await.map(drop)
}

fn hash(id: &FlowId) -> i64 {
    let (hash, _) = Uuid::new_v5(&Uuid::NAMESPACE_OID, id.as_str().as_bytes()).as_u64_pair();
    hash.cast_signed()
}
