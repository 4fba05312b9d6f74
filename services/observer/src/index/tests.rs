use std::path::Path;

use quadrille::broker::{TopicName, TopicPartition};
use quadrille::id::{EventId, FlowId};
use quadrille::wire::{ContractPublished, Outcome, Reaction};

use super::*;
use crate::flow::planted::{after_ms, event, promised, receipt};
use crate::seen::{Event, Receipt};

fn placed(order: &str, ms: i64) -> Event {
    let mut event = event(order, "orders.v1.OrderPlaced", None, ms);
    event.envelope.flow = FlowId::of_key("order", order);
    event.key = Some(order.to_owned());
    event
}

fn batch(seen: Vec<Seen>) -> Batch {
    let mut batch = Batch::default();
    for seen in seen {
        let flow = match &seen {
            Seen::Event(event) => event.envelope.flow.clone(),
            Seen::Receipt(receipt) => receipt.flow.clone(),
            _ => unreachable!("only these belong to flows"),
        };
        batch.flows.entry(flow).or_default().push(seen);
    }
    batch
}

fn contract(service: &str, event: &str) -> Promised {
    promised(ContractPublished {
        service: service.to_owned(),
        reactions: vec![Reaction {
            event: event.to_owned(),
            topic: "orders".to_owned(),
            ..Reaction::default()
        }],
        ..ContractPublished::default()
    })
}

async fn open(folder: &Path, flows_max: u64) -> Index {
    let limits = Limits { flows_max };
    let index = Index::open(folder, limits).await.unwrap();
    index.keep_for("cluster").await.unwrap();
    let contracts = vec![contract("inventory", "orders.v1.OrderPlaced")];
    let batch = Batch {
        contracts,
        ..Batch::default()
    };
    index.take(batch).await.unwrap();
    index
}

async fn take(index: &Index, events: Vec<Event>, receipts: Vec<Receipt>) {
    let events = events.into_iter().map(Seen::Event);
    let receipts = receipts.into_iter().map(Seen::Receipt);
    index
        .take(batch(events.chain(receipts).collect()))
        .await
        .unwrap();
}

async fn keys(index: &Index, wanted: &Wanted) -> Vec<String> {
    let rows = index.list(wanted).await.unwrap().into_iter();
    rows.map(|row| row.summary.keys[0].key.clone()).collect()
}

fn all() -> Wanted {
    Wanted {
        limit: 10,
        ..Wanted::default()
    }
}

#[tokio::test]
async fn a_flow_is_found_by_whatever_somebody_has_in_hand() {
    let folder = tempfile::tempdir().unwrap();
    let index = open(folder.path(), 10).await;
    let mut event = placed("4711", 7);
    event.envelope.trace.parent =
        Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into());
    let id = event.envelope.flow.to_string();
    take(&index, vec![event, placed("4712", 8)], vec![]).await;

    for (text, by) in [
        (id.as_str(), Found::Flow),
        ("4711", Found::Key),
        ("4711", Found::Event),
        ("orders/3/7", Found::Record),
        ("orders/3@7", Found::Record),
        ("0af7651916cd43dd8448eb211c80319c", Found::Trace),
    ] {
        let rows = index.find(text, by).await.unwrap();
        let found: Vec<_> = rows.iter().map(|row| row.summary.id.as_str()).collect();
        assert_eq!(found, [id.as_str()], "{text} as {by:?}");
    }
    for by in Found::ALL {
        assert_eq!(index.find("nothing", by).await.unwrap(), []);
    }
}

