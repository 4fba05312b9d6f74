//! Panics of a run, wherever they are caught: each is a finding.

use std::cell::RefCell;
use std::panic::{self, PanicHookInfo};
use std::sync::Once;

thread_local! {
    /// What panicked on this thread during a run. `None`: there is no run.
    static NOTED: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

static HOOK: Once = Once::new();

/// Runs something, and notes what panics meanwhile instead of printing it.
pub(crate) fn noted<T>(work: impl FnOnce() -> T) -> (T, Vec<String>) {
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !note(info) {
                before(info);
            }
        }));
    });
    NOTED.set(Some(Vec::new()));
    let result = work();
    (result, NOTED.take().unwrap_or_default())
}

/// `false`: there is no run on this thread.
fn note(info: &PanicHookInfo<'_>) -> bool {
    NOTED.with_borrow_mut(|noted| {
        let Some(noted) = noted else { return false };
        let message = info.payload_as_str().unwrap_or("without a message");
        let place = info
            .location()
            .map(|at| format!("{}:{}", at.file(), at.line()));
        noted.push(format!("{message} ({})", place.unwrap_or_default()));
        true
    })
}
