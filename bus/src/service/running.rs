//! A service that runs in a task of its own: what is asked of it from outside, and its end.

use super::Service;
use super::run::{Error, run};
use crate::bus::Bus;
use crate::contract::Contract;
use crate::state::State;
use crate::status::Status;
use crate::stop::Stop;
use crate::world::{self, Task};

/// A service that runs in a task of its own.
pub struct Running {
    stop: Stop,
    status: Status,
    contract: Contract,
    task: Task<Result<(), Error>>,
}

impl Running {
    pub(super) fn new<S: State, G: Send + Sync + 'static>(
        service: Service<S, G>,
        bus: &Bus,
    ) -> Self {
        let (stop, status) = (Stop::new(), Status::starting());
        let contract = service.contract();
        let work = run(service, bus.clone(), stop.clone(), status.clone());
        let task = world::spawn(&bus.world, "service", work);
        Self {
            stop,
            status,
            contract,
            task,
        }
    }

    /// What the service promises.
    pub fn contract(&self) -> &Contract {
        &self.contract
    }

    /// How it is.
    pub fn status(&self) -> &Status {
        &self.status
    }

    /// Lets it drain, commit and leave.
    pub async fn stop(self) -> Result<(), Error> {
        self.stop.request();
        self.ended().await
    }

    /// Waits until it has ended, which it does by itself only where it cannot run.
    pub async fn ended(self) -> Result<(), Error> {
        self.task.await.map_err(Error::Ended)?
    }

    /// Drops it in the middle of whatever it does, as a crash would.
    pub fn crash(self) {
        self.task.abort();
    }
}