#[tokio::test]
async fn a_list_fits_all_that_is_named() {
    // Given an order that is parked, one that waits, and one that nothing is expected of.
    let folder = tempfile::tempdir().unwrap();
    let index = open(folder.path(), 10).await;
    let (one, two) = (placed("1", 0), placed("2", 1));
    let parked = receipt(&one, "inventory", 1, Outcome::Parked);
    let mut notice = event("n", "notifications.v1.ConfirmationSent", None, 2);
    notice.envelope.flow = FlowId::new("n");
    notice.key = Some("3".to_owned());
    take(&index, vec![one], vec![parked]).await;
    let before = index.change();
    take(&index, vec![two], vec![]).await;
    take(&index, vec![notice], vec![]).await;

    assert_eq!(keys(&index, &all()).await, ["3", "2", "1"]);
    let by = |words: Vec<Word>| Wanted { words, ..all() };
    assert_eq!(keys(&index, &by(vec![Word::Parked])).await, ["1"]);
    assert_eq!(keys(&index, &by(vec![Word::Running])).await, ["2"]);
    assert_eq!(
        keys(&index, &by(vec![Word::Settled, Word::Parked])).await,
        ["3", "1"]
    );
    // With nobody alive, what waits is blocked; behind, nobody can say.
    let down = |words| Wanted {
        down: vec!["inventory".to_owned()],
        ..by(words)
    };
    assert_eq!(keys(&index, &down(vec![Word::Blocked])).await, ["2"]);
    assert_eq!(keys(&index, &down(vec![Word::Running])).await, [""; 0]);
    let behind = |words| Wanted {
        is_behind: true,
        ..by(words)
    };
    assert_eq!(keys(&index, &behind(vec![Word::Unknown])).await, ["2"]);
    assert_eq!(keys(&index, &behind(vec![Word::Running])).await, [""; 0]);

    let wanted = Wanted {
        service: Some("inventory".to_owned()),
        ..all()
    };
    assert_eq!(keys(&index, &wanted).await, ["2", "1"]);
    let wanted = Wanted {
        kind: Some("orders.v1.OrderPlaced".to_owned()),
        limit: 1,
        ..all()
    };
    assert_eq!(keys(&index, &wanted).await, ["2"]);
    let wanted = Wanted {
        text: Some("1".to_owned()),
        ..all()
    };
    assert_eq!(keys(&index, &wanted).await, ["1"]);
    let wanted = Wanted {
        change: (None, Some(before)),
        ..all()
    };
    assert_eq!(keys(&index, &wanted).await, ["3", "2"]);
    assert_eq!(index.changed_after(before, 10).await.unwrap().len(), 2);
    assert_eq!(index.types().await.unwrap().len(), 2);
    let counts = index.counts();
    assert_eq!(
        counts.by_word().collect::<Vec<_>>(),
        [
            (Word::Parked, Some("inventory"), 1),
            (Word::Running, Some("inventory"), 1),
            (Word::Settled, None, 1)
        ]
    );
    assert_eq!((counts.flows, counts.events, counts.receipts), (3, 3, 1));
}

#[tokio::test]
async fn what_was_known_is_known_after_a_restart_and_of_another_cluster_nothing_is() {
    let folder = tempfile::tempdir().unwrap();
    let at = TopicPartition::new(TopicName::parse("orders").unwrap(), 3);
    let (told, counts, change) = {
        let index = open(folder.path(), 10).await;
        let one = placed("1", 0);
        let retry = receipt(&one, "inventory", 1, Outcome::Retry);
        let mut batch = batch(vec![Seen::Event(one), Seen::Receipt(retry)]);
        batch.positions.insert(at.clone(), 42);
        index.take(batch).await.unwrap();
        (
            index.list(&all()).await.unwrap(),
            index.counts(),
            index.change(),
        )
    };

    // Also before the broker answers.
    let again = Index::open(folder.path(), Limits::default()).await.unwrap();

    assert_eq!(again.list(&all()).await.unwrap(), told);
    assert_eq!(again.counts(), counts);
    assert_eq!(again.change(), change);
    assert_eq!(again.positions()[&at], 42);
    assert_eq!(again.contracts().len(), 1);
    again.keep_for("cluster").await.unwrap();
    assert_eq!(again.counts(), counts);
    // Goes on with the flow as it was.
    let done = receipt(&placed("1", 0), "inventory", 2, Outcome::Done);
    take(&again, vec![], vec![done]).await;
    assert_eq!(
        again.list(&all()).await.unwrap()[0].summary.status,
        Word::Settled
    );
    assert!(matches!(
        Index::open(folder.path(), Limits::default()).await,
        Err(Error::InUse(_))
    ));
    // When it turns out that another cluster answers.
    let change = again.change();
    again.keep_for("other").await.unwrap();
    assert_eq!(again.counts(), Counts::default());
    assert_eq!(again.list(&all()).await.unwrap(), []);
    assert!(again.positions().is_empty() && again.contracts().is_empty());
    take(&again, vec![placed("2", 0)], vec![]).await;
    assert_eq!(keys(&again, &all()).await, ["2"]);
    assert!(again.change() > change);
}

