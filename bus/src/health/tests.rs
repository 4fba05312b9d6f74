use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::*;
use crate::world::Live;

/// A health port on any free port of this machine.
struct Port {
    status: Status,
    address: SocketAddr,
}

impl Port {
    async fn open() -> Self {
        let world: world::Shared = Arc::new(Live::new());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let status = Status::starting();
        let pages = Pages {
            metrics: None,
            service: "inventory",
            version: "0.1.0",
            status: status.clone(),
            contract: "{\"service\":\"inventory\"}".into(),
        };
        let (address, _) = start(&world, listener, pages).unwrap();
        Self { status, address }
    }

    /// Status line and body of the answer to a request.
    async fn ask(&self, method: &str, path: &str) -> (String, String) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let request = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        // The connection ends with the answer.
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.lines().next().unwrap();
        (status.to_owned(), body.to_owned())
    }

    async fn get(&self, path: &str) -> (String, String) {
        self.ask("GET", path).await
    }
}

fn answer_of(status: &str, body: &str) -> (String, String) {
    (format!("HTTP/1.1 {status}"), body.to_owned())
}

#[tokio::test]
async fn readiness_tells_what_is_waited_for() {
    let port = Port::open().await;
    assert_eq!(
        port.get("/readyz").await,
        answer_of(
            "503 Service Unavailable",
            r#"{"ready":false,"state":"starting","waiting_for":[]}"#
        )
    );

    port.status.started();
    port.status
        .set_waiting("topic orders", "topic `orders` does not exist");
    assert_eq!(
        port.get("/readyz").await,
        answer_of(
            "503 Service Unavailable",
            r#"{"ready":false,"state":"waiting","waiting_for":["topic `orders` does not exist"]}"#
        )
    );

    port.status.clear("topic orders");
    assert_eq!(
        port.get("/readyz").await,
        answer_of(
            "200 OK",
            r#"{"ready":true,"state":"ready","waiting_for":[]}"#
        )
    );
}

#[tokio::test]
async fn a_service_is_alive_until_it_fails_for_good() {
    let port = Port::open().await;
    port.status.set_waiting("broker", "no broker answers");
    let alive = r#"{"alive":true,"service":"inventory","version":"0.1.0"}"#;
    assert_eq!(port.get("/healthz").await, answer_of("200 OK", alive));

    port.status.fail("fenced");
    assert_eq!(
        port.get("/healthz").await,
        answer_of(
            "503 Service Unavailable",
            r#"{"alive":false,"failed":"fenced","service":"inventory","version":"0.1.0"}"#
        )
    );
    assert_eq!(
        port.get("/readyz").await,
        answer_of(
            "503 Service Unavailable",
            r#"{"ready":false,"state":"failed","waiting_for":["no broker answers"],"failed":"fenced"}"#
        )
    );
}

#[tokio::test]
async fn the_contract_is_told_and_nothing_else() {
    let port = Port::open().await;
    assert_eq!(
        port.get("/contract").await,
        answer_of("200 OK", r#"{"service":"inventory"}"#)
    );
    assert_eq!(
        port.get("/").await,
        answer_of(
            "404 Not Found",
            "the health port has /healthz, /readyz, /contract and /metrics\n"
        )
    );
}

#[tokio::test]
async fn one_silent_connection_does_not_keep_others_away() {
    let port = Port::open().await;
    let _silent = TcpStream::connect(port.address).await.unwrap();
    assert_eq!(port.get("/healthz").await.0, "HTTP/1.1 200 OK");
}
