//! `quadrille emit`: publishes events.
//!
//! From a file, many are on their way at once, but never two of one key: their order is kept.

use std::collections::BTreeSet;
use std::io::{self, IsTerminal as _, Read as _};
use std::sync::Arc;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use quadrille::config::Config;
use quadrille::id::EventId;
use quadrille::program::{Exit, Failure};
use quadrille::publish::Publisher;
use quadrille::world;
use serde_json::Value;

use super::lines::{self, LINE_BYTES_MAX, Line};
use super::progress::Progress;
use super::target::{Asked, Target};
use super::{event_type, json, show};
use crate::accept::{self, Accepted, Entrance, Kind, Refused};
use crate::client::Client;
use quadrille_observer::types;

/// Events on their way at once, to a running `up`.
const IN_FLIGHT_UP: usize = 64;
/// Events on their way at once, to a cluster.
const IN_FLIGHT_CLUSTER: usize = 1_000;

/// Publishes events. They begin a flow each, unless --flow names one
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    quadrille emit GoodsReceived '{\"deliveryId\": \"d-1\", \"sku\": \"tea\", \"quantity\": 10}'\n  \
    quadrille emit inventory.v1.GoodsReceived -f deliveries.jsonl --keep-going\n  \
    some-program | quadrille emit GoodsReceived -f - --json")]
pub(crate) struct Arguments {
    /// Type of the event, e.g. orders.v1.OrderPlaced; the last part will do where it is the only
    /// one of that name
    #[arg(value_name = "TYPE")]
    kind: String,
    /// The event's fields as a JSON object; `-`, or nothing, reads them from standard input
    #[arg(value_name = "JSON", conflicts_with = "file")]
    data: Option<String>,
    /// Publish one event for each line of a file of JSON objects; `-` is standard input
    #[arg(short, long, value_name = "FILE")]
    file: Option<String>,
    /// Go on behind a line that cannot be published
    #[arg(long, requires = "file")]
    keep_going: bool,
    /// The flow that the events join
    #[arg(long, value_name = "ID", value_parser = attribute)]
    flow: Option<String>,
    /// Who publishes them
    #[arg(long, value_name = "SOURCE", default_value = "/quadrille/cli", value_parser = attribute)]
    source: String,
    /// Print what became of each event as a line of JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// What can stand in an attribute of an event.
fn attribute(text: &str) -> Result<String, String> {
    match !text.is_empty() && accept::is_attribute(text) {
        true => Ok(text.to_owned()),
        false => Err(format!(
            "give 1 to {} bytes of plain text",
            accept::ATTRIBUTE_BYTES_MAX
        )),
    }
}

/// Publishes.
pub(super) async fn run(arguments: Arguments, world: world::Shared) -> Result<Exit, Failure> {
    let kind = event_type(&arguments.kind)?;
    let single = match &arguments.file {
        Some(_) => None,
        None => Some(data(arguments.data.as_deref())?),
    };
    let way = match arguments.target.open(&world).await? {
        Asked::Up(client) => Way::Up(client),
        Asked::Cluster(broker) => {
            let event_bytes_max = Config::default().limits.event_bytes_max;
            let publisher = Arc::clone(&broker);
            Way::Cluster(Entrance {
                publisher: Publisher::new("emit", publisher, world.clone(), event_bytes_max),
                broker,
                world: world.clone(),
                event_bytes_max,
            })
        }
    };
    let emit = Emit {
        kind,
        arguments,
        way,
        world,
    };
    match single {
        Some(data) => emit.one(data).await,
        None => Box::pin(emit.file()).await,
    }
}

/// The fields of the one event that is to be published.
fn data(argument: Option<&str>) -> Result<Value, Failure> {
    let text = match argument {
        Some(text) if text != "-" => text.to_owned(),
        None if io::stdin().is_terminal() => {
            return Err(Failure::new(Exit::Usage, "there is no event to publish")
                .mend("give its fields as a JSON object, or a file of them by -f FILE"));
        }
        _ => {
            let mut text = String::new();
            let stdin = io::stdin().lock().take(LINE_BYTES_MAX as u64);
            let mut stdin = stdin;
            stdin.read_to_string(&mut text).map_err(|error| {
                Failure::new(Exit::Failed, "cannot read standard input").because(&error)
            })?;
            text
        }
    };
    let mend = "write them as one object, e.g. '{\"sku\": \"tea\"}', in single quotes";
    let fields: Value = serde_json::from_str(&text).map_err(|error| {
        Failure::new(Exit::Usage, "the event's fields are not JSON")
            .because(&error)
            .mend(mend)
    })?;
    match fields.is_object() {
        true => Ok(fields),
        false => {
            let message = "the event's fields are JSON, but not one object";
            Err(Failure::new(Exit::Usage, message).mend(mend))
        }
    }
}

/// How events get there.
#[derive(Clone)]
enum Way {
    Up(Client),
    Cluster(Entrance),
}

impl Way {
    async fn emit(&self, event: &Value) -> Result<Accepted, Refused> {
        match self {
            Self::Up(client) => client.emit(event).await,
            Self::Cluster(entrance) => entrance.accept(event).await,
        }
    }

