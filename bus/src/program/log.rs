//! Log lines on standard error, panics among them.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::{self, IsTerminal as _};
use std::panic;

use tracing_subscriber::EnvFilter;

use crate::config::{Log, LogFormat};
use crate::observe;
use crate::world::panic_message;

/// Sends log lines and panics to standard error. Where the process has a log already, that stays.
pub(super) fn start(log: &Log) {
    let filter = EnvFilter::try_new(&log.filter).expect("the configuration was checked");
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr);
    let started = match log.format {
        LogFormat::Text => lines.with_ansi(is_coloured()).try_init(),
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .with_span_list(false)
            .try_init(),
    };
    if started.is_ok() {
        panic::set_hook(Box::new(log_panic));
    }
}

/// Colours are for people at a terminal who have not asked to be spared (<https://no-color.org>).
fn is_coloured() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
}

fn log_panic(panic: &panic::PanicHookInfo<'_>) {
    let thread = std::thread::current();
    let at = panic
        .location()
        .map(ToString::to_string)
        .unwrap_or_default();
    let message = panic_message(panic.payload());
    let backtrace = Backtrace::capture();
    let captured = (backtrace.status() == BacktraceStatus::Captured).then_some(&backtrace);
    observe::panicked(thread.name(), &at, &message, captured);
}
