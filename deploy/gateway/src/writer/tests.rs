use std::path::Path;

use tempfile::TempDir;

use super::*;
use crate::books::{Charge, Void};
use crate::card::CardNumber;
use crate::money::Money;

struct Running {
    handle: Handle,
    ended: Ended,
    folder: TempDir,
}

fn running(queue_max: usize) -> Running {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, books) = Ledger::open(&folder.path().join("ledger")).unwrap();
    let (handle, ended) = start(ledger, books, queue_max, 512).unwrap();
    Running {
        handle,
        ended,
        folder,
    }
}

fn charge(key: &str) -> Ask {
    Ask::Charge(Charge {
        key: key.to_owned(),
        order_id: "order".to_owned(),
        money: Money::new("EUR", 1, 0).unwrap(),
        card: CardNumber::from("4242424242424242".to_owned()),
    })
}

fn void(key: &str, charge_key: &str) -> Ask {
    Ask::Void(Void {
        key: key.to_owned(),
        charge_key: charge_key.to_owned(),
    })
}

fn entries(folder: &Path) -> usize {
    let text = std::fs::read_to_string(folder.join("ledger")).unwrap();
    text.lines().count()
}

/// Questions that the writer finds waiting all at once.
fn waiting(
    asks: Vec<Ask>,
) -> (
    Vec<Waiting>,
    Vec<oneshot::Receiver<Result<Answer, Refusal>>>,
) {
    asks.into_iter()
        .map(|ask| {
            let (reply, answer) = oneshot::channel();
            (Waiting { ask, reply }, answer)
        })
        .unzip()
}

fn writer(folder: &TempDir) -> Writer {
    let (ledger, books) = Ledger::open(&folder.path().join("ledger")).unwrap();
    Writer {
        books,
        ledger,
        batch_max: 512,
        failing: false,
    }
}

#[test]
fn what_depends_on_the_same_round_waits_for_the_next() {
    // Given a charge twice, its void, and a charge of its own
    let folder = tempfile::tempdir().unwrap();
    let mut writer = writer(&folder);
    let asks = vec![charge("a"), charge("a"), void("v", "a"), charge("b")];
    let (asks, mut answers) = waiting(asks);

    // When a round is booked
    let later = writer.round(asks);

    // Then what does not depend on anything is answered, and the rest waits
    assert_eq!(later.len(), 2);
    assert_eq!(entries(folder.path()), 2);
    assert!(answers[0].try_recv().unwrap().is_ok());
    assert!(answers[1].try_recv().is_err());
    assert!(answers[3].try_recv().unwrap().is_ok());

    // And in the next round the void finds what the charge has taken
    assert!(writer.round(later).is_empty());
    let Ok(Answer::Voided { refunded, .. }) = answers[2].try_recv().unwrap() else {
        panic!("not voided");
    };
    assert_eq!(refunded.map(|money| money.units), Some(1));
    assert_eq!(entries(folder.path()), 3);
}

#[tokio::test]
async fn a_full_queue_refuses_instead_of_growing() {
    let (tx, rx) = mpsc::channel(1);
    let handle = Handle(tx);
    handle.send(Message::Stop).unwrap();
    assert_eq!(handle.ask(charge("a")).await, Err(Refusal::Busy));
    drop(rx);
    assert_eq!(handle.ask(charge("a")).await, Err(Refusal::Stopping));
}

#[tokio::test]
async fn stopping_answers_what_waits_and_refuses_what_comes() {
    let Running {
        handle,
        ended,
        folder,
    } = running(16);
    assert!(handle.ask(charge("a")).await.is_ok());
    handle.stop().await;
    ended.await.unwrap();
    assert_eq!(handle.ask(charge("b")).await, Err(Refusal::Stopping));
    assert_eq!(entries(folder.path()), 1);
}
