//! What must hold of mails: what customers are told, against how their orders ended.

use std::collections::{BTreeMap, BTreeSet};

use quadrille_schemas::notifications::v1::ConfirmationSent;
use quadrille_simulator::{Breach, End, Stage};

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
        let first = known.entry(order(mail)).or_insert(mail);
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
    if let Some(untold) = wanted.difference(&found).next() {
        return Err(format!("nobody was told: {untold}").into());
    }
    if let Some(wrong) = found.difference(&wanted).next() {
        return Err(format!("somebody was told, and it is not so: {wrong}").into());
    }
    // What notifications says that it has sent is what has come.
    let sent = |mail: &Mail| (order(mail).to_owned(), mail.message_id.clone());
    let came: BTreeSet<_> = mails.iter().map(sent).collect();
    let said = end.all::<ConfirmationSent>().into_iter();
    let said: BTreeSet<_> = said.map(|said| (said.order_id, said.message_id)).collect();
    match came.symmetric_difference(&said).next() {
        Some((order, id)) => Err(format!("{id} about {order} came, or was said to, alone").into()),
        None => Ok(()),
    }
}

/// The order that a mail is about.
fn order(mail: &Mail) -> &str {
    let after = mail.subject.strip_prefix("Your order ");
    after.and_then(|rest| rest.split(' ').next()).unwrap_or("")
}
