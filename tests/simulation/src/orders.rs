//! The order flow as a scenario: goods come in, orders are placed and withdrawn, and in the end goods,
//! money, parcels and mails add up.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use quadrille::Event as _;
use quadrille::broker::{self, Broker, Incoming, TopicName, TopicPartition};
use quadrille::envelope::{Envelope, Trace};
use quadrille::id::{EventId, FlowId, Source};
use quadrille_inventory::{Deliveries, deliveries};
use quadrille_notifications::mail;
use quadrille_orders::Doors;
use quadrille_orders::requests::{self, Withdrawn};
use quadrille_payments::gateway;
use quadrille_schemas::common::v1::Money;
use quadrille_schemas::inventory::v1::GoodsReceived;
use quadrille_schemas::orders::v1::{OrderLine, OrderPlaced, OrderWithdrawn};
use quadrille_shipping::carrier;
use quadrille_simulator::{Breach, Draw, Placed, Stage};

use crate::carrier::{Haulier, NOWHERE};
use crate::gateway::{BAD_CARD, Bank, GOOD_CARD};
use crate::mailbox::{Mailbox, Refused};

mod holds; // what must hold

/// Price of one piece, in whole units.
const PRICE: i64 = 20;

/// One thing that happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Goods come in.
    Deliver {
        /// The delivery.
        delivery: String,
        /// The goods.
        sku: String,
        /// How many pieces.
        quantity: u32,
    },
    /// A customer places an order.
    Place {
        /// The order.
        order: String,
        /// The goods.
        sku: String,
        /// How many pieces.
        quantity: u32,
        /// Whether the card is one that is charged.
        good_card: bool,
    },
    /// A customer withdraws an order.
    Withdraw {
        /// The order.
        order: String,
    },
    /// Somebody else publishes an order that nobody can read.
    Garbage {
        /// The order.
        order: String,
    },
    /// From now on nobody takes mail about an order.
    Refuse {
        /// The order.
        order: String,
    },
    /// Somebody else publishes the placing of an order once more, in its flow, as another event.
    Echo {
        /// The order.
        order: String,
    },
    /// Somebody else publishes one under an id that orders has given to the placing of an order: it is
    /// another event all the same.
    Stranger {
        /// The order.
        order: String,
    },
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deliver {
                delivery,
                sku,
                quantity,
            } => write!(f, "deliver {delivery}: {quantity} {sku}"),
            Self::Place {
                order,
                sku,
                quantity,
                good_card,
            } => {
                let card = if *good_card { "good" } else { "bad" };
                write!(f, "place {order}: {quantity} {sku} by {card} card")
            }
            Self::Withdraw { order } => write!(f, "withdraw {order}"),
            Self::Garbage { order } => write!(f, "garbage {order}"),
            Self::Refuse { order } => write!(f, "refuse {order}"),
            Self::Echo { order } => write!(f, "echo {order}"),
            Self::Stranger { order } => write!(f, "stranger {order}"),
        }
    }
}

impl FromStr for Step {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let words: Vec<_> = text.split([' ', ':']).filter(|w| !w.is_empty()).collect();
        let name = |word: &&str| (*word).to_owned();
        let wrong = |_| format!("`{text}`: a quantity is a number");
        Ok(match &words[..] {
            ["deliver", delivery, quantity, sku] => Self::Deliver {
                delivery: name(delivery),
                sku: name(sku),
                quantity: quantity.parse().map_err(wrong)?,
            },
            [
                "place",
                order,
                quantity,
                sku,
                "by",
                card @ ("good" | "bad"),
                "card",
            ] => Self::Place {
                order: name(order),
                sku: name(sku),
                quantity: quantity.parse().map_err(wrong)?,
                good_card: *card == "good",
            },
            ["withdraw", order] => Self::Withdraw { order: name(order) },
            ["garbage", order] => Self::Garbage { order: name(order) },
            ["echo", order] => Self::Echo { order: name(order) },
            ["refuse", order] => Self::Refuse { order: name(order) },
            ["stranger", order] => Self::Stranger { order: name(order) },
            _ => {
                let wrong =
                    "it begins with deliver, place, withdraw, garbage, echo, refuse or stranger";
                return Err(wrong.to_owned());
            }
        })
    }
}

/// Draws what happens: a few goods, a few orders, some of which are declined, withdrawn, to be sent
/// where nobody delivers, or more than there are goods for.
fn plan(draw: &mut Draw) -> Vec<Step> {
    let skus = ["tea", "cup"];
    let mut steps = Vec::new();
    for (nth, sku) in skus.iter().enumerate() {
        steps.push(Step::Deliver {
            delivery: format!("d{nth}"),
            sku: (*sku).to_owned(),
            quantity: u32::try_from(draw.between(1, 5)).expect("at most 5"),
        });
    }
    for nth in 1..=draw.between(2, 6) {
        let address = if draw.chance(20) { NOWHERE } else { "" };
        let order = format!("o{nth}{address}");
        steps.push(Step::Place {
            order: order.clone(),
            sku: (*draw.pick(&skus)).to_owned(),
            quantity: u32::try_from(draw.between(1, 2)).expect("at most 2"),
            good_card: !draw.chance(20),
        });
        if draw.chance(35) {
            let order = order.clone();
            steps.push(Step::Withdraw { order });
        }
        match draw.below(100) {
            0..5 => {
                let order = format!("g{nth}");
                steps.push(Step::Garbage { order });
            }
            5..10 => steps.push(Step::Stranger { order }),
            10..18 => steps.push(Step::Refuse { order }),
            18..26 => steps.push(Step::Echo { order }),
            _ => {}
        }
    }
    steps
}

