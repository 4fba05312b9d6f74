//! `quadrille tail`: shows events as they come.

use std::collections::BTreeSet;

use clap::ValueEnum;
use quadrille::program::{Exit, Failure};
use quadrille::world;

use super::target::{Asked, Target};
use super::{event_type, json, show};
use crate::client::Client;
use crate::paint::{Colour, Paint};
use crate::tail::{Line, Tail};
use quadrille_observer::follow;
use quadrille_observer::types;

/// Shows events as they come, until Ctrl-C. Sensitive fields are masked
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    quadrille tail\n  \
    quadrille tail OrderConfirmed OrderCancelled --from beginning\n  \
    quadrille tail --json | jq -r .flow")]
pub(crate) struct Arguments {
    /// Types of events; all where none is named
    #[arg(value_name = "TYPE")]
    types: Vec<String>,
    /// Where to begin: with the first event that is there, or with what comes from now on
    #[arg(long, value_enum, default_value_t = From::Now)]
    from: From,
    /// Print each event as a line of JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

#[derive(Clone, Copy, ValueEnum)]
enum From {
    Beginning,
    Now,
}

/// Shows events until Ctrl-C.
pub(super) async fn run(arguments: Arguments, world: world::Shared) -> Result<Exit, Failure> {
    let names = arguments.types.iter().map(|name| event_type(name));
    let types: BTreeSet<String> = names
        .map(|name| name.map(str::to_owned))
        .collect::<Result<_, _>>()?;
    let work = async {
        match arguments.target.open(&world).await? {
            Asked::Up(client) => from_up(&client, &arguments, types).await,
            Asked::Cluster(broker) => {
                let from = match arguments.from {
                    From::Beginning => follow::From::Beginning,
                    From::Now => follow::From::Now,
                };
                let mut tail = Tail::begin(broker, world.clone(), from, types).await?;
                loop {
                    for line in tail.next().await? {
                        if !show_line(&line, &arguments)? {
                            return Ok(Exit::Done);
                        }
                    }
                }
            }
        }
    };
    let asked_to_stop = std::pin::pin!(tokio::signal::ctrl_c());
    match futures::future::select(Box::pin(work), asked_to_stop).await {
        futures::future::Either::Left((ended, _)) => ended,
        futures::future::Either::Right(_) => Ok(Exit::Done),
    }
}

async fn from_up(
    client: &Client,
    arguments: &Arguments,
    types: BTreeSet<String>,
) -> Result<Exit, Failure> {
    let types: Vec<_> = types.into_iter().collect();
    let from = match arguments.from {
        From::Beginning => "beginning",
        From::Now => "now",
    };
    let query = [("type", types.join(",")), ("from", from.to_owned())];
    let query = query
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let mut stream = client.stream(&["api", "tail"], &query).await?;
    while let Some(sent) = stream.next().await? {
        if sent.name != "event" {
            return Err(Failure::new(Exit::Unreachable, sent.data)
                .mend("try again when the broker is back"));
        }
        let line: Line = serde_json::from_str(&sent.data).map_err(|error| {
            Failure::new(Exit::Failed, "an event is not understood")
                .because(&error)
                .mend("use a `quadrille` of the same version as the one that runs")
        })?;
        if !show_line(&line, arguments)? {
            return Ok(Exit::Done);
        }
    }
    Err(Failure::new(Exit::Unreachable, "`quadrille up` has ended"))
}

fn show_line(line: &Line, arguments: &Arguments) -> Result<bool, Failure> {
    show(&match arguments.json {
        true => json(line),
        false => text(line, Paint::for_stdout()),
    })
}

fn text(line: &Line, paint: Paint) -> String {
    let time = line.time.strftime("%H:%M:%S%.3f").to_string();
    let name = paint.colour(Colour::Blue, &format!("{:<16}", types::last(&line.kind)));
    let key = paint.bold(line.key.as_deref().unwrap_or("-"));
    let flow = paint.dim(&format!("flow {}", line.flow));
    let data = match (&line.data, &line.data_error) {
        (Some(data), _) => data.to_string(),
        (None, why) => format!("({})", why.as_deref().unwrap_or("no data")),
    };
    format!("{time}  {name} {key}  {flow}  {}\n", paint.dim(&data))
}
