//! Connections to a port: only so many at once, and none for ever.
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

/// How much a port takes on.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections at once. More wait to be accepted.
    pub connections_max: usize,
    /// Longest that nothing may come or go over a connection.
    pub silence_max: Duration,
    /// Longest that a connection lives. `None`: for as long as it is used.
    pub life_max: Option<Duration>,
}

/// Accepts connections that keep to the limits.
pub(crate) struct Limited {
    listener: TcpListener,
    limits: Limits,
    places: Arc<Semaphore>,
    world: world::Shared,
}

impl Limited {
    pub(crate) fn new(world: &world::Shared, listener: TcpListener, limits: Limits) -> Self {
        Self {
            listener,
            limits,
            places: Arc::new(Semaphore::new(limits.connections_max)),
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
        let now = self.world.elapsed();
        let mut connection = Connection {
            stream,
            limits: self.limits,
            world: Arc::clone(&self.world),
            began: now,
            used: now,
            look: std::future::ready(()).boxed(),
            _place: place,
        };
        connection.look = self.world.sleep(connection.left(now));
        (connection, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection that ends when its time is up.
pub(crate) struct Connection {
    stream: TcpStream,
    limits: Limits,
    world: world::Shared,
    began: Duration,
    used: Duration,
    // When to look again whether the time is up: one timer, however often the connection is used.
    look: BoxFuture<'static, ()>,
    _place: OwnedSemaphorePermit,
}

impl Connection {
    fn check_end(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        while self.look.poll_unpin(cx).is_ready() {
            let left = self.left(self.world.elapsed());
            if left.is_zero() {
                // An end that has come stays, and is not polled again.
                self.look = std::future::ready(()).boxed();
                return Err(io::ErrorKind::TimedOut.into());
            }
            self.look = self.world.sleep(left);
        }
        Ok(())
    }

    /// Time until this must end, if it is not used meanwhile.
    fn left(&self, now: Duration) -> Duration {
        let silence = (self.used + self.limits.silence_max).saturating_sub(now);
        let life = self.limits.life_max;
        let life = life.map(|life| (self.began + life).saturating_sub(now));
        life.map_or(silence, |life| life.min(silence))
    }

    fn note_use<T>(&mut self, done: Poll<T>) -> Poll<T> {
        if done.is_ready() {
            self.used = self.world.elapsed();
        }
        done
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check_end(cx)?;
        let done = Pin::new(&mut self.stream).poll_read(cx, buffer);
        self.note_use(done)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check_end(cx)?;
        let done = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.note_use(done)
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

    const SILENCE: Duration = Duration::from_secs(10);

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
            match self.passed.is_requested() {
                true => SILENCE,
                false => Duration::ZERO,
            }
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
        let limits = Limits {
            connections_max: 3,
            silence_max: SILENCE,
            life_max: None,
        };
        let mut limited = Limited::new(&world, listener, limits);
        let address = limited.local_addr().unwrap();
        let (mut silent, mut accepted) = (Vec::new(), Vec::new());
        for _ in 0..limits.connections_max {
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
