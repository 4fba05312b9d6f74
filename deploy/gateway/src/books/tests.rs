use super::*;
use crate::card::CardNumber;

const GOOD: &str = "4242424242424242";
const EMPTY: &str = "4000000000009995";

/// Books that are asked, and whose entries are durable at once.
#[derive(Default)]
struct Shop(Books);

impl Shop {
    fn ask(&mut self, ask: &Ask) -> Result<Answer, Refusal> {
        match self.0.decide(ask, self.0.next_seq(), Timestamp::UNIX_EPOCH) {
            Decision::Known(answer) => Ok(answer),
            Decision::Refuse(refusal) => Err(refusal),
            Decision::Book(entry) => {
                let answer = Answer::from(&*entry);
                self.0.apply(*entry).unwrap();
                Ok(answer)
            }
        }
    }

    fn charged(&mut self, key: &str, units: i64) -> String {
        match self.ask(&charge(key, units, GOOD)).unwrap() {
            Answer::Captured { payment_id } => payment_id,
            other => panic!("not captured: {other:?}"),
        }
    }

    fn entries(&self) -> u64 {
        self.0.totals().entries
    }

    fn assert_total(&self, wanted: &str) {
        let totals = serde_json::to_string(self.0.totals()).unwrap();
        assert!(totals.contains(wanted), "{wanted} is not in {totals}");
    }
}

fn euro(units: i64) -> Money {
    Money::new("EUR", units, 0).unwrap()
}

fn charge(key: &str, units: i64, card: &str) -> Ask {
    Ask::Charge(Charge {
        key: key.to_owned(),
        order_id: "order".to_owned(),
        money: euro(units),
        card: CardNumber::from(card.to_owned()),
    })
}

fn refund(key: &str, payment_id: &str, money: Money) -> Ask {
    Ask::Refund(Refund {
        key: key.to_owned(),
        payment_id: payment_id.to_owned(),
        money,
    })
}

fn void(key: &str, charge_key: &str) -> Ask {
    Ask::Void(Void {
        key: key.to_owned(),
        charge_key: charge_key.to_owned(),
    })
}

fn refunded(answer: Answer) -> Option<i64> {
    match answer {
        Answer::Voided { refunded, .. } => refunded.map(|money| money.units),
        other => panic!("not voided: {other:?}"),
    }
}

#[test]
fn the_same_question_gets_the_same_answer_and_one_entry() {
    let mut shop = Shop::default();
    let payment_id = shop.charged("a", 5);
    for ask in [
        charge("a", 5, GOOD),
        charge("b", 5, EMPTY),
        refund("c", &payment_id, euro(2)),
        void("d", "a"),
        void("e", "never"),
    ] {
        let first = shop.ask(&ask);
        let entries = shop.entries();
        assert!(first.is_ok());
        assert_eq!(shop.ask(&ask), first);
        assert_eq!(shop.entries(), entries);
    }
}

#[test]
fn the_same_key_for_another_question_is_a_conflict() {
    // Given one question of each kind
    let mut shop = Shop::default();
    let payment_id = shop.charged("a", 5);
    shop.ask(&charge("b", 5, EMPTY)).unwrap();
    shop.ask(&refund("c", &payment_id, euro(2))).unwrap();
    shop.ask(&void("d", "x")).unwrap();
    let entries = shop.entries();

    // When their keys come with other content
    let mut other_order = charge("a", 5, GOOD);
    if let Ask::Charge(charge) = &mut other_order {
        charge.order_id = "another".to_owned();
    }
    let others = [
        charge("a", 6, GOOD),
        charge("a", 5, EMPTY),
        other_order,
        refund("a", &payment_id, euro(5)),
        void("a", "z"),
        charge("b", 5, GOOD),
        refund("c", &payment_id, euro(1)),
        charge("c", 2, GOOD),
        void("d", "y"),
    ];

    // Then each is refused, and nothing is booked
    for other in others {
        assert_eq!(shop.ask(&other), Err(Refusal::Conflict), "{other:?}");
    }
    assert_eq!(shop.entries(), entries);
}

