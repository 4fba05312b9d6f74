//! Which flow somebody means who names one: by its id, or by a business key that several may carry.
//!
//! A key's own flow comes first: the one that was opened for the key by the service that it belongs
//! to, whatever others have emitted under it since. Only where there is none is it the newest. None is
//! hidden: the others are told beside it.

use std::collections::BTreeSet;

use quadrille::id::FlowId;

use super::Flow;
use crate::types;

/// The flows that are opened for a business key, one for each key space.
pub fn flows_of_key(key: &str) -> Vec<FlowId> {
    let spaces: BTreeSet<_> = types::all().map(|schema| schema.key_space).collect();
    let spaces = spaces.into_iter();
    spaces.map(|space| FlowId::of_key(space, key)).collect()
}

/// Whether a flow is the one of this id, or was opened for this key.
pub fn is_own(flow: &FlowId, wanted: &str) -> bool {
    *flow == FlowId::new(wanted) || flows_of_key(wanted).contains(flow)
}

/// Where a flow comes among those that a name may mean: the one that it means first, then the newest.
pub fn place(flow: &Flow, wanted: &str) -> impl Ord + use<> {
    (rank(&flow.id, wanted), std::cmp::Reverse(flow.span()))
}

/// How closely a name means a flow: 0 where it is its id.
pub fn rank(flow: &FlowId, wanted: &str) -> u8 {
    match *flow == FlowId::new(wanted) {
        true => 0,
        false if is_own(flow, wanted) => 1,
        false => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::planted::event;

    fn flow(id: FlowId, ms: i64) -> Flow {
        let mut flow = Flow::new(id.clone());
        let mut placed = event(id.as_str(), "orders.v1.OrderPlaced", None, ms);
        placed.envelope.flow = id;
        flow.add_event(placed);
        flow
    }

    #[test]
    fn the_flow_that_was_opened_for_a_key_comes_before_newer_ones_and_an_id_before_all() {
        // Given the flow of order 4711, an older and a newer one of others, and one that is called so.
        let own = flow(FlowId::of_key("order", "4711"), 10);
        let (older, newer) = (flow(FlowId::new("a"), 0), flow(FlowId::new("b"), 20));
        let named = flow(FlowId::new("4711"), 5);

        let mut flows = [&newer, &older, &own, &named];
        flows.sort_by_key(|flow| place(flow, "4711"));

        let ids: Vec<_> = flows.iter().map(|flow| flow.id.clone()).collect();
        assert_eq!(ids[0], named.id);
        assert_eq!(ids[1], own.id);
        assert_eq!(ids[2..], [FlowId::new("b"), FlowId::new("a")]);
    }
}