#[tokio::test]
async fn a_damaged_index_is_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("index.sqlite"), "this is no database").unwrap();
    let index = open(folder.path(), 10).await;
    take(&index, vec![placed("1", 0)], vec![]).await;
    assert_eq!(keys(&index, &all()).await, ["1"]);
}

#[tokio::test]
async fn the_flow_that_was_silent_longest_makes_room() {
    // Shows the bound, that a flow that goes on stays, and that nothing finds what is gone.
    let folder = tempfile::tempdir().unwrap();
    let index = open(folder.path(), 2).await;
    take(&index, vec![placed("1", 0)], vec![]).await;
    take(&index, vec![placed("2", 1)], vec![]).await;
    let told = receipt(&placed("1", 0), "inventory", 1, Outcome::Done);
    take(&index, vec![], vec![told]).await;
    take(&index, vec![placed("3", 2)], vec![]).await;

    assert_eq!(keys(&index, &all()).await, ["3", "1"]);
    for by in [Found::Key, Found::Event] {
        assert_eq!(index.find("2", by).await.unwrap(), []);
    }
    assert_eq!(index.find("orders/3/1", Found::Record).await.unwrap(), []);
    let counts = index.counts();
    assert_eq!((counts.flows, counts.dropped), (2, 1));
    assert_eq!(counts.by_word().map(|(.., count)| count).sum::<u64>(), 2);
}

#[tokio::test]
async fn what_comes_late_of_a_flow_that_made_room_does_not_begin_it() {
    // Given a flow that made room, after a restart.
    let folder = tempfile::tempdir().unwrap();
    {
        let index = open(folder.path(), 2).await;
        for (order, ms) in [("1", 0), ("2", 1), ("3", 2)] {
            take(&index, vec![placed(order, ms)], vec![]).await;
        }
    }
    let index = open(folder.path(), 2).await;
    let late = receipt(&placed("1", 0), "inventory", 1, Outcome::Done);

    // When a receipt of it comes, it stays away.
    take(&index, vec![], vec![late]).await;
    assert_eq!(keys(&index, &all()).await, ["3", "2"]);
    assert_eq!(index.counts().receipts, 0);

    // When an event of it comes, it is there, and says that this is not its beginning.
    let mut second = event("r", "inventory.v1.StockReserved", Some("1"), 5);
    second.envelope.flow = FlowId::of_key("order", "1");
    second.key = Some("1".to_owned());
    let id = second.envelope.flow.clone();
    take(&index, vec![second], vec![]).await;
    assert_eq!(keys(&index, &all()).await, ["1", "3"]);
    let (flow, _) = index.flow(&id).await.unwrap().unwrap();
    let notes = crate::flow::view::view(&flow, &index.expected()).notes;
    assert!(
        notes.iter().any(|note| note.starts_with("it made room")),
        "{notes:?}"
    );
    // Of one that is new, a receipt may come first.
    let early = receipt(&placed("4", 9), "inventory", 1, Outcome::Done);
    take(&index, vec![], vec![early]).await;
    assert_eq!(index.counts().flows, 2);
    assert_eq!(index.counts().dropped, 3);
}

#[tokio::test]
async fn a_service_that_is_new_and_starts_now_is_not_waited_for_by_what_was_before() {
    // Given an order to which inventory has reacted.
    let folder = tempfile::tempdir().unwrap();
    let index = open(folder.path(), 10).await;
    let one = placed("1", 0);
    let done = receipt(&one, "inventory", 1, Outcome::Done);
    take(&index, vec![one], vec![done]).await;

    // When a service comes that reads from now on.
    let mut audit = contract("audit", "orders.v1.OrderPlaced");
    (audit.at, audit.offset) = (after_ms(1_000), 1);
    audit.contract.start = "now".to_owned();
    let contracts = |promised: &Promised| Batch {
        contracts: vec![promised.clone()],
        ..Batch::default()
    };
    index.take(contracts(&audit)).await.unwrap();
    take(&index, vec![placed("2", 2_000)], vec![]).await;

    // Then only what comes later waits for it, also after a restart of either.
    let words = async |index: &Index| {
        let rows = index.list(&all()).await.unwrap().into_iter();
        rows.map(|row| row.summary.why).collect::<Vec<_>>()
    };
    let settled = "every reaction is done, and there was no outcome";
    let waits = "waits for audit to react to OrderPlaced";
    assert_eq!(words(&index).await, [waits, settled]);
    drop(index);
    let index = Index::open(folder.path(), Limits::default()).await.unwrap();
    (audit.at, audit.offset) = (after_ms(3_000), 2);
    index.take(contracts(&audit)).await.unwrap();
    assert_eq!(words(&index).await, [waits, settled]);
}

