//! What notifications decides.
//!
//! A mail cannot be part of a transaction here: a crash between sending it and keeping that sends it
//! again. Its Message-ID is made of the effect key, which is the same on every attempt, so that whoever
//! reads it, or counts them, knows the second one for the first.

use quadrille::{Cx, Reacted};
use quadrille_schemas::common::v1::Money;
use quadrille_schemas::notifications::v1::ConfirmationSent;
use quadrille_schemas::orders::v1::{OrderCancelled, OrderConfirmed};

use crate::mail::{Letter, Port};
use crate::state::{Notifications, Told};

/// Tells the customer that the order is paid for and on its way.
pub async fn order_confirmed(
    order: OrderConfirmed,
    cx: Cx<Notifications, Port>,
) -> Reacted<Option<ConfirmationSent>> {
    let id = &order.order_id;
    let paid = order.total.as_ref().map(amount).unwrap_or_default();
    let words = Words {
        subject: format!("Your order {id} is on its way"),
        text: format!(
            "Your order {id} is paid for{paid}, and its goods are on their way to you.\n"
        ),
    };
    tell(order.order_id, order.email, words, cx).await
}

/// Tells the customer that the order came to nothing, and why.
pub async fn order_cancelled(
    order: OrderCancelled,
    cx: Cx<Notifications, Port>,
) -> Reacted<Option<ConfirmationSent>> {
    let (id, why) = (&order.order_id, &order.detail);
    let words = Words {
        subject: format!("Your order {id} is cancelled"),
        text: format!(
            "Your order {id} is cancelled: {why}.\nNothing is charged; what was, has been given back.\n"
        ),
    };
    tell(order.order_id, order.email, words, cx).await
}

/// What a mail says.
struct Words {
    subject: String,
    text: String,
}

/// Tells the customer, once. One who has left no address is not told.
async fn tell(
    order_id: String,
    email: String,
    words: Words,
    mut cx: Cx<Notifications, Port>,
) -> Reacted<Option<ConfirmationSent>> {
    let key = cx.effect_key();
    if email.is_empty() || cx.load::<Told>(&order_id).await?.is_some() {
        return Ok(None);
    }
    let letter = Letter::new(&key, &email, &words.subject, words.text, cx.now())?;
    let message_id = letter.message_id().to_owned();
    let sent = cx.given().send(letter);
    cx.calling(sent).await?;
    let told = Told {
        message_id: message_id.clone(),
    };
    cx.put(&order_id, &told)?;
    Ok(Some(ConfirmationSent {
        order_id,
        message_id,
    }))
}

/// An amount as people write it, behind a word.
fn amount(money: &Money) -> String {
    let Money {
        currency_code,
        units,
        nanos,
    } = money;
    // Cents where it has no smaller part, and all of it where it has.
    let fraction = format!("{:09}", nanos.unsigned_abs());
    let smaller = fraction[2..].trim_end_matches('0').len();
    format!(" ({currency_code} {units}.{})", &fraction[..2 + smaller])
}

#[cfg(test)]
mod tests;
