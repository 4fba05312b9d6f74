//! What must hold of mails: what customers are told, against how their orders ended.

use std::collections::{BTreeMap, BTreeSet};

use quadrille::id::FlowId;
use quadrille::wire::{Outcome, Receipt};
use quadrille_schemas::notifications::v1::ConfirmationSent;
use quadrille_simulator::{Breach, End, Placed, Stage};

use crate::mailbox::{Mail, Mails};

/// Who has an order that ended is told so, by one mail; nobody else is told anything.
pub(in crate::orders) fn mails(stage: &mut Stage, mails: Mails) {
    let sent = mails.clone();
    stage.holds("nobody is told twice", move |_| once(&sent.all()));
    stage.holds("customers are told how it ended", move |end| {
        told(end, &mails.all())
    });
}

/// A mail may come again, as the same mail: there are no two about one order.
fn once(mails: &[Mail]) -> Result<(), Breach> {
    let mut known: BTreeMap<&str, &Mail> = BTreeMap::new();
    for mail in mails {
        let first = known.entry(mail.order()).or_insert(mail);
        if *first != mail {
            let why = format!("`{}` is not the mail `{}`", mail.subject, first.subject);
            return Err(format!("{why}, or has another Message-ID").into());
        }
    }
    Ok(())
}

/// What mails say is what has happened, and has been said of all that ended.
fn told(end: &End, mails: &[Mail]) -> Result<(), Breach> {
    let on_its_way = |order: String| format!("Your order {order} is on its way");
    let is_cancelled = |order: String| format!("Your order {order} is cancelled");
    let confirmed = super::confirmed(end).into_iter().map(on_its_way);
    let cancelled = super::cancelled(end).into_iter().map(is_cancelled);
    let wanted: BTreeSet<String> = confirmed.chain(cancelled).collect();
    let found: BTreeSet<String> = mails.iter().map(|mail| mail.subject.clone()).collect();
    // It may have come to somebody about whom mails were refused only later.
    let refused: BTreeSet<String> = parked(end).collect();
    let unsent: BTreeSet<String> = refused
        .iter()
        .flat_map(|order| [on_its_way(order.clone()), is_cancelled(order.clone())])
        .collect();
    let mut untold = wanted.difference(&found);
    if let Some(untold) = untold.find(|subject| !unsent.contains(*subject)) {
        return Err(format!("nobody was told: {untold}").into());
    }
    if let Some(wrong) = found.difference(&wanted).next() {
        return Err(format!("somebody was told, and it is not so: {wrong}").into());
    }
    // What notifications says that it has sent is what has come.
    let sent = |mail: &Mail| (mail.order().to_owned(), mail.message_id.clone());
    let came: BTreeSet<_> = mails.iter().map(sent).collect();
    let said = end.all::<ConfirmationSent>().into_iter();
    let said: BTreeSet<_> = said.map(|said| (said.order_id, said.message_id)).collect();
    let mut alone = came.symmetric_difference(&said);
    match alone.find(|(order, _)| !refused.contains(order)) {
        Some((order, id)) => Err(format!("{id} about {order} came, or was said to, alone").into()),
        None => Ok(()),
    }
}

/// Whether an event was parked instead of a mail.
pub(in crate::orders) fn is_unsent(placed: &Placed) -> bool {
    let topic = placed.record.partition.topic.as_str();
    topic == "parked.notifications.orders"
}

/// Orders whose end nobody could be told.
fn parked(end: &End) -> impl Iterator<Item = String> {
    let parked = end.parked.iter().filter(|placed| is_unsent(placed));
    parked.filter_map(|placed| Some(placed.envelope.subject.as_deref()?.to_owned()))
}

/// What was parked instead of a mail was tried as often as it may be, and no more often: an outage, which
/// its reaction cannot help, counts for nothing.
pub(in crate::orders) fn tried(end: &End, attempts_max: u32) -> Result<(), Breach> {
    let receipts = end.receipts.iter().map(|told| &told.receipt);
    let refused = |one: &&Receipt| {
        let is_read = !["undecodable", "unreadable"].contains(&one.error_code.as_str());
        one.service == "notifications" && one.outcome() == Outcome::Parked && is_read
    };
    for parked in receipts.clone().filter(refused) {
        let before = receipts.clone().filter(|one| {
            let places = [*one, parked].map(|at| (&at.service, &at.topic, at.partition, at.offset));
            places[0] == places[1]
                && one.outcome() == Outcome::Retry
                && one.attempt < parked.attempt
        });
        let (outages, failures): (Vec<_>, Vec<_>) =
            before.partition(|one| OUTAGES.contains(&one.error_code.as_str()));
        // By number: where an instance has given it up, another one has begun again at 1.
        let failed: BTreeSet<u32> = failures.iter().map(|one| one.attempt).collect();
        let failed = u32::try_from(failed.len()).unwrap_or(u32::MAX) + 1;
        let is_late = outages.is_empty() && parked.attempt > attempts_max;
        if failed < attempts_max || is_late {
            let why =
                format!("it was parked when it had failed {failed} times, not {attempts_max}");
            return Err(Breach::from(why).in_flow(FlowId::new(parked.flow_id.as_str())));
        }
    }
    Ok(())
}

/// What is no failure of a reaction.
const OUTAGES: [&str; 2] = ["outside_down", "state_unavailable"];
