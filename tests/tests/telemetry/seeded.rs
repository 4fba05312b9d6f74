//! Under a seed, spans are the same whenever it is run: their ids and times are the world's.

use std::sync::{Arc, Mutex};

use opentelemetry::global::BoxedTracer;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use quadrille::broker::{Broker, memory};
use quadrille::observe::{Instruments, Options, Source, Telemetry, Who};
use quadrille::program::telemetry::builder;
use quadrille::state::memory::MemoryStores;
use quadrille_orders::state::Outcome;
use quadrille_simulator::seeded;
use quadrille_tests::gateway::Books;
use quadrille_tests::hall::{GOOD_CARD, Hall, Ports};

/// Keeps spans in the order in which they were made.
#[derive(Debug, Clone, Default)]
struct Kept(Arc<Mutex<Vec<String>>>);

impl SpanExporter for Kept {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let mut kept = self.0.lock().unwrap();
        kept.extend(batch.iter().map(|span| format!("{span:?}")));
        Ok(())
    }
}

impl Source for Kept {
    fn instruments(&self, _: &Who<'_>) -> Instruments {
        let provider = builder(1.0).with_simple_exporter(self.clone()).build();
        Instruments {
            tracer: Some(BoxedTracer::new(Box::new(provider.tracer("test")))),
            meter: None,
        }
    }
}

/// The spans of an order under a seed.
fn run(seed: u64) -> Vec<String> {
    let kept = Kept::default();
    let telemetry = Telemetry::new(kept.clone(), Options::default());
    seeded(seed, |world| async move {
        let broker: Arc<dyn Broker> = Arc::new(memory::Broker::new(Arc::clone(&world)));
        let ports = Ports::with(Arc::new(Books::default()));
        let stores = Arc::new(MemoryStores::default());
        let hall = Hall::start_told(broker, world, ports, stores, telemetry);
        hall.ready().await;
        hall.deliver("tea", 1).await;
        hall.place("4711", "tea", GOOD_CARD).await;
        // Which of the two comes first is the seed's to say.
        let outcome = hall.outcome("4711").await;
        assert!(matches!(outcome, Outcome::Confirmed | Outcome::OutOfStock));
        hall.stop().await;
    });
    let kept = kept.0.lock().unwrap();
    kept.clone()
}

#[test]
fn two_runs_of_a_seed_make_the_same_spans() {
    let first = run(4711);
    assert!(first.len() >= 8, "{}", first.len());
    assert_eq!(first, run(4711));
    assert_ne!(first, run(4712));
}