    fn in_flight_max(&self) -> usize {
        match self {
            Self::Up(_) => IN_FLIGHT_UP,
            Self::Cluster(_) => IN_FLIGHT_CLUSTER,
        }
    }
}

struct Emit {
    kind: &'static str,
    arguments: Arguments,
    way: Way,
    world: world::Shared,
}

impl Emit {
    async fn one(&self, data: Value) -> Result<Exit, Failure> {
        let accepted = self.way.emit(&self.event(data)).await;
        let accepted = accepted.map_err(|refused| failure(&refused))?;
        show(&match self.arguments.json {
            true => json(&accepted),
            false => {
                let Accepted {
                    id,
                    flow,
                    topic,
                    partition,
                    offset,
                } = accepted;
                let kind = self.kind;
                format!(
                    "emitted {kind} to {topic}-{partition} at offset {offset}\n  \
                     id    {id}\n  flow  {flow}\n"
                )
            }
        })?;
        Ok(Exit::Done)
    }

    /// The CloudEvent for an event's fields.
    fn event(&self, data: Value) -> Value {
        let mut event = serde_json::json!({
            "specversion": "1.0",
            "type": self.kind,
            "source": self.arguments.source,
            "id": EventId::root(&*self.world),
            "datacontenttype": "application/json",
            "data": data,
        });
        if let Some(flow) = &self.arguments.flow {
            event["correlationid"] = Value::from(flow.as_str());
        }
        event
    }

    async fn file(&self) -> Result<Exit, Failure> {
        let path = self.arguments.file.as_deref().unwrap_or("-");
        let cannot_read = |error: io::Error| {
            Failure::new(Exit::Failed, format!("cannot read {path}")).because(&error)
        };
        let mut lines = lines::open(path).map_err(|error| {
            let failure = cannot_read(error);
            failure.mend("name a file of JSON objects, one a line")
        })?;
        let mut work = Work {
            emit: self,
            path,
            progress: Progress::begin(&self.world, lines.size),
            in_flight: FuturesUnordered::new(),
            keys: BTreeSet::new(),
            position: 0,
            count: 0,
            failed: 0,
            unreachable: false,
        };
        while let Some(line) = lines.lines.recv().await {
            let line = match line {
                Ok(line) => line,
                Err(error) => {
                    work.finish().await?;
                    return Err(cannot_read(error));
                }
            };
            work.position = line.bytes;
            work.take(line).await?;
            if work.must_stop() {
                break;
            }
        }
        work.finish().await?;
        let exit = match (work.failed, work.unreachable) {
            (0, _) => Exit::Done,
            (_, true) => Exit::Unreachable,
            (_, false) => Exit::Failed,
        };
        work.progress.end(work.count, work.failed);
        Ok(exit)
    }
}

/// What became of a line.
struct Ended {
    number: u64,
    key: String,
    result: Result<Accepted, Refused>,
}

/// A file on its way.
struct Work<'a> {
    emit: &'a Emit,
    path: &'a str,
    progress: Progress,
    in_flight: FuturesUnordered<BoxFuture<'a, Ended>>,
    keys: BTreeSet<String>,
    position: u64,
    count: u64,
    failed: u64,
    unreachable: bool,
}

