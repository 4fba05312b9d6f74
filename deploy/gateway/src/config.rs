//! The options of the gateway.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use clap::builder::RangedU64ValueParser;

use crate::behaviour::Behaviour;

/// The options of the gateway, as a group that another command line can take in.
#[derive(Debug, Clone, Args)]
pub struct Config {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:7090")]
    #[arg(env = "QUADRILLE_GATEWAY_LISTEN")]
    pub listen: SocketAddr,
    /// The file that keeps what was booked; made if it is not there.
    #[arg(long, value_name = "FILE", env = "QUADRILLE_GATEWAY_LEDGER")]
    #[arg(default_value = ".quadrille/gateway/ledger.jsonl")]
    pub ledger: PathBuf,
    /// How to misbehave, until told otherwise.
    #[command(flatten)]
    pub behaviour: Behaviour,
    /// Seed of the dice that decide whom the rates hit.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    #[arg(env = "QUADRILLE_GATEWAY_SEED")]
    pub seed: u64,
    /// Most requests at once; beyond, the answer is 503.
    #[arg(long, value_name = "COUNT", default_value_t = 256)]
    #[arg(value_parser = at_least_one(), env = "QUADRILLE_GATEWAY_REQUESTS_MAX")]
    pub requests_max: usize,
    /// Largest body of a request, in bytes.
    #[arg(long, value_name = "BYTES", default_value_t = 16 * 1024)]
    #[arg(value_parser = at_least_one(), env = "QUADRILLE_GATEWAY_BODY_BYTES_MAX")]
    pub body_bytes_max: usize,
    /// Longest time that a request may take, its delay included.
    #[arg(long, value_name = "MS", default_value_t = 30_000)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..), env = "QUADRILLE_GATEWAY_TIMEOUT_MS")]
    pub timeout_ms: u64,
    /// Most entries that are written to the disk at once.
    #[arg(long, value_name = "COUNT", default_value_t = 512)]
    #[arg(value_parser = at_least_one(), env = "QUADRILLE_GATEWAY_BATCH_MAX")]
    pub batch_max: usize,
    /// How long requests that are under way may take to end when the gateway stops.
    #[arg(long, value_name = "MS", default_value_t = 10_000)]
    #[arg(env = "QUADRILLE_GATEWAY_DRAIN_MS")]
    pub drain_ms: u64,
    /// Stop when the standard input ends, as it does when the process at its other end dies.
    #[arg(long)]
    pub stop_with_stdin: bool,
}

fn at_least_one() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..=1 << 30)
}
