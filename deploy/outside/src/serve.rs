//! From options to a party that serves, and back to rest.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use crate::books::Books;
use crate::clock;
use crate::config::Config;
use crate::error::Error;
use crate::http::{self, App};
use crate::ledger::Ledger;
use crate::observe;
use crate::writer;

/// Serves until SIGTERM or SIGINT. Once it serves, it writes its address, alone, as one line to
/// stdout, so that whoever started it with port 0 learns where it is.
pub async fn run<B: Books>(config: Config<B>) -> Result<(), Error> {
    let listener = TcpListener::bind(config.listen)
        .await
        .map_err(|source| cannot_listen(config.listen, source))?;
    let stop = asked_to_stop(config.stop_with_stdin)?;
    let party = Party::open(listener, &config)?;
    // Who connects from now on is served. Nobody need be there to read the line.
    let _ = writeln!(io::stdout(), "{}", party.address);
    party.serve(stop).await
}

/// Serves on a listener until `stop` resolves; then what is under way may end.
pub async fn serve<B: Books>(
    listener: TcpListener,
    config: Config<B>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Error> {
    Party::open(listener, &config)?.serve(stop).await
}

struct Party<B: Books> {
    listener: TcpListener,
    address: SocketAddr,
    app: App<B>,
    writer_ended: writer::Ended,
    drain: Duration,
}

impl<B: Books> Party<B> {
    fn open(listener: TcpListener, config: &Config<B>) -> Result<Self, Error> {
        let address = listener
            .local_addr()
            .map_err(|source| cannot_listen(config.listen, source))?;
        let (ledger, books) = Ledger::open::<B>(&config.ledger)?;
        observe::open(address, &config.ledger, books.next_seq() - 1);
        if !address.ip().is_loopback() {
            observe::exposed(address);
        }
        let (writer, writer_ended) =
            writer::start(ledger, books, config.requests_max, config.batch_max)
                .map_err(machine("start the thread that keeps the ledger"))?;
        Ok(Self {
            listener,
            address,
            app: App::new(writer, config),
            writer_ended,
            drain: Duration::from_millis(config.drain_ms),
        })
    }

    async fn serve(mut self, stop: impl Future<Output = ()> + Send + 'static) -> Result<(), Error> {
        let (stopping, stopped) = oneshot::channel();
        let stop = async move {
            stop.await;
            observe::stopping();
            // Whoever waits for it is below, or serving has ended already.
            let _ = stopping.send(());
        };
        let overdue = async {
            if stopped.await.is_err() {
                std::future::pending::<()>().await;
            }
            clock::sleep(self.drain).await;
        };
        let listener = self.listener.tap_io(|stream| {
            // Only slower without it.
            let _ = stream.set_nodelay(true);
        });
        let serving = axum::serve(listener, http::router(self.app.clone()))
            .with_graceful_shutdown(stop)
            .into_future();
        tokio::select! {
            biased;
            served = serving => served.map_err(machine("serve"))?,
            () = overdue => observe::cut_off(self.drain),
            _ = &mut self.writer_ended => return Err(Error::Writer),
        }
        self.app.writer().stop().await;
        self.writer_ended.await.map_err(|_| Error::Writer)
    }
}

fn cannot_listen(address: SocketAddr, source: io::Error) -> Error {
    match source.kind() {
        io::ErrorKind::AddrInUse => Error::AddressTaken { address },
        _ => Error::Listen { address, source },
    }
}

fn machine(what: &'static str) -> impl Fn(io::Error) -> Error {
    move |source| Error::Machine { what, source }
}

/// Resolves on SIGTERM, on SIGINT, and if asked for at the end of the standard input.
fn asked_to_stop(with_stdin: bool) -> Result<impl Future<Output = ()> + Send + 'static, Error> {
    let listen_to = |kind| signal(kind).map_err(machine("listen to signals"));
    let mut terminate = listen_to(SignalKind::terminate())?;
    let mut interrupt = listen_to(SignalKind::interrupt())?;
    let (end, ended) = oneshot::channel();
    if with_stdin {
        thread::Builder::new()
            .name("stdin".to_owned())
            .spawn(move || {
                // An input that cannot be read has ended too.
                let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
                let _ = end.send(());
            })
            .map_err(machine("start the thread that watches the standard input"))?;
    }
    Ok(async move {
        tokio::select! {
            biased;
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            Ok(()) = ended => {}
        }
    })
}
