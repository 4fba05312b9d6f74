use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use quadrille::kit::Bench;
use quadrille::{Failure, Remedy};
use quadrille_schemas::orders::v1::CancelReason;

use super::*;
use crate::mail::Post;

/// A post that takes everything, or nothing, and keeps the mails.
#[derive(Default)]
struct Fake {
    is_down: Mutex<bool>,
    mails: Mutex<Vec<String>>,
}

impl Fake {
    fn mails(&self) -> Vec<String> {
        self.mails.lock().unwrap().clone()
    }
}

#[async_trait]
impl Post for Fake {
    async fn send(&self, letter: Letter) -> Result<(), Failure> {
        if *self.is_down.lock().unwrap() {
            return Err(Failure::outage("mail_down", "the mail server answered 421"));
        }
        let from = "orders@example.invalid".parse().unwrap();
        let mail = letter.message(&from)?.formatted();
        self.mails
            .lock()
            .unwrap()
            .push(String::from_utf8(mail).unwrap());
        Ok(())
    }
}

fn bench(post: &Arc<Fake>) -> Bench<Notifications> {
    Bench::of(crate::service(Arc::clone(post) as Port))
}

fn confirmed(email: &str) -> OrderConfirmed {
    OrderConfirmed {
        order_id: "4711".to_owned(),
        payment_id: "pay-1".to_owned(),
        total: Some(money(9, 0)),
        email: email.to_owned(),
    }
}

fn money(units: i64, nanos: i32) -> Money {
    Money {
        currency_code: "EUR".to_owned(),
        units,
        nanos,
    }
}

/// The mail's Message-ID.
fn id(mail: &str) -> &str {
    let line = mail
        .lines()
        .find_map(|line| line.strip_prefix("Message-ID: "));
    line.expect("a mail has one")
}

#[tokio::test]
async fn a_customer_is_told_once_of_a_good_end() {
    let post = Arc::new(Fake::default());
    let bench = bench(&post);

    let told = bench.react(confirmed("ada@example.org")).await.unwrap();
    let again = bench.react(confirmed("ada@example.org")).await.unwrap();

    let sent: ConfirmationSent = told.only();
    assert!(again.is_empty());
    let [mail] = &post.mails()[..] else {
        panic!("one mail");
    };
    assert_eq!(
        (sent.order_id.as_str(), sent.message_id.as_str()),
        ("4711", id(mail))
    );
    assert!(mail.contains("To: ada@example.org"), "{mail}");
    assert!(
        mail.contains("Subject: Your order 4711 is on its way"),
        "{mail}"
    );
    assert!(mail.contains("(EUR 9.00)"), "{mail}");
}

#[tokio::test]
async fn a_customer_is_told_why_an_order_came_to_nothing() {
    let post = Arc::new(Fake::default());
    let cancelled = OrderCancelled {
        order_id: "4711".to_owned(),
        reason: CancelReason::ShipmentFailed.into(),
        detail: "the goods could not be dispatched".to_owned(),
        email: "ada@example.org".to_owned(),
    };
    let told = bench(&post).react(cancelled).await.unwrap();
    assert_eq!(told.types(), ["notifications.v1.ConfirmationSent"]);
    let mail = post.mails().remove(0);
    assert!(
        mail.contains("Subject: Your order 4711 is cancelled"),
        "{mail}"
    );
    assert!(mail.contains("the goods could not be dispatched"), "{mail}");
}

#[tokio::test]
async fn a_mail_that_a_crash_repeats_is_known_for_the_same() {
    // Shows two mails with one Message-ID, which is what is told.
    let post = Arc::new(Fake::default());
    let bench = bench(&post);
    let event = bench.sent(confirmed("ada@example.org"));

    bench.crash(&event).await.unwrap();
    let told = bench.attempt(&event).await.unwrap();

    let mails = post.mails();
    assert_eq!(mails.len(), 2);
    assert_eq!(id(&mails[0]), id(&mails[1]));
    assert_eq!(told.only::<ConfirmationSent>().message_id, id(&mails[0]));
}

#[tokio::test]
async fn a_post_that_is_down_is_waited_for() {
    let post = Arc::new(Fake::default());
    let bench = bench(&post);
    let event = bench.sent(confirmed("ada@example.org"));
    *post.is_down.lock().unwrap() = true;

    let failure = bench.attempt(&event).await.unwrap_err();

    assert_eq!(failure.remedy(), Remedy::Wait);
    *post.is_down.lock().unwrap() = false;
    assert!(!bench.attempt(&event).await.unwrap().is_empty());
}

#[tokio::test]
async fn who_left_no_address_is_not_told_and_a_wrong_one_is_parked_unseen() {
    // Shows that the address is in neither the failure nor what is remembered.
    let post = Arc::new(Fake::default());
    let bench = bench(&post);
    assert!(bench.react(confirmed("")).await.unwrap().is_empty());

    let failure = bench.react(confirmed("ada at home")).await.unwrap_err();

    assert_eq!(
        (failure.remedy(), failure.code()),
        (Remedy::Park, "no_address")
    );
    assert!(!format!("{failure:?}").contains("ada"), "{failure:?}");
    assert!(post.mails().is_empty());
    bench.react(confirmed("ada@example.org")).await.unwrap();
    let kept: Told = bench.get("4711").await.unwrap();
    assert!(!serde_json::to_string(&kept).unwrap().contains("ada"));
}

#[test]
fn an_amount_has_cents_and_more_only_where_it_has_more() {
    for (units, nanos, text) in [
        (9, 0, " (EUR 9.00)"),
        (4, 500_000_000, " (EUR 4.50)"),
        (0, 1, " (EUR 0.000000001)"),
        (12, 345_000_000, " (EUR 12.345)"),
    ] {
        assert_eq!(amount(&money(units, nanos)), text);
    }
}
