//! What customers ask of orders: plain functions, called by the HTTP doors and by tests alike.

use quadrille::prost::Message as _;
use quadrille::prost_types::Timestamp;
use quadrille::{Cx, Failure};
use quadrille_schemas::orders::v1::{OrderPlaced, OrderWithdrawn};
use sha2::{Digest as _, Sha256};

use crate::Doors;
use crate::state::{Email, Order, Orders, Outcome};

/// Key space of orders, as the schema has it.
const SPACE: &str = "order";

/// What became of a request to place an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placed {
    /// It is taken.
    Taken,
    /// The same request had been taken before: nothing was done.
    Again,
    /// Another order has this id.
    Conflict,
}

/// What became of a request to withdraw an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Withdrawn {
    /// It will not be confirmed any more.
    Accepted,
    /// It had been withdrawn before: nothing was done.
    Again,
    /// There is no such order.
    Unknown,
    /// It has ended, in this way.
    TooLate(Outcome),
}

/// Why a request could not be carried out.
pub type Error = quadrille::service::door::Error;

/// Places an order, once: the same request again has no effect.
pub async fn place(doors: &Doors, order: OrderPlaced) -> Result<Placed, Error> {
    let request = fingerprint(&order);
    let through = doors.placing.in_flow(SPACE, &order.order_id);
    through
        .decide(|cx| decide_placing(order.clone(), request.clone(), cx))
        .await
}

/// What tells one request from another under the same order id.
///
/// SHA-256 over the event that is asked for, without the card, and four digits of one over the
/// card. Card numbers are few enough to be guessed from a whole digest; what is kept here rules
/// out no more than every card but one in 65,536. By the same odds a request that differs in
/// nothing but its card passes for the same; then the card of the first is charged.
fn fingerprint(order: &OrderPlaced) -> String {
    let without_card = OrderPlaced {
        card_number: String::new(),
        placed_at: None,
        ..order.clone()
    };
    let mut card = Sha256::new();
    for part in ["card", &order.order_id, &order.card_number] {
        card.update((part.len() as u64).to_be_bytes());
        card.update(part);
    }
    let request = hex(&Sha256::digest(without_card.encode_to_vec()));
    format!("{request}-{}", hex(&card.finalize()[..2]))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Withdraws an order, unless it has ended.
pub async fn withdraw(doors: &Doors, order: OrderWithdrawn) -> Result<Withdrawn, Error> {
    let through = doors.withdrawing.in_flow(SPACE, &order.order_id);
    through
        .decide(|cx| decide_withdrawing(order.clone(), cx))
        .await
}

/// Reads an order that somebody has placed.
pub async fn read(doors: &Doors, order_id: &str) -> Result<Option<Order>, Error> {
    let order: Option<Order> = doors.placing.read(order_id).await?;
    Ok(order.filter(|order| !order.unplaced))
}

async fn decide_placing(
    mut placed: OrderPlaced,
    request: String,
    mut cx: Cx<Orders>,
) -> Result<(Option<OrderPlaced>, Placed), Failure> {
    // Facts that were heard before are not about this order: nothing can follow from it before it is
    // placed. So they do not take its id, and are forgotten.
    if let Some(order) = placed_order(&placed.order_id, &mut cx).await? {
        let same = order.request == request;
        let answer = if same {
            Placed::Again
        } else {
            Placed::Conflict
        };
        return Ok((None, answer));
    }
    let order = Order {
        request,
        flow: cx.flow().to_string(),
        email: Email(placed.email.clone()),
        ..Order::default()
    };
    cx.put(&placed.order_id, &order)?;
    placed.placed_at = Some(now(&cx));
    Ok((Some(placed), Placed::Taken))
}

async fn decide_withdrawing(
    mut withdrawn: OrderWithdrawn,
    mut cx: Cx<Orders>,
) -> Result<(Option<OrderWithdrawn>, Withdrawn), Failure> {
    let Some(mut order) = placed_order(&withdrawn.order_id, &mut cx).await? else {
        return Ok((None, Withdrawn::Unknown));
    };
    if order.withdrawn {
        return Ok((None, Withdrawn::Again));
    }
    if let Some(outcome) = order.outcome {
        return Ok((None, Withdrawn::TooLate(outcome)));
    }
    order.withdrawn = true;
    cx.put(&withdrawn.order_id, &order)?;
    withdrawn.withdrawn_at = Some(now(&cx));
    Ok((Some(withdrawn), Withdrawn::Accepted))
}

async fn placed_order(order_id: &str, cx: &mut Cx<Orders>) -> Result<Option<Order>, Failure> {
    let order = cx.load::<Order>(order_id).await?;
    Ok(order.filter(|order| !order.unplaced))
}

/// The moment of the decision, as protobuf has it.
fn now(cx: &Cx<Orders>) -> Timestamp {
    let now = cx.now();
    Timestamp {
        seconds: now.as_second(),
        nanos: now.subsec_nanosecond(),
    }
}

#[cfg(test)]
mod tests {
    use quadrille_schemas::common::v1::Money;
    use quadrille_schemas::orders::v1::OrderLine;

    use super::*;

    fn order() -> OrderPlaced {
        OrderPlaced {
            order_id: "4711".to_owned(),
            customer_id: "customer-1".to_owned(),
            email: "ada@example.org".to_owned(),
            lines: vec![OrderLine::default()],
            total: Some(Money::default()),
            card_number: "4242424242424242".to_owned(),
            placed_at: None,
        }
    }

    #[test]
    fn a_fingerprint_is_of_all_that_was_asked_for_and_of_nothing_else() {
        let first = fingerprint(&order());
        let later = OrderPlaced {
            placed_at: Some(Timestamp::default()),
            ..order()
        };
        assert_eq!(fingerprint(&later), first);
        let others = [
            OrderPlaced {
                customer_id: "customer-2".to_owned(),
                ..order()
            },
            OrderPlaced {
                email: "bob@example.org".to_owned(),
                ..order()
            },
            OrderPlaced {
                lines: vec![OrderLine::default(); 2],
                ..order()
            },
            OrderPlaced {
                card_number: "4242424242424241".to_owned(),
                ..order()
            },
        ];
        for other in others {
            assert_ne!(fingerprint(&other), first, "{other:?}");
        }
    }

    #[test]
    fn a_fingerprint_gives_no_card_away() {
        // Shows that all that it holds of the card are four digits: many cards share them.
        let of = |card: &str| {
            let card_number = card.to_owned();
            fingerprint(&OrderPlaced {
                card_number,
                ..order()
            })
        };
        let first = of("4242424242424242");
        let (request, of_card) = first.split_once('-').unwrap();
        assert_eq!((request.len(), of_card), (64, "e8f3"));
        assert_eq!(of("4242420000151144"), first);
    }
}
