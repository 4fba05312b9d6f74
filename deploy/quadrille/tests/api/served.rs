//! What `up` serves, without its port: services, observer and API in this process.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use quadrille::broker::{Broker, memory};
use quadrille::bus::{Bus, Settings};
use quadrille::config::Config;
use quadrille::program::telemetry::Exporting;
use quadrille::state::memory::MemoryStores;
use quadrille::stop::Stop;
use quadrille::world::{self, Live};
use quadrille_cli::accept::Entrance;
use quadrille_cli::api::{self, Api};
use quadrille_cli::up::system::{Ports, System};
use quadrille_observer::index;
use quadrille_observer::observer::{Observer, Parts, Running};
use serde_json::Value;
use tower::ServiceExt as _;

use super::parties::{Cards, Mails, Parcels};

/// Everything but the port.
pub(crate) struct Up {
    pub(crate) router: axum::Router,
    pub(crate) system: System,
    pub(crate) broker: Arc<dyn Broker>,
    pub(crate) world: world::Shared,
    pub(crate) stop: Stop,
    pub(crate) observing: Running,
    pub(crate) _folder: tempfile::TempDir,
}

impl Up {
    pub(crate) async fn start() -> Self {
        let world: world::Shared = Arc::new(Live::new());
        let broker: Arc<dyn Broker> = Arc::new(memory::Broker::new(Arc::clone(&world)));
        let config = Config::default();
        let bus = Bus::new(
            Arc::clone(&broker),
            Arc::clone(&world),
            Arc::new(MemoryStores::default()),
            Settings::of(&config),
        );
        let (exporting, telemetry) =
            Exporting::start(&config.telemetry, &config.kafka).expect("it contacts nobody");
        let bus = bus.told_to(telemetry);
        let system = System::start(
            &bus,
            Ports {
                gateway: Arc::new(Cards),
                carrier: Arc::new(Parcels),
                post: Arc::new(Mails),
            },
        );
        let stop = Stop::new();
        let folder = tempfile::tempdir().expect("a folder can be made");
        let parts = Parts {
            broker: Arc::clone(&broker),
            world: Arc::clone(&world),
            folder: folder.path(),
            limits: index::Limits::default(),
            stop: stop.clone(),
        };
        let (observer, observing) = Observer::start(parts).await.expect("it can start");
        let router = api::router(Api {
            observer,
            entrance: Entrance {
                broker: Arc::clone(&broker),
                publisher: bus.publisher("quadrille"),
                world: Arc::clone(&world),
                event_bytes_max: config.limits.event_bytes_max,
            },
            ready: system.waiting_for(),
            metrics: exporting.exposition(),
            trace_link: None,
            stop: stop.clone(),
        });
        let orders = quadrille_orders::http::router(system.doors().clone());
        let router = api::with_orders(router, orders);
        system.ready().await;
        Self {
            router,
            system,
            broker,
            world,
            stop,
            observing,
            _folder: folder,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> (StatusCode, Value) {
        let request = Request::get(path).body(Body::empty());
        self.ask(request.expect("a path is a request")).await
    }

    pub(crate) async fn post(
        &self,
        path: &str,
        content_type: &str,
        body: impl Into<Body>,
    ) -> (StatusCode, Value) {
        let request = Request::post(path)
            .header("content-type", content_type)
            .body(body.into());
        self.ask(request.expect("a body is a request")).await
    }

    pub(crate) async fn emit(&self, event: &Value) -> (StatusCode, Value) {
        let body = event.to_string();
        self.post("/v1/events", "application/cloudevents+json", body)
            .await
    }

    pub(crate) async fn ask(&self, request: Request<Body>) -> (StatusCode, Value) {
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let status = answer.status();
        let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await;
        let json = serde_json::from_slice(&body.expect("an answer ends")).unwrap_or(Value::Null);
        (status, json)
    }

    /// Waits until a flow is as wanted.
    pub(crate) async fn flow(&self, id: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let (status, flow) = self.get(&format!("/api/flows/{id}?data=true")).await;
            if status == StatusCode::OK && wanted(&flow) {
                return flow;
            }
            self.world.sleep(Duration::from_millis(5)).await;
        }
    }

    pub(crate) async fn stop(self) {
        self.stop.request();
        self.system.stop().await.expect("services drain and leave");
        self.observing.ended().await;
    }
}
