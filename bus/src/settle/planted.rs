//! The planted bug of the inbox: it is written behind the change, and not with it.

use crate::service::host::Host;
use crate::state::Change;
use crate::world::Bug;

/// Takes the inbox out of a change, where the world wants the bug.
pub(super) fn split(host: &Host, mut change: Change) -> (Change, Option<Change>) {
    if host.store.is_none() || !host.world.has(Bug::InboxOutside) {
        return (change, None);
    }
    let behind = Change {
        event: change.event.take(),
        at: change.at,
        ..Change::default()
    };
    (change, Some(behind))
}

/// Writes what was taken out.
pub(super) async fn write(host: &Host, behind: Option<Change>) {
    if let (Some(store), Some(behind)) = (&host.store, behind) {
        // A bug does not ask what became of it.
        let _ = store.apply(behind).await;
    }
}
