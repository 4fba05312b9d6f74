//! The outside parties as child processes: this program again, under hidden commands.
//!
//! Each is started again where it dies, at the same address, with longer and longer waits, but not once
//! we were asked to stop: whoever asked may have asked it as well. It dies with us, however we end:
//! its standard input is a pipe whose other end is ours.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use quadrille::program::{Exit, Failure};
use quadrille::stop::Stop;
use quadrille::world::{self, Task};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tracing::{info, warn};

/// Longest wait for a party's address.
const START_TIMEOUT: Duration = Duration::from_secs(20);
/// Longest wait for its end before it is killed.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);
/// Shortest and longest wait before it is started again.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(10));

/// Who a party is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Who {
    /// Its hidden command, and its folder.
    pub(super) command: &'static str,
    /// What it is called in a sentence.
    pub(super) words: &'static str,
}

/// The payment gateway.
pub(super) const GATEWAY: Who = Who {
    command: "gateway",
    words: "the payment gateway",
};

/// The carrier.
pub(super) const CARRIER: Who = Who {
    command: "carrier",
    words: "the carrier",
};

/// A party, running.
pub(super) struct Party {
    url: String,
    ledger: PathBuf,
    stop: Stop,
    task: Task<()>,
}

/// Starts one. Its ledger is kept below `folder`.
pub(super) async fn start(
    who: Who,
    world: &world::Shared,
    folder: &Path,
    stop: &Stop,
) -> Result<Party, Failure> {
    let ledger = folder.join(who.command).join("ledger.jsonl");
    if let Some(folder) = ledger.parent() {
        std::fs::create_dir_all(folder).map_err(|error| {
            let message = format!("cannot make the folder {}", folder.display());
            Failure::new(Exit::Configuration, message)
                .because(&error)
                .mend("give a folder that can be written to by --data FOLDER")
        })?;
    }
    // Its own stop: the services still need it while they drain.
    let mut keeper = Keeper {
        who,
        world: world.clone(),
        ledger: ledger.clone(),
        address: "127.0.0.1:0".to_owned(),
        whole: stop.clone(),
        stop: Stop::new(),
    };
    let Some(started) = or_stop(keeper.start(), stop).await else {
        return Err(Failure::new(Exit::Failed, "asked to stop while starting"));
    };
    let running = started.map_err(|error| {
        let message = format!("cannot start {}", who.words);
        Failure::new(Exit::Failed, message).because(&error)
    })?;
    let url = format!("http://{}", keeper.address);
    let stop = keeper.stop.clone();
    let task = world::spawn(world, who.command, keeper.keep(running));
    Ok(Party {
        url,
        ledger,
        stop,
        task,
    })
}

impl Party {
    /// Its address.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Where its ledger is.
    pub(super) fn ledger(&self) -> &Path {
        &self.ledger
    }

    /// Lets it finish, and waits for its end.
    pub(super) async fn stop(self) {
        self.stop.request();
        // Its keeper ends by itself, or has been stopped with its executor.
        let _ = self.task.await;
    }
}

/// A party's process.
struct Running {
    child: Child,
    /// Our end of its standard input. Kept apart, because waiting for the child would close it.
    stdin: Option<ChildStdin>,
}

/// Keeps a party running.
struct Keeper {
    who: Who,
    world: world::Shared,
    ledger: PathBuf,
    address: String,
    /// Is requested when all of `up` is to stop.
    whole: Stop,
    /// Is requested when nobody needs it any more.
    stop: Stop,
}

impl Keeper {
    /// Starts it, and learns where it is.
    async fn start(&mut self) -> io::Result<Running> {
        let mut command = Command::new(std::env::current_exe()?);
        command
            .arg(self.who.command)
            .args(["--listen", &self.address, "--stop-with-stdin", "--ledger"])
            .arg(&self.ledger)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            // In a group of its own: Ctrl-C at the terminal is for us, who need it while draining.
            .process_group(0);
        let mut child = command.spawn()?;
        let stdout = child.stdout.take().expect("stdout is piped");
        let mut lines = BufReader::new(stdout).lines();
        let line = world::timeout(&self.world, START_TIMEOUT, lines.next_line()).await;
        let line = line.ok_or_else(|| io::Error::other("it did not tell its address in time"))?;
        let address = line?.ok_or_else(|| io::Error::other("it ended, as it says above"))?;
        self.address = address;
        let stdin = child.stdin.take();
        Ok(Running { child, stdin })
    }

    async fn keep(mut self, mut running: Running) {
        let (shortest, longest) = BACKOFF;
        let mut wait = shortest;
        let (stop, who) = (self.stop.clone(), self.who.words);
        loop {
            let began = self.world.elapsed();
            let Some(ended) = or_stop(running.child.wait(), &stop).await else {
                return self.end(running).await;
            };
            // One that ran for a while has earned a quick start.
            if self.world.elapsed().saturating_sub(began) > longest {
                wait = shortest;
            }
            if self.whole.is_requested() {
                return;
            }
            let how = ended.map_or_else(|error| error.to_string(), |how| how.to_string());
            warn!(who, how, "it ended, it is started again");
            running = loop {
                if or_stop(self.world.sleep(wait), &self.whole).await.is_none() {
                    return;
                }
                wait = (wait * 2).min(longest);
                match or_stop(self.start(), &stop).await {
                    None => return,
                    Some(Ok(running)) => break running,
                    Some(Err(error)) => warn!(who, %error, "cannot start it again"),
                }
            };
            info!(who, address = self.address, "it is back");
        }
    }

    async fn end(&self, running: Running) {
        let Running { mut child, stdin } = running;
        drop(stdin);
        if world::timeout(&self.world, STOP_TIMEOUT, child.wait())
            .await
            .is_none()
        {
            let who = self.who.words;
            warn!(who, "it does not end, it is killed");
            // It may have ended just now.
            let _ = child.kill().await;
        }
    }
}

/// Waits for some work. `None`: asked to stop first.
async fn or_stop<T>(work: impl Future<Output = T>, stop: &Stop) -> Option<T> {
    let (work, asked) = (std::pin::pin!(work), std::pin::pin!(stop.requested()));
    match futures::future::select(work, asked).await {
        futures::future::Either::Left((done, _)) => Some(done),
        futures::future::Either::Right(_) => None,
    }
}