/// What customers were promised.
#[derive(Clone, Default)]
struct Promised(Arc<Mutex<Promises>>);

#[derive(Default)]
struct Promises {
    placed: BTreeSet<String>,
    withdrawn: BTreeSet<String>,
}

impl Promised {
    fn lock(&self) -> MutexGuard<'_, Promises> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, note: impl FnOnce(&mut Promises) -> bool) {
        // Promised twice is promised once.
        let _ = note(&mut self.lock());
    }
}

/// What the services are given of the outside.
#[derive(Clone)]
pub struct Ports {
    /// Takes the money.
    pub gateway: gateway::Port,
    /// Takes the parcels.
    pub carrier: carrier::Port,
    /// Takes the mails.
    pub post: mail::Port,
    /// The mails that it does not take.
    pub refused: Refused,
}

/// Sets the stage.
pub fn stage(stage: &mut Stage) {
    let gateway = Arc::new(Bank::new(stage.outside()));
    let carrier = Arc::new(Haulier::new(stage.outside()));
    let refused = Refused::default();
    let post = Arc::new(Mailbox::new(stage.outside(), refused.clone()));
    let (money, parcels, mails) = (gateway.ledger(), carrier.ledger(), post.mails());
    let ports = Ports {
        gateway,
        carrier,
        post,
        refused,
    };
    services(stage, ports);
    holds::money_and_stock(stage, money);
    holds::parcels(stage, parcels);
    holds::mails(stage, mails);
}

/// The services and their steps, with an outside of any kind.
pub fn services(stage: &mut Stage, ports: Ports) {
    let (doors, deliveries) = (Doors::default(), Deliveries::default());
    let of_orders = doors.clone();
    stage.service(move || quadrille_orders::service(&of_orders));
    let of_inventory = deliveries.clone();
    stage.service(move || quadrille_inventory::service(&of_inventory));
    let Ports {
        gateway,
        carrier,
        post,
        refused,
    } = ports;
    stage.service(move || quadrille_payments::service(Arc::clone(&gateway)));
    stage.service(move || quadrille_shipping::service(Arc::clone(&carrier)));
    stage.service(move || quadrille_notifications::service(Arc::clone(&post)));
    let hall = Hall {
        refused,
        ..Hall::new(doors, deliveries, stage.broker())
    };
    let (kept, refuses) = (hall.promised.clone(), hall.refused.clone());
    stage.steps(plan, move |step| take(step, hall.clone()));
    stage.holds("promises are kept", move |end| holds::promises(end, &kept));
    stage.without("nothing parked");
    let attempts_max = stage.settings().limits.attempts_max;
    stage.holds("only garbage is parked", move |end| {
        let is_garbage = |placed: &Placed| placed.record.value.as_deref() == Some(&GARBAGE[..]);
        let is_refused = |placed: &Placed| {
            let order = placed.envelope.subject.as_deref().unwrap_or_default();
            refuses.has(order) && holds::is_unsent(placed)
        };
        let mut parked = end.parked.iter();
        match parked.find(|placed| !is_garbage(placed) && !is_refused(placed)) {
            Some(placed) => {
                let flow = placed.envelope.flow.clone();
                Err(Breach::from(placed.how_parked()).in_flow(flow))
            }
            None => Ok(()),
        }
    });
    stage.holds("parked after all its attempts", move |end| {
        holds::tried(end, attempts_max)
    });
    stage.holds("each happens once to an order", holds::once);
    stage.holds(
        "a withdrawal follows its order",
        holds::withdrawn_after_placed,
    );
}

/// No payload of any event.
const GARBAGE: [u8; 3] = [0xff, 0xff, 0xff];

/// Where things happen.
#[derive(Clone)]
pub struct Hall {
    doors: Doors,
    deliveries: Deliveries,
    promised: Promised,
    refused: Refused,
    broker: Arc<dyn Broker>,
}

impl Hall {
    /// With the doors of services that run on a broker.
    pub fn new(doors: Doors, deliveries: Deliveries, broker: Arc<dyn Broker>) -> Self {
        Self {
            doors,
            deliveries,
            promised: Promised::default(),
            refused: Refused::default(),
            broker,
        }
    }
}

/// Publishes what nobody can read, under an id.
async fn garbage(id: EventId, order: &str, broker: &dyn Broker) -> Result<(), broker::Error> {
    let flow = FlowId::of_event(&Source::new(ELSEWHERE), &id);
    let record =
        elsewhere(id, flow, order).record(OrderPlaced::SCHEMA, order, GARBAGE.to_vec().into());
    broker.send(record).await?.await.map(drop)
}

