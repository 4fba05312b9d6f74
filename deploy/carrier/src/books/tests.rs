use quadrille_outside::Books as _;

use super::*;

/// A carrier whose entries are durable at once.
#[derive(Default)]
struct Office(Books);

impl Office {
    fn ask(&mut self, ask: &Ask) -> Result<Answer, Conflict> {
        match self.0.decide(ask, self.0.next_seq(), Timestamp::UNIX_EPOCH) {
            Decision::Known(answer) => Ok(answer),
            Decision::Refuse(refused) => Err(refused),
            Decision::Book(entry) => {
                let answer = Books::answer(&entry);
                self.0.apply(*entry).unwrap();
                Ok(answer)
            }
        }
    }
}

fn ship(key: &str, order_id: &str) -> Ask {
    let (key, order_id) = (key.to_owned(), order_id.to_owned());
    Ask::Ship { key, order_id }
}

fn recall(key: &str, shipment_key: &str) -> Ask {
    let (key, shipment_key) = (key.to_owned(), shipment_key.to_owned());
    Ask::Recall { key, shipment_key }
}

#[test]
fn a_parcel_is_taken_once_however_often_it_is_asked() {
    let mut office = Office::default();
    let first = office.ask(&ship("a", "4711")).unwrap();
    let again = office.ask(&ship("a", "4711")).unwrap();
    assert_eq!(first, again);
    assert!(matches!(first, Answer::Dispatched { .. }), "{first:?}");
    assert_eq!(office.ask(&ship("a", "4712")), Err(Conflict));
    assert_eq!(office.0.totals().shipments, 1);
}

#[test]
fn what_has_no_address_is_refused_for_ever() {
    let mut office = Office::default();
    for _ in 0..2 {
        let answer = office.ask(&ship("a", "4711-nowhere")).unwrap();
        let reason = Reason::AddressUnknown;
        assert_eq!(answer, Answer::Refused { reason });
    }
    assert_eq!(
        (office.0.totals().refusals, office.0.totals().entries),
        (1, 1)
    );
}

#[test]
fn a_recall_brings_a_parcel_back_or_keeps_it_from_being_taken() {
    // Shows both orders of the two questions, each asked again.
    let mut office = Office::default();
    let Answer::Dispatched { shipment_id } = office.ask(&ship("a", "4711")).unwrap() else {
        panic!("it was not dispatched");
    };
    for _ in 0..2 {
        let shipment_id = Some(shipment_id.clone());
        assert_eq!(
            office.ask(&recall("r", "a")),
            Ok(Answer::Recalled { shipment_id })
        );
    }
    let shipment_id = None;
    assert_eq!(
        office.ask(&recall("s", "b")),
        Ok(Answer::Recalled { shipment_id })
    );
    let reason = Reason::Recalled;
    assert_eq!(
        office.ask(&ship("b", "4712")),
        Ok(Answer::Refused { reason })
    );
    let totals = office.0.totals();
    assert_eq!(
        (totals.on_their_way, totals.recalls, totals.entries),
        (0, 2, 3)
    );
}

#[test]
fn two_recalls_bring_one_parcel_back() {
    let mut office = Office::default();
    office.ask(&ship("a", "4711")).unwrap();
    office.ask(&ship("b", "4712")).unwrap();
    office.ask(&recall("r", "a")).unwrap();
    office.ask(&recall("s", "a")).unwrap();
    assert_eq!(office.0.totals().on_their_way, 1);
}

#[test]
fn an_entry_that_contradicts_those_before_it_is_not_counted() {
    let mut office = Office::default();
    office.ask(&ship("a", "4711")).unwrap();
    office.ask(&recall("r", "b")).unwrap();
    let good = |key: &str| match office.0.decide(&ship(key, "1"), 3, Timestamp::UNIX_EPOCH) {
        Decision::Book(entry) => *entry,
        other => panic!("not booked: {other:?}"),
    };
    let entry = good("c");
    let wrong = [
        (
            Entry {
                seq: 4,
                ..entry.clone()
            },
            "its seq is 4",
        ),
        (
            Entry {
                key: "a".to_owned(),
                ..entry.clone()
            },
            "used before",
        ),
        (
            Entry {
                key: "b".to_owned(),
                ..entry.clone()
            },
            "recalled before",
        ),
        (
            Entry {
                kind: Kind::Refusal,
                ..entry
            },
            "without a reason",
        ),
    ];
    for (entry, why) in wrong {
        let error = office.0.apply(entry).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
}
