//! `quadrille flow`: shows what became of one flow.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::Arc;
use std::time::Duration;

use quadrille::broker::Broker;
use quadrille::program::{Exit, Failure};
use quadrille::world;

mod others;

use others::Told;

use super::target::{Asked, Target};
use super::{json, show};
use crate::client::Client;
use crate::draw::draw;
use crate::paint::Paint;
use quadrille_observer::flow::status::Word;
use quadrille_observer::flow::view::view;
use quadrille_observer::scan::Scan;

/// Shows what became of one flow: its events as a tree of causes, with times, services and outcomes
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    quadrille flow 4711\n  \
    quadrille flow 4711 --follow\n  \
    quadrille flow 4711 --kafka localhost:9092 --json\n\n\
    With --follow the exit code is 1 where the flow ends parked, or does not end in time.")]
pub(crate) struct Arguments {
    /// Flow id, or a business key such as an order's id
    #[arg(value_name = "ID")]
    id: String,
    /// Print it as one JSON object
    #[arg(long)]
    json: bool,
    /// Wait for the flow, and show it until it has come to rest
    #[arg(long)]
    follow: bool,
    /// Longest wait of --follow
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 600,
        requires = "follow"
    )]
    timeout: u64,
    #[command(flatten)]
    target: Target,
}

/// Shows a flow.
pub(super) async fn run(arguments: Arguments, world: world::Shared) -> Result<Exit, Failure> {
    let source = match arguments.target.open(&world).await? {
        Asked::Up(client) => Source::Up(client),
        Asked::Cluster(broker) => Source::Cluster(broker, world.clone()),
    };
    if arguments.follow {
        return Box::pin(follow(&arguments, &source, &world)).await;
    }
    let told = Box::pin(source.find(&arguments.id)).await?;
    let told = told.ok_or_else(|| source.unknown(&arguments.id))?;
    show(&picture(&told, &arguments))?;
    Ok(Exit::Done)
}

async fn follow(
    arguments: &Arguments,
    source: &Source,
    world: &world::Shared,
) -> Result<Exit, Failure> {
    let limit = Duration::from_secs(arguments.timeout);
    let began = world.elapsed();
    let mut screen = Screen::new();
    loop {
        let asked = world.elapsed();
        let told = Box::pin(source.find(&arguments.id)).await?;
        let took = world.elapsed().saturating_sub(asked);
        let at_rest = told
            .as_ref()
            .is_some_and(|told| told.view.summary.status.is_at_rest());
        let is_late = world.elapsed().saturating_sub(began) >= limit;
        if let Some(told) = &told {
            screen.show(&picture(told, arguments), at_rest || is_late)?;
        }
        match told {
            Some(told) if at_rest => {
                let is_well = told.view.summary.status != Word::Parked;
                return Ok(if is_well { Exit::Done } else { Exit::Failed });
            }
            Some(told) if is_late => {
                let (word, seconds) = (told.view.summary.status.as_str(), limit.as_secs());
                let message = format!("the flow is still {word} after {seconds} s");
                return Err(Failure::new(Exit::Failed, message).mend("wait longer by --timeout"));
            }
            None if is_late => return Err(source.unknown(&arguments.id)),
            _ => {}
        }
        // A long scan is not repeated at once.
        world
            .sleep((took * 2).max(Duration::from_millis(250)))
            .await;
    }
}

fn picture(told: &Told, arguments: &Arguments) -> String {
    if arguments.json {
        return json(told);
    }
    let paint = Paint::for_stdout();
    let (id, target) = (&arguments.id, arguments.target.words());
    draw(&told.view, paint) + &others::draw(&told.others, id, &target, paint)
}

/// Shows the newest picture in place of the one before; without a terminal, the last one only.
struct Screen {
    is_terminal: bool,
    shown: Option<String>,
}

impl Screen {
    fn new() -> Self {
        Self {
            is_terminal: io::stdout().is_terminal(),
            shown: None,
        }
    }

    fn show(&mut self, picture: &str, is_last: bool) -> Result<(), Failure> {
        if self.shown.as_deref() == Some(picture) || !(self.is_terminal || is_last) {
            return Ok(());
        }
        let back = match &self.shown {
            // Up to the first line of the picture before, and clear from there.
            Some(before) => format!("\x1b[{}F\x1b[J", before.lines().count()),
            None => String::new(),
        };
        show(&format!("{back}{picture}"))?;
        self.shown = Some(picture.to_owned());
        Ok(())
    }
}

enum Source {
    Up(Client),
    Cluster(Arc<dyn Broker>, world::Shared),
}

impl Source {
    async fn find(&self, wanted: &str) -> Result<Option<Told>, Failure> {
        let (broker, world) = match self {
            Self::Up(client) => {
                return client
                    .get(&["api", "flows", wanted], &[("data", "true")])
                    .await;
            }
            Self::Cluster(broker, world) => (broker, world),
        };
        let is_terminal = io::stderr().is_terminal();
        let progress = |count: u64, total: u64| {
            if is_terminal {
                let percent = count * 100 / total.max(1);
                let _ = write!(io::stderr(), "\rreading topics, {percent} %\x1b[K");
            }
        };
        let found = Box::pin(Scan::new(broker, world, &progress).await?.find(wanted)).await;
        if is_terminal {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
        let found = found?;
        let mut views = found.flows.iter().map(|flow| view(flow, &found.expected));
        let Some(mut meant) = views.next() else {
            return Ok(None);
        };
        meant.notes.extend(found.notes);
        Ok(Some(Told {
            view: meant,
            others: views.map(|view| view.summary).collect(),
        }))
    }

    fn unknown(&self, wanted: &str) -> Failure {
        let message = format!("no flow with the id or business key `{wanted}` is known");
        let failure = Failure::new(Exit::Failed, message);
        match self {
            Self::Up(_) => failure
                .mend("look for it at the page of `quadrille up`, or wait for it by --follow"),
            Self::Cluster(broker, _) => failure.mend(format!(
                "{} holds no such event: see whether it is the right cluster, and whether the \
                 event is past its topic's retention",
                broker.name()
            )),
        }
    }
}