impl Work<'_> {
    async fn take(&mut self, line: Line) -> Result<(), Failure> {
        let number = line.number;
        let text = match line.text {
            Ok(text) => text,
            Err(wrong) => {
                self.fail(number, &wrong, "send it in smaller parts");
                return Ok(());
            }
        };
        if text.trim().is_empty() {
            return Ok(());
        }
        let data: Value = match serde_json::from_str(&text) {
            Ok(data @ Value::Object(_)) => data,
            Ok(_) => {
                self.fail(number, "no JSON object", "write one JSON object a line");
                return Ok(());
            }
            Err(error) => {
                let wrong = format!("not JSON: {error}");
                self.fail(number, &wrong, "write one JSON object a line");
                return Ok(());
            }
        };
        let key = key(self.emit.kind, &data);
        while self.keys.contains(&key) || self.in_flight.len() >= self.emit.way.in_flight_max() {
            self.one_ends().await?;
            if self.must_stop() {
                return Ok(());
            }
        }
        self.keys.insert(key.clone());
        let event = self.emit.event(data);
        let way = &self.emit.way;
        self.in_flight.push(Box::pin(async move {
            let result = way.emit(&event).await;
            Ended {
                number,
                key,
                result,
            }
        }));
        Ok(())
    }

    fn must_stop(&self) -> bool {
        self.failed > 0 && !self.emit.arguments.keep_going
    }

    /// Waits until one has ended. `false`: none is on its way.
    async fn one_ends(&mut self) -> Result<bool, Failure> {
        let Some(ended) = self.in_flight.next().await else {
            return Ok(false);
        };
        self.keys.remove(&ended.key);
        match ended.result {
            Ok(accepted) => {
                self.count += 1;
                if self.emit.arguments.json {
                    show(&json(&accepted))?;
                }
            }
            Err(refused) => {
                self.unreachable |= refused.kind == Kind::Unreachable;
                self.fail(ended.number, &refused.error, mend(&refused));
            }
        }
        self.progress.tell(self.position, self.count, self.failed);
        Ok(true)
    }

    async fn finish(&mut self) -> Result<(), Failure> {
        while self.one_ends().await? {}
        Ok(())
    }

    fn fail(&mut self, number: u64, error: &str, mend: &str) {
        self.failed += 1;
        let path = self.path;
        self.progress
            .say(&format!("error: {path}:{number}: {error}\n  mend: {mend}"));
    }
}

/// The key of an event, as far as its JSON tells. Where it does not, the event is refused anyway.
fn key(kind: &str, data: &Value) -> String {
    let field = types::find(kind).map_or("", |schema| schema.key_field);
    let found = crate::accept::field(data, field);
    found.map_or_else(String::new, |key| match key {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    })
}

fn failure(refused: &Refused) -> Failure {
    let exit = match refused.kind {
        Kind::Unreachable => Exit::Unreachable,
        _ => Exit::Failed,
    };
    Failure::new(exit, refused.error.clone()).mend(mend(refused))
}

/// What to do about a refusal, in terms of this command: it gives every event an id of its own.
fn mend(refused: &Refused) -> &str {
    match refused.mend == accept::REPEAT {
        true => {
            "look by `quadrille tail` whether the event is there, and emit it again if it is not: \
             emitted twice, it is two events"
        }
        false => &refused.mend,
    }
}
