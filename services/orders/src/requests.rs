//! What customers ask of orders: plain functions, called by the HTTP doors and by tests alike.

use quadrille::prost_types::Timestamp;
use quadrille::{Cx, Failure};
use quadrille_schemas::orders::v1::{OrderPlaced, OrderWithdrawn};

use crate::Doors;
use crate::state::{Order, Orders, Outcome};

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
///
/// `request` is a fingerprint of what was asked, so that another request under the same id shows.
pub async fn place(doors: &Doors, order: OrderPlaced, request: &str) -> Result<Placed, Error> {
    let through = doors.placing.in_flow(SPACE, &order.order_id);
    through
        .decide(|cx| decide_placing(order.clone(), request.to_owned(), cx))
        .await
}

/// Withdraws an order, unless it has ended.
pub async fn withdraw(doors: &Doors, order: OrderWithdrawn) -> Result<Withdrawn, Error> {
    let through = doors.withdrawing.in_flow(SPACE, &order.order_id);
    through
        .decide(|cx| decide_withdrawing(order.clone(), cx))
        .await
}

/// Reads an order.
pub async fn read(doors: &Doors, order_id: &str) -> Result<Option<Order>, Error> {
    doors.placing.read(order_id).await
}

async fn decide_placing(
    mut placed: OrderPlaced,
    request: String,
    mut cx: Cx<Orders>,
) -> Result<(Option<OrderPlaced>, Placed), Failure> {
    if let Some(order) = cx.load::<Order>(&placed.order_id).await? {
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
    let Some(mut order) = cx.load::<Order>(&withdrawn.order_id).await? else {
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

/// The moment of the decision, as protobuf has it.
fn now(cx: &Cx<Orders>) -> Timestamp {
    let now = cx.now();
    Timestamp {
        seconds: now.as_second(),
        nanos: now.subsec_nanosecond(),
    }
}