#[test]
fn a_declined_charge_takes_nothing_and_says_why() {
    let mut shop = Shop::default();
    let answer = shop.ask(&charge("a", 5, EMPTY)).unwrap();
    let reason = Reason::InsufficientFunds;
    assert_eq!(answer, Answer::Declined { reason });
    shop.assert_total(r#""captured":{"units":0,"nanos":0}"#);
    shop.assert_total(r#""declines":1"#);
}

#[test]
fn no_more_is_refunded_than_was_captured() {
    let mut shop = Shop::default();
    let payment_id = shop.charged("a", 5);
    shop.ask(&refund("r1", &payment_id, euro(3))).unwrap();
    let left = || "EUR 2.000000000".to_owned();
    let too_much = shop.ask(&refund("r2", &payment_id, euro(3)));
    assert_eq!(too_much, Err(Refusal::TooMuch { left: left() }));
    let dollars = Money::new("USD", 1, 0).unwrap();
    let other_currency = shop.ask(&refund("r3", &payment_id, dollars));
    assert_eq!(other_currency, Err(Refusal::TooMuch { left: left() }));
    shop.ask(&refund("r4", &payment_id, euro(2))).unwrap();
    let left = "nothing".to_owned();
    let nothing_left = shop.ask(&refund("r5", &payment_id, Money::new("EUR", 0, 1).unwrap()));
    assert_eq!(nothing_left, Err(Refusal::TooMuch { left }));
    let unknown = shop.ask(&refund("r6", "pay_of_nobody", euro(1)));
    assert_eq!(unknown, Err(Refusal::UnknownPayment));
    shop.assert_total(r#""refunded":{"units":5,"nanos":0}"#);
}

#[test]
fn a_void_after_the_charge_gives_back_what_is_left() {
    let mut shop = Shop::default();
    let payment_id = shop.charged("a", 5);
    shop.ask(&refund("r", &payment_id, euro(2))).unwrap();
    assert_eq!(refunded(shop.ask(&void("v1", "a")).unwrap()), Some(3));
    assert_eq!(refunded(shop.ask(&void("v2", "a")).unwrap()), None);
    shop.assert_total(r#""refunded":{"units":5,"nanos":0}"#);
    // The charge keeps its answer: it was made.
    assert_eq!(shop.charged("a", 5), payment_id);
    shop.assert_total(r#""charges":1"#);
}

#[test]
fn a_void_before_the_charge_keeps_it_from_ever_being_made() {
    let mut shop = Shop::default();
    assert_eq!(refunded(shop.ask(&void("v", "a")).unwrap()), None);
    for _ in 0..2 {
        let reason = Reason::Voided;
        let answer = shop.ask(&charge("a", 5, GOOD)).unwrap();
        assert_eq!(answer, Answer::Declined { reason });
    }
    assert_eq!(shop.entries(), 1);
}

#[test]
fn a_void_of_a_declined_charge_changes_nothing() {
    let mut shop = Shop::default();
    shop.ask(&charge("a", 5, EMPTY)).unwrap();
    assert_eq!(refunded(shop.ask(&void("v", "a")).unwrap()), None);
    let reason = Reason::InsufficientFunds;
    let answer = shop.ask(&charge("a", 5, EMPTY)).unwrap();
    assert_eq!(answer, Answer::Declined { reason });
}

#[test]
fn the_largest_amounts_add_up_exactly() {
    let mut shop = Shop::default();
    for key in ["a", "b", "c"] {
        shop.charged(key, i64::MAX);
    }
    shop.assert_total(r#""captured":{"units":27670116110564327421,"nanos":0}"#);
}

#[test]
fn questions_about_one_charge_depend_on_each_other() {
    let mut shop = Shop::default();
    let payment_id = shop.charged("a", 5);
    let books = &shop.0;
    assert_eq!(books.depends_on(&charge("a", 5, GOOD)), ["a", "a"]);
    let ask = refund("r", &payment_id, euro(1));
    assert_eq!(books.depends_on(&ask), ["r", "a"]);
    assert_eq!(books.depends_on(&void("v", "a")), ["v", "a"]);
}

#[test]
fn an_entry_that_contradicts_those_before_it_is_not_counted() {
    let mut shop = Shop::default();
    let payment_id = shop.charged("a", 5);
    shop.ask(&void("v", "b")).unwrap();
    let next = |kind| Entry {
        kind,
        payment_id: payment_id.clone(),
        charge_key: "a".to_owned(),
        ..with_money(blank(3, Timestamp::UNIX_EPOCH, "new"), euro(6).written())
    };
    let wrong = Impossible::Amount(Wrong::Nothing);
    let cases = [
        (
            Entry {
                seq: 4,
                ..next(Kind::Void)
            },
            Impossible::Seq {
                expected: 3,
                found: 4,
            },
        ),
        (
            Entry {
                key: "a".to_owned(),
                ..next(Kind::Charge)
            },
            Impossible::Key,
        ),
        (
            Entry {
                key: "b".to_owned(),
                ..next(Kind::Charge)
            },
            Impossible::Voided,
        ),
        (next(Kind::Charge), Impossible::Key),
        (next(Kind::Refund), Impossible::Refund),
        (next(Kind::Void), Impossible::Refund),
        (next(Kind::Decline), Impossible::Reason),
        (
            Entry {
                units: 0,
                payment_id: "p".to_owned(),
                ..next(Kind::Charge)
            },
            wrong,
        ),
    ];
    for (entry, impossible) in cases {
        assert_eq!(shop.0.count(entry), Err(impossible));
    }
    assert_eq!(shop.entries(), 2);
}
