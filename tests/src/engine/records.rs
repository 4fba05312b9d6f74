//! Records that nobody can handle, and records that others wrote.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use quadrille::broker::{Headers, Incoming, Outgoing, TopicName};
use quadrille::prost::Message as _;
use quadrille::wire::Outcome;
use quadrille::{Cx, Event as _, Failure, Service};

use super::{Stage, answer};
use crate::events::kit::v1::{Ticked, Tocked};
use crate::witness;

/// Shows what ends on the parked topic, under which code, and that everything else goes on.
pub async fn what_cannot_be_handled_is_parked_with_its_reason(stage: Stage) {
    stage.tick(5, 1).await;
    let event = |id| {
        [
            ("ce_type", Ticked::SCHEMA.name),
            ("ce_id", id),
            ("ce_source", "/elsewhere"),
        ]
    };
    stage
        .send(foreign(Some("c9"), &event("broken"), Some(vec![1, 2, 3])))
        .await;
    let large = foreign(Some("c8"), &event("large"), Some(vec![0; 30_000]));
    stage.send(large).await;
    let world = Arc::clone(stage.bus.world());
    let service = Service::named("listener").on(move |tick: Ticked, _: Cx| {
        let world = Arc::clone(&world);
        async move {
            match tick.clock.as_str() {
                "c0" => Ok(()),
                "c1" => panic!("the spring is broken"),
                "c2" => {
                    world.sleep(Duration::from_secs(3_600)).await;
                    Ok(())
                }
                "c3" => Err(Failure::park("no_hands", "it cannot show the time")),
                _ => Err(std::io::Error::other("it stands still").into()),
            }
        }
    });
    let bus = stage.with(|settings| {
        settings.limits.attempts_max = 2;
        settings.limits.event_bytes_max = 20_000;
        settings.limits.reaction_timeout_ms = 100;
    });
    let running = service.start(&bus);

    stage
        .until("six are parked", || async {
            witness::raw(&stage.broker, "parked.listener.ticks")
                .await
                .len()
                == 6
        })
        .await;
    running.stop().await.expect("it drains and leaves");

    let parked = witness::raw(&stage.broker, "parked.listener.ticks").await;
    let reasons: BTreeMap<String, (String, String)> = parked.iter().map(reason).collect();
    let expected = [
        ("c1", "panic", "2"),
        ("c2", "timeout", "2"),
        ("c3", "no_hands", "1"),
        ("c4", "error", "2"),
        ("c8", "too_large", "1"),
        ("c9", "undecodable", "1"),
    ];
    let expected = expected.map(|(key, code, n)| (key.to_owned(), (code.to_owned(), n.to_owned())));
    assert_eq!(reasons, BTreeMap::from(expected));
    let receipts = witness::receipts(&stage.broker).await;
    let count = |outcome| receipts.iter().filter(|r| r.outcome() == outcome).count();
    assert_eq!(
        (
            count(Outcome::Done),
            count(Outcome::Retry),
            count(Outcome::Parked)
        ),
        (1, 3, 6)
    );
    let committed: i64 = stage.committed("listener").await.values().sum();
    assert_eq!(committed, 7, "a parked event does not hold the offset");
}

/// Key, code and attempts of a parked record.
fn reason(record: &Incoming) -> (String, (String, String)) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("what we wrote is text");
    let header = |name: &str| text(record.headers.get(name).expect("the parked form has it"));
    assert_eq!(
        header("quadrille-parked-partition"),
        record.partition.partition.to_string()
    );
    let key = text(record.key.as_ref().expect("it had one"));
    (
        key,
        (
            header("quadrille-parked-code"),
            header("quadrille-parked-attempts"),
        ),
    )
}

/// A record that we did not write.
fn foreign(
    key: Option<&str>,
    headers: &[(&'static str, &'static str)],
    value: Option<Vec<u8>>,
) -> Outgoing {
    let mut all = Headers::new();
    for (name, value) in headers {
        all.push(*name, *value);
    }
    Outgoing {
        topic: TopicName::parse("ticks").expect("a legal name"),
        partition: None,
        key: key.map(|key| key.to_owned().into()),
        value: value.map(Into::into),
        headers: all,
        timestamp_ms: None,
    }
}

/// Shows what becomes of records that we did not write: no headers, no key, a type of somebody
/// else's, a tombstone, structured mode.
pub async fn foreign_records_follow_the_rules(stage: Stage) {
    let event = |clock: &str| {
        Ticked {
            clock: clock.to_owned(),
            nth: 0,
        }
        .encode_to_vec()
    };
    let structured = br#"{"specversion":"1.0","id":"1","source":"/shop","type":"kit.v1.Ticked",
        "datacontenttype":"application/json","data":{"clock":"structured","nth":"7"}}"#;
    let json = [("content-type", "application/cloudevents+json")];
    let other = [
        ("ce_type", "shop.v1.Sold"),
        ("ce_id", "2"),
        ("ce_source", "/x"),
    ];
    for record in [
        foreign(Some("bare"), &[], Some(event("bare"))),
        foreign(None, &[], Some(event("keyless"))),
        foreign(Some("x"), &other, Some(vec![])),
        foreign(Some("gone"), &[], None),
        foreign(Some("structured"), &json, Some(structured.to_vec())),
    ] {
        stage.send(record).await;
    }
    let running = Service::named("tocker").on(answer).start(&stage.bus);
    stage
        .until("all five are done with", || async {
            stage.committed("tocker").await.values().sum::<i64>() == 5
        })
        .await;
    running.stop().await.expect("it drains and leaves");

    let tocks = witness::all(&stage.broker, "tocks").await;
    let clocks: BTreeSet<_> = tocks
        .iter()
        .map(|seen| seen.event::<Tocked>().expect("it is one").clock)
        .collect();
    assert_eq!(
        clocks,
        ["bare", "keyless", "structured"].map(str::to_owned).into()
    );
    for tock in &tocks {
        // Every reader derives the same flow from source and id, and the answer is in that flow.
        assert!(!tock.envelope.flow.as_str().is_empty());
        assert_eq!(tock.envelope.hops, 1);
    }
    let parked = witness::raw(&stage.broker, "parked.tocker.ticks").await;
    assert!(parked.is_empty(), "nothing of this is parked");
}