/// Publishes the placing of an order as another event of its flow.
async fn echo(order: &str, placing: &Incoming, broker: &dyn Broker) -> Result<(), broker::Error> {
    let flow = FlowId::new(header(placing, "ce_correlationid"));
    let id = EventId::new(format!("{order}-echo"));
    let payload = placing.value.clone().unwrap_or_default();
    let record = elsewhere(id, flow, order).record(OrderPlaced::SCHEMA, order, payload);
    broker.send(record).await?.await.map(drop)
}

/// Who is no service of ours.
const ELSEWHERE: &str = "/elsewhere";

/// Says of the placing of an order that it comes from elsewhere.
fn elsewhere(id: EventId, flow: FlowId, order: &str) -> Envelope {
    Envelope {
        kind: OrderPlaced::SCHEMA.name.into(),
        subject: Some(order.into()),
        time: Timestamp::UNIX_EPOCH,
        flow,
        id,
        source: Source::new(ELSEWHERE),
        cause: None,
        hops: 0,
        trace: Trace::default(),
    }
}

/// A header as text.
fn header(record: &Incoming, name: &str) -> String {
    let value = record.headers.get(name).unwrap_or_default();
    String::from_utf8_lossy(value).into_owned()
}

/// The placing of an order, where that stands on its topic already.
async fn placing(order: &str, broker: &dyn Broker) -> Result<Option<Incoming>, broker::Error> {
    let topic = TopicName::parse(OrderPlaced::SCHEMA.topic.name).expect("a topic of a schema");
    for number in 0..OrderPlaced::SCHEMA.topic.partitions {
        let at = TopicPartition::new(topic.clone(), number);
        let (low, high) = broker.watermarks(&at).await?;
        let mut read = Vec::new();
        if low < high {
            read = broker.read([(at, low)].into()).await?.next().await?;
        }
        let is_it = |record: &Incoming| {
            record.headers.get("ce_type") == Some(OrderPlaced::SCHEMA.name.as_bytes())
                && record.key.as_deref() == Some(order.as_bytes())
        };
        if let Some(placing) = read.into_iter().find(is_it) {
            return Ok(Some(placing));
        }
    }
    Ok(None)
}

/// Why a step cannot be taken now.
pub type Failed = Box<dyn std::error::Error + Send + Sync>;

/// Takes a step.
pub async fn take(step: Step, hall: Hall) -> Result<(), Failed> {
    let Hall {
        doors,
        deliveries,
        promised,
        refused,
        broker,
    } = hall;
    match step {
        Step::Deliver {
            delivery,
            sku,
            quantity,
        } => {
            let goods = GoodsReceived {
                delivery_id: delivery,
                sku,
                quantity,
            };
            Ok(deliveries::announce(&deliveries, goods).await?)
        }
        Step::Place {
            order,
            sku,
            quantity,
            good_card,
        } => {
            let card = if good_card { GOOD_CARD } else { BAD_CARD };
            let placed = placed(&order, &sku, quantity, card);
            if requests::place(&doors, placed).await? != requests::Placed::Conflict {
                promised.note(|promises| promises.placed.insert(order));
            }
            Ok(())
        }
        Step::Withdraw { order } => {
            let withdrawn = OrderWithdrawn {
                order_id: order.clone(),
                ..OrderWithdrawn::default()
            };
            match requests::withdraw(&doors, withdrawn).await? {
                Withdrawn::Accepted | Withdrawn::Again => {
                    promised.note(|promises| promises.withdrawn.insert(order));
                }
                Withdrawn::TooLate(_) => {}
                // Its placing is still on its way.
                Withdrawn::Unknown => return Err("there is no such order yet".into()),
            }
            Ok(())
        }
        Step::Refuse { order } => {
            refused.add(order);
            Ok(())
        }
        Step::Garbage { order } => Ok(garbage(EventId::new(&*order), &order, &*broker).await?),
        Step::Echo { order } => {
            let placing = placing(&order, &*broker).await?;
            let placing = placing.ok_or("there is no such order yet")?;
            Ok(echo(&order, &placing, &*broker).await?)
        }
        Step::Stranger { order } => {
            let placing = placing(&order, &*broker).await?;
            let placing = placing.ok_or("there is no such order yet")?;
            let id = EventId::new(header(&placing, "ce_id"));
            // Under another key: it may come anywhere between the others.
            Ok(garbage(id, &format!("{order}-stranger"), &*broker).await?)
        }
    }
}

fn placed(order: &str, sku: &str, quantity: u32, card: &str) -> OrderPlaced {
    let money = |units| Money {
        currency_code: "EUR".to_owned(),
        units,
        nanos: 0,
    };
    OrderPlaced {
        order_id: order.to_owned(),
        customer_id: "c1".to_owned(),
        email: "ada@example.org".to_owned(),
        lines: vec![OrderLine {
            sku: sku.to_owned(),
            quantity,
            unit_price: Some(money(PRICE)),
        }],
        total: Some(money(PRICE * i64::from(quantity))),
        card_number: card.to_owned(),
        placed_at: None,
    }
}
