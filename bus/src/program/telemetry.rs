//! Telemetry of a program: where its spans and metrics go, from its start to its end.
//!
//! With the cargo feature `telemetry`, OpenTelemetry's SDK stands behind it: spans and metrics go out
//! by OTLP, metrics are shown on the health port as well. A collector that does not answer costs
//! nothing but what is told to it: it blocks no event, fails no service, and is warned of once.

#[cfg(feature = "telemetry")]
mod exporting;
#[cfg(feature = "telemetry")]
mod http;
#[cfg(feature = "telemetry")]
mod ids;
#[cfg(feature = "telemetry")]
mod sampler;
#[cfg(feature = "telemetry")]
mod warned;

#[cfg(feature = "telemetry")]
pub use exporting::{Exporting, builder};
#[cfg(not(feature = "telemetry"))]
pub use without::Exporting;

#[cfg(not(feature = "telemetry"))]
mod without {
    use crate::config::{Kafka, Telemetry};
    use crate::health::Exposition;
    use crate::observe;
    use crate::program::{Exit, Failure};
    use crate::world;

    /// Sends nothing: the program was built without.
    pub struct Exporting;

    impl Exporting {
        /// Refuses to send anything.
        pub fn start(config: &Telemetry, _: &Kafka) -> Result<(Self, observe::Telemetry), Failure> {
            if config.endpoint.is_none() {
                return Ok((Self, observe::Telemetry::off()));
            }
            let message = "telemetry.endpoint is set, but this program was built without telemetry";
            Err(Failure::new(Exit::Configuration, message)
                .mend("build it with the cargo feature `telemetry`"))
        }

        /// There is none.
        pub fn exposition(&self) -> Option<Exposition> {
            None
        }

        /// Nothing waits to be sent.
        pub async fn end(self, _: &world::Shared) {}
    }
}
