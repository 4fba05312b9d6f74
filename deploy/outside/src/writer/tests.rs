use std::path::Path;

use tempfile::TempDir;

use super::*;
use crate::specimen::{Ask, Notes};

struct Running {
    handle: Handle<Notes>,
    ended: Ended,
    folder: TempDir,
}

fn running(queue_max: usize) -> Running {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, books) = Ledger::open::<Notes>(&folder.path().join("ledger")).unwrap();
    let (handle, ended) = start(ledger, books, queue_max, 512).unwrap();
    Running {
        handle,
        ended,
        folder,
    }
}

fn entries(folder: &Path) -> usize {
    let text = std::fs::read_to_string(folder.join("ledger")).unwrap();
    text.lines().count()
}

/// Questions that the writer finds waiting all at once.
fn waiting(asks: Vec<Ask>) -> (Vec<Waiting<Notes>>, Vec<oneshot::Receiver<Told<Notes>>>) {
    asks.into_iter()
        .map(|ask| {
            let (reply, answer) = oneshot::channel();
            (Waiting { ask, reply }, answer)
        })
        .unzip()
}

fn writer(folder: &TempDir) -> Writer<Notes> {
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
    // Given a note twice, its taking back, and a note of its own
    let folder = tempfile::tempdir().unwrap();
    let mut writer = writer(&folder);
    let asks = vec![
        Ask::note("a"),
        Ask::note("a"),
        Ask::take_back("v", "a"),
        Ask::note("b"),
    ];
    let (asks, mut answers) = waiting(asks);

    // When a round is booked
    let later = writer.round(asks);

    // Then what does not depend on anything is answered, and the rest waits
    assert_eq!(later.len(), 2);
    assert_eq!(entries(folder.path()), 2);
    assert!(answers[0].try_recv().unwrap().is_ok());
    assert!(answers[1].try_recv().is_err());
    assert!(answers[3].try_recv().unwrap().is_ok());

    // And in the next round what is taken back is there
    assert!(writer.round(later).is_empty());
    assert_eq!(answers[2].try_recv().unwrap(), Ok(true));
    assert_eq!(entries(folder.path()), 3);
}

#[tokio::test]
async fn a_full_queue_refuses_instead_of_growing() {
    let (tx, rx) = mpsc::channel(1);
    let handle: Handle<Notes> = Handle(tx);
    handle.send(Message::Stop).unwrap();
    assert_eq!(handle.ask(Ask::note("a")).await, Err(Refusal::Busy));
    drop(rx);
    assert_eq!(handle.ask(Ask::note("a")).await, Err(Refusal::Stopping));
}

#[tokio::test]
async fn stopping_answers_what_waits_and_refuses_what_comes() {
    let Running {
        handle,
        ended,
        folder,
    } = running(16);
    assert!(handle.ask(Ask::note("a")).await.is_ok());
    handle.stop().await;
    ended.await.unwrap();
    assert_eq!(handle.ask(Ask::note("b")).await, Err(Refusal::Stopping));
    assert_eq!(entries(folder.path()), 1);
}
