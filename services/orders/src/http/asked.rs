//! What is asked over HTTP: the bodies of requests, checked, as the events that they ask for.
//!
//! No type here has `Debug`: they hold card numbers and addresses.

use std::collections::BTreeMap;

use quadrille_schemas::common::v1 as common;
use quadrille_schemas::money;
use quadrille_schemas::orders::v1::{OrderLine, OrderPlaced};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use utoipa::ToSchema;

use super::answer::{FieldError, Problem};
use super::field::{Errors, Field, Shape};

/// Lines in an order, at most.
const LINES_MAX: usize = 1000;
/// Pieces in a line, at most: with all lines of an order, still a number of 32 bits.
const QUANTITY_MAX: u32 = 1_000_000;

/// An order to be placed.
#[derive(Deserialize, ToSchema)]
pub(super) struct PlaceOrder {
    /// The order, and the idempotency key: placing it again is one order. Made up where it is
    /// missing, and then there is no placing it again.
    #[serde(default)]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 64,
        pattern = "^[A-Za-z0-9_-]+$", example = "4711")]
    order_id: Field<String>,
    /// The customer who places it.
    #[serde(default)]
    #[schema(value_type = String, required = true, min_length = 1, max_length = 128,
        example = "customer-1")]
    customer_id: Field<String>,
    /// Where the customer is told of the outcome.
    #[serde(default)]
    #[schema(value_type = String, required = true, format = Email, max_length = 254,
        example = "ada@example.org")]
    email: Field<String>,
    /// What is ordered. Several lines may name the same article.
    #[serde(default)]
    #[schema(value_type = Vec<Line>, required = true, min_items = 1, max_items = 1000)]
    lines: Field<Vec<Field<Line>>>,
    /// The card that is charged.
    #[serde(default)]
    #[schema(value_type = String, required = true, pattern = "^[0-9]{12,19}$",
        example = "4242424242424242", write_only)]
    card_number: Field<String>,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: BTreeMap<String, Value>,
}

/// One kind of goods in an order.
#[derive(Deserialize, ToSchema)]
pub(super) struct Line {
    /// The goods' stock keeping unit.
    #[serde(default)]
    #[schema(value_type = String, required = true, min_length = 1, max_length = 64,
        example = "tea")]
    sku: Field<String>,
    /// How many pieces of it.
    #[serde(default)]
    #[schema(value_type = u32, required = true, minimum = 1, maximum = 1_000_000, example = 2)]
    quantity: Field<u32>,
    /// Price of one piece.
    #[serde(default)]
    #[schema(value_type = Money, required = true)]
    unit_price: Field<Money>,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: BTreeMap<String, Value>,
}

/// An amount of money, as whole units and billionths of one.
#[derive(Deserialize, ToSchema)]
pub(super) struct Money {
    /// Three letters after ISO 4217.
    #[serde(default)]
    #[schema(value_type = String, required = true, pattern = "^[A-Z]{3}$", example = "EUR")]
    currency_code: Field<String>,
    /// Whole units.
    #[serde(default)]
    #[schema(value_type = i64, required = false, default = 0, minimum = 0, example = 4)]
    units: Field<i64>,
    /// Billionths of a unit.
    #[serde(default)]
    #[schema(value_type = i32, required = false, default = 0, minimum = 0, maximum = 999_999_999,
        example = 500_000_000)]
    nanos: Field<i32>,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: BTreeMap<String, Value>,
}

/// A withdrawal of an order.
#[derive(Deserialize, ToSchema)]
pub(super) struct WithdrawOrder {
    /// Why, in the customer's words.
    #[serde(default)]
    #[schema(value_type = String, required = false, max_length = 500, example = "bought it twice")]
    reason: Field<String>,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: BTreeMap<String, Value>,
}

impl Shape for Line {
    const IS: &'static str = "an object";
}

impl Shape for Money {
    const IS: &'static str = "an object";
}

/// Reads a body. What it says wrong about single fields is found later, all at once.
pub(super) fn body<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let value: Value = serde_json::from_slice(bytes)
        .map_err(|error| Problem::not_json(error.line(), error.column()))?;
    // The error is left out: it may repeat what came in.
    T::deserialize(value).map_err(|_| Problem::not_an_object())
}

impl PlaceOrder {
    /// The event that is asked for, without an order id where none was sent.
    pub(super) fn checked(self) -> Result<OrderPlaced, Vec<FieldError>> {
        let mut errors = Errors::default();
        let order_id = errors.take(self.order_id, "$.order_id");
        if order_id.as_deref().is_some_and(|id| !is_order_id(id)) {
            errors.add(
                "$.order_id",
                "must have 1 to 64 letters, digits, '-' and '_'",
            );
        }
        let customer_id = errors.text(self.customer_id, "$.customer_id", 128);
        let email = errors.text(self.email, "$.email", 254);
        if !email.is_empty() && !is_address(&email) {
            errors.add("$.email", "must be an address, such as ada@example.org");
        }
        let (lines, total) = lines(self.lines, &mut errors);
        let card_number = errors.need(self.card_number, "$.card_number");
        if card_number.as_deref().is_some_and(|card| !is_card(card)) {
            errors.add(
                "$.card_number",
                "must have 12 to 19 digits and nothing else",
            );
        }
        errors.unknown(self.unknown.keys(), "$");
        errors.none_of()?;
        Ok(OrderPlaced {
            order_id: order_id.unwrap_or_default(),
            customer_id,
            email,
            lines,
            total,
            card_number: card_number.unwrap_or_default(),
            placed_at: None,
        })
    }
}

