//! The tree of causes: which event led to which.
//!
//! An event names its cause by id alone; within one flow that is enough. Nothing is ever left out of
//! the tree: an event whose cause is not there stands at the top, and so does one of a circle,
//! which only a foreign publisher can draw.

use std::collections::{BTreeMap, BTreeSet};

use super::{Flow, Name, Node};

/// One event's place in the tree, in the order in which the tree is read from top to bottom.
#[derive(Debug, Clone)]
pub struct Place<'a> {
    /// What makes the event one and the same.
    pub name: &'a Name,
    /// The event and what became of it.
    pub node: &'a Node,
    /// The event that caused it, where that is in the tree.
    pub parent: Option<&'a Name>,
    /// Steps down from the top.
    pub depth: usize,
    /// Whether it names a cause that is not in the tree.
    pub cause_missing: bool,
}

/// All events of a flow, causes before their effects, older siblings before younger ones.
pub fn tree(flow: &Flow) -> Vec<Place<'_>> {
    let parents = parents(flow);
    let mut children: BTreeMap<&Name, Vec<&Name>> = BTreeMap::new();
    let mut tops = Vec::new();
    for name in flow.nodes().keys() {
        match parents.get(name) {
            Some(parent) => children.entry(parent).or_default().push(name),
            None => tops.push(name),
        }
    }
    let mut walk = Walk {
        flow,
        children,
        placed: BTreeSet::new(),
        places: Vec::new(),
    };
    walk.sort(&mut tops);
    for top in tops {
        walk.from(top);
    }
    // What is left goes in circles: each begins where its first event is.
    let mut rest: Vec<_> = flow.nodes().keys().collect();
    rest.retain(|name| !walk.placed.contains(name));
    walk.sort(&mut rest);
    for name in rest {
        walk.from(name);
    }
    walk.places
}

/// Each event's cause, where it is in the flow.
fn parents(flow: &Flow) -> BTreeMap<&Name, &Name> {
    let mut by_id: BTreeMap<&str, &Name> = BTreeMap::new();
    let mut emitted: BTreeMap<&str, &Name> = BTreeMap::new();
    for (name, node) in flow.nodes() {
        by_id.entry(name.id.as_str()).or_insert(name);
        for receipt in node.attempts() {
            for event in &receipt.emitted {
                emitted.insert(&event.id, name);
            }
        }
    }
    let parent = |(name, node): (&'_ Name, &'_ Node)| -> Option<&Name> {
        match &node.event {
            Some(event) => by_id.get(event.envelope.cause.as_ref()?.as_str()).copied(),
            // Only receipts tell of it: whoever emitted it says so.
            None => emitted.get(name.id.as_str()).copied(),
        }
    };
    let nodes = flow.nodes().iter();
    let pairs = nodes.filter_map(|(name, node)| Some((name, parent((name, node))?)));
    pairs.filter(|(name, parent)| name != parent).collect()
}

struct Walk<'a> {
    flow: &'a Flow,
    children: BTreeMap<&'a Name, Vec<&'a Name>>,
    placed: BTreeSet<&'a Name>,
    places: Vec<Place<'a>>,
}

impl<'a> Walk<'a> {
    /// Places an event and all that it led to. Without recursion: a foreign chain may be long.
    fn from(&mut self, top: &'a Name) {
        let mut todo = vec![(top, None, 0)];
        while let Some((name, parent, depth)) = todo.pop() {
            if !self.placed.insert(name) {
                continue;
            }
            let node = &self.flow.nodes()[name];
            let cause = node.event.as_ref().map(|event| &event.envelope.cause);
            self.places.push(Place {
                name,
                node,
                parent,
                depth,
                cause_missing: parent.is_none() && cause.is_some_and(Option::is_some),
            });
            let mut below = self.children.get(name).cloned().unwrap_or_default();
            self.sort(&mut below);
            todo.extend(
                below
                    .into_iter()
                    .rev()
                    .map(|child| (child, Some(name), depth + 1)),
            );
        }
    }

    fn sort(&self, names: &mut [&Name]) {
        names.sort_by_key(|name| {
            let node = &self.flow.nodes()[*name];
            (
                node.time(),
                node.at.topic.clone(),
                node.at.partition,
                node.at.offset,
            )
        });
    }
}