#[tokio::test]
async fn a_contract_that_comes_late_changes_what_is_waited_for() {
    // Given an order to which inventory has reacted, and nobody else was expected to.
    let folder = tempfile::tempdir().unwrap();
    let index = open(folder.path(), 10).await;
    let one = placed("1", 0);
    let done = receipt(&one, "inventory", 1, Outcome::Done);
    take(&index, vec![one], vec![done]).await;
    assert_eq!(
        index.list(&all()).await.unwrap()[0].summary.status,
        Word::Settled
    );

    let contracts = vec![contract("audit", "orders.v1.OrderPlaced")];
    let batch = Batch {
        contracts,
        ..Batch::default()
    };
    index.take(batch).await.unwrap();

    let row = index.list(&all()).await.unwrap().remove(0);
    assert_eq!(row.summary.status, Word::Running);
    assert_eq!(row.wait.unwrap().service, "audit");
}

#[tokio::test]
async fn one_event_twice_is_one_and_its_flow_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let index = open(folder.path(), 10).await;
    let one = placed("1", 0);
    let mut copy = one.clone();
    copy.at.offset = 9;
    take(&index, vec![one.clone()], vec![]).await;
    take(&index, vec![one.clone(), copy], vec![]).await;
    let (flow, row) = index.flow(&one.envelope.flow).await.unwrap().unwrap();
    assert_eq!(flow.nodes().len(), 1);
    assert_eq!(flow.nodes().values().next().unwrap().places.len(), 2);
    assert_eq!(row.summary.event_count, 1);
    assert_eq!(index.counts().events, 1);
    let found = index.find("orders/3/9", Found::Record).await.unwrap();
    assert_eq!(found.len(), 1);
    assert!(index.flow(&FlowId::new("none")).await.unwrap().is_none());
    assert_eq!(
        index
            .find(EventId::new("1").as_str(), Found::Event)
            .await
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn a_batch_that_cannot_be_written_leaves_no_trace_and_can_be_taken_again() {
    // Given a database that refuses for a moment.
    let folder = tempfile::tempdir().unwrap();
    let index = open(folder.path(), 10).await;
    take(&index, vec![placed("1", 0)], vec![]).await;
    let before = index.counts();
    let refuse = async |how: &'static str| {
        sqlx::query(how).execute(&index.writing).await.unwrap();
    };
    refuse("pragma query_only = 1").await;
    let two = || batch(vec![Seen::Event(placed("2", 1))]);
    assert!(matches!(
        index.take(two()).await,
        Err(Error::Database { .. })
    ));
    assert_eq!(index.counts(), before);

    // When it takes what it is given again.
    refuse("pragma query_only = 0").await;
    index.take(two()).await.unwrap();

    assert_eq!(keys(&index, &all()).await, ["2", "1"]);
    assert_eq!(index.counts().flows, 2);
}

#[tokio::test]
async fn of_a_services_contracts_the_newest_counts() {
    // Shows that older ones, which are read again after every start, change nothing.
    let folder = tempfile::tempdir().unwrap();
    let index = open(folder.path(), 10).await;
    take(&index, vec![placed("1", 0)], vec![]).await;
    let change = index.change();
    let mut older = contract("inventory", "orders.v1.OrderWithdrawn");
    older.offset -= 1;
    let contracts = vec![older, contract("inventory", "orders.v1.OrderPlaced")];
    let batch = Batch {
        contracts,
        ..Batch::default()
    };
    index.take(batch).await.unwrap();
    assert_eq!(index.change(), change, "no flow was judged anew");
    let reacts_to = index.expected().reacts_to("inventory");
    assert_eq!(reacts_to, ["orders.v1.OrderPlaced"]);
}
