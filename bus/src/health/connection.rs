//! Connections to the health port: only so many at once, and none for long.
//!
//! Whoever opens connections and says nothing must not keep the ones away that ask.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::serve::Listener;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::world;

/// Connections at once. More wait to be accepted.
const CONNECTIONS_MAX: usize = 64;

/// Longest that a connection lives, its answer included.
const LIFE_MAX: Duration = Duration::from_secs(10);

/// Accepts connections that keep to the limits.
pub(super) struct Limited {
    listener: TcpListener,
    places: Arc<Semaphore>,
    world: world::Shared,
}

impl Limited {
    pub(super) fn new(world: &world::Shared, listener: TcpListener) -> Self {
        Self {
            listener,
            places: Arc::new(Semaphore::new(CONNECTIONS_MAX)),
            world: Arc::clone(world),
        }
    }
}

impl Listener for Limited {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let place = Arc::clone(&self.places)
            .acquire_owned()
            .await
            .expect("the semaphore is never closed");
        // Axum's own listener waits and goes on where accepting fails.
        let (stream, address) = Listener::accept(&mut self.listener).await;
        let connection = Connection {
            stream,
            end: self.world.sleep(LIFE_MAX),
            _place: place,
        };
        (connection, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection that ends when its time is up.
pub(super) struct Connection {
    stream: TcpStream,
    end: BoxFuture<'static, ()>,
    _place: OwnedSemaphorePermit,
}

impl Connection {
    fn check_end(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        match self.end.poll_unpin(cx) {
            Poll::Ready(()) => {
                // An end that has come stays, and is not polled again.
                self.end = std::future::ready(()).boxed();
                Err(io::ErrorKind::TimedOut.into())
            }
            Poll::Pending => Ok(()),
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check_end(cx)?;
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check_end(cx)?;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check_end(cx)?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use tokio::io::AsyncReadExt as _;

    use super::*;
    use crate::stop::Stop;
    use crate::world::{Live, World};

    /// The real world, but its time passes when a test says so.
    struct Held {
        live: Live,
        passed: Stop,
    }

    impl World for Held {
        fn now(&self) -> Timestamp {
            self.live.now()
        }

        fn elapsed(&self) -> Duration {
            self.live.elapsed()
        }

        fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
            let passed = self.passed.clone();
            async move { passed.requested().await }.boxed()
        }

        fn start(&self, name: &'static str, task: BoxFuture<'static, ()>) {
            self.live.start(name, task);
        }

        fn random(&self) -> u64 {
            self.live.random()
        }
    }

    #[tokio::test]
    async fn a_full_port_takes_one_more_when_the_time_of_another_is_up() {
        // Given as many silent connections as there are places.
        let passed = Stop::new();
        let world: world::Shared = Arc::new(Held {
            live: Live::new(),
            passed: passed.clone(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut limited = Limited::new(&world, listener);
        let address = limited.local_addr().unwrap();
        let (mut silent, mut accepted) = (Vec::new(), Vec::new());
        for _ in 0..CONNECTIONS_MAX {
            silent.push(TcpStream::connect(address).await.unwrap());
            accepted.push(limited.accept().await.0);
        }
        let _next = TcpStream::connect(address).await.unwrap();
        assert_eq!(limited.places.available_permits(), 0);
        assert!(limited.accept().now_or_never().is_none());

        // When the time of one is up.
        passed.request();
        let mut first = accepted.swap_remove(0);
        for _ in 0..2 {
            let ended = first.read_u8().await.unwrap_err();
            assert_eq!(ended.kind(), io::ErrorKind::TimedOut);
        }
        drop(first);

        // Then the next one has its place.
        limited.accept().await;
    }
}
