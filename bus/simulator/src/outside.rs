//! The outside: whatever services call that is no service.
//!
//! A port in a simulation keeps its books in memory and lets each call go through here, where it may
//! fail, hang, or succeed without an answer.

use std::sync::Arc;
use std::time::Duration;

use quadrille::Failure;

use crate::script::Call;
use crate::site::Site;

/// How long a caller waits at most before it is told that something went wrong.
const REFUSED_AFTER: Duration = Duration::from_millis(40);

/// The way to the outside. Cheap to clone.
#[derive(Clone)]
pub struct Outside {
    site: Arc<Site>,
}

impl Outside {
    pub(crate) fn new(site: Site) -> Self {
        Self {
            site: Arc::new(site),
        }
    }

    /// A call whose effect is this. What goes wrong is an outage: the caller cannot know what
    /// happened.
    pub async fn call<T>(&self, effect: impl FnOnce() -> T) -> Result<T, Failure> {
        let fault = self.site.weather.calls(self.site.executor.elapsed());
        if let Some(fault) = fault {
            self.site
                .tell(|| format!("the call to the outside goes wrong: {fault:?}"));
        }
        self.site.latency().await;
        let result = match fault {
            None => Ok(effect()),
            Some(Call::Fails) => Err("it did not answer"),
            Some(Call::Misreported) => {
                drop(effect());
                Err("its answer was lost")
            }
            Some(Call::Hangs) => std::future::pending().await,
            Some(Call::Unanswered) => {
                drop(effect());
                std::future::pending().await
            }
        };
        match result {
            Ok(answer) => {
                self.site.latency().await;
                Ok(answer)
            }
            Err(why) => {
                self.site.executor.sleep(REFUSED_AFTER).await;
                Err(Failure::outage("outside_down", why))
            }
        }
    }
}