impl WithdrawOrder {
    /// The reason, or nothing.
    pub(super) fn checked(self) -> Result<String, Vec<FieldError>> {
        let mut errors = Errors::default();
        let reason = errors.take(self.reason, "$.reason").unwrap_or_default();
        errors.check_text(&reason, "$.reason", 0, 500);
        errors.unknown(self.unknown.keys(), "$");
        errors.none_of().map(|()| reason)
    }
}

/// The lines, and what they come to. What is wrong with a line does not hide the others.
fn lines(
    field: Field<Vec<Field<Line>>>,
    errors: &mut Errors,
) -> (Vec<OrderLine>, Option<common::Money>) {
    let Some(fields) = errors.need(field, "$.lines") else {
        return (Vec::new(), None);
    };
    if fields.is_empty() || fields.len() > LINES_MAX {
        errors.add("$.lines", format!("must have 1 to {LINES_MAX} entries"));
        return (Vec::new(), None);
    }
    let mut lines = Vec::with_capacity(fields.len());
    let mut total: Option<common::Money> = None;
    for (nth, field) in fields.into_iter().enumerate() {
        let at = format!("$.lines[{nth}]");
        let Some((line, price)) = line(field, &at, errors) else {
            continue;
        };
        let summed = money::times(&price, line.quantity).and_then(|amount| match &total {
            Some(sum) => money::plus(sum, &amount),
            None => Ok(amount),
        });
        match summed {
            Ok(sum) => total = Some(sum),
            Err(money::Error::Mixed { one, .. }) => {
                let error =
                    format!("must be {one}, as in the lines above: an order has one currency");
                errors.add(format!("{at}.unit_price.currency_code"), error);
            }
            Err(_) => errors.add(
                "$.lines",
                format!("come to more than an amount of money can hold, from entry {nth} on"),
            ),
        }
        lines.push(line);
    }
    if total
        .as_ref()
        .is_some_and(|sum| sum.units == 0 && sum.nanos == 0)
    {
        errors.add("$.lines", "must come to more than nothing");
    }
    (lines, total)
}

fn line(field: Field<Line>, at: &str, errors: &mut Errors) -> Option<(OrderLine, common::Money)> {
    let line = errors.need(field, at)?;
    let sku = errors.text(line.sku, &format!("{at}.sku"), 64);
    let quantity = errors.need(line.quantity, &format!("{at}.quantity"));
    if quantity.is_some_and(|quantity| quantity == 0 || quantity > QUANTITY_MAX) {
        let error = format!("must be 1 to {QUANTITY_MAX}");
        errors.add(format!("{at}.quantity"), error);
    }
    let price = price(line.unit_price, &format!("{at}.unit_price"), errors);
    errors.unknown(line.unknown.keys(), at);
    let (quantity, price) = (quantity?, price?);
    let line = OrderLine {
        sku,
        quantity,
        unit_price: Some(price.clone()),
    };
    Some((line, price))
}

fn price(field: Field<Money>, at: &str, errors: &mut Errors) -> Option<common::Money> {
    let price = errors.need(field, at)?;
    let currency = errors.need(price.currency_code, &format!("{at}.currency_code"));
    let (units_at, nanos_at) = (format!("{at}.units"), format!("{at}.nanos"));
    let units = read_or_zero(price.units, &units_at, errors);
    let nanos = read_or_zero(price.nanos, &nanos_at, errors);
    errors.unknown(price.unknown.keys(), at);
    let (currency_code, units, nanos) = (currency?, units?, nanos?);
    if units < 0 || nanos < 0 {
        let wrong = if units < 0 { units_at } else { nanos_at };
        errors.add(wrong, "must not be below zero");
        return None;
    }
    let price = common::Money {
        currency_code,
        units,
        nanos,
    };
    match money::check(&price) {
        Ok(()) => return Some(price),
        Err(error @ money::Error::Nanos) => errors.add(nanos_at, error.to_string()),
        Err(error) => errors.add(format!("{at}.currency_code"), error.to_string()),
    }
    None
}

/// A number, zero where it is missing, as protobuf has it. `None`: it is no number.
fn read_or_zero<T: Shape + Default>(field: Field<T>, at: &str, errors: &mut Errors) -> Option<T> {
    match field {
        Field::Missing => Some(T::default()),
        field => errors.take(field, at),
    }
}

/// Whether a text can be an order's id.
fn is_order_id(id: &str) -> bool {
    let legal = |c: u8| c.is_ascii_alphanumeric() || c == b'-' || c == b'_';
    (1..=64).contains(&id.len()) && id.bytes().all(legal)
}

/// Whether a text looks like an address. Whether it is one, only mail can tell.
fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let blank = text.chars().any(char::is_whitespace);
    !local.is_empty() && !domain.is_empty() && !blank
}

fn is_card(number: &str) -> bool {
    (12..=19).contains(&number.len()) && number.bytes().all(|c| c.is_ascii_digit())
}
