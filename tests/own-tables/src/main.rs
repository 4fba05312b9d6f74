//! The example as a program: `own-tables KAFKA DATABASE [ADDRESS:PORT]`.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use quadrille::broker::kafka;
use quadrille::bus::Settings;
use quadrille::config::Config;
use quadrille::world::Live;
use quadrille_own_tables::{Joining, bus, http, open, service};

const LISTEN: &str = "127.0.0.1:8080";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [brokers, database, listen @ ..] = &arguments[..] else {
        anyhow::bail!("usage: own-tables KAFKA DATABASE [ADDRESS:PORT]");
    };
    let pool = open(Path::new(database))
        .await
        .context("cannot open the database")?;
    let broker = kafka::Broker::new(kafka::Config::of(brokers.clone()))?;
    let settings = Settings::of(&Config::default());
    let bus = bus(
        Arc::new(broker),
        Arc::new(Live::new()),
        pool.clone(),
        settings,
    );

    let joining = Joining::new();
    let running = service(pool.clone(), &joining).start(&bus);
    let listen = listen.first().map_or(LISTEN, String::as_str);
    let listener = tokio::net::TcpListener::bind(listen).await?;
    axum::serve(listener, http::router(http::Shared { pool, joining }))
        .with_graceful_shutdown(async {
            // An error means that nobody can ask it to end so: then it goes on.
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        })
        .await?;
    running.stop().await?;
    Ok(())
}
