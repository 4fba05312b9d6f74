//! An outside party in memory: what it keeps, reached through [`Outside`].

use std::sync::{Arc, Mutex, PoisonError};

use quadrille::Failure;
use quadrille_simulator::Outside;

/// A party that keeps books of one kind.
pub(crate) struct Party<B> {
    outside: Outside,
    books: Books<B>,
}

/// What a party keeps. Cloning gives another look at the same.
#[derive(Debug, Default)]
pub(crate) struct Books<B>(Arc<Mutex<B>>);

impl<B> Clone for Books<B> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<B> Books<B> {
    /// Looks at them, or writes into them.
    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut B) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<B: Default + Send + 'static> Party<B> {
    /// A party with empty books.
    pub(crate) fn new(outside: Outside) -> Self {
        let books = Books(Arc::default());
        Self { outside, books }
    }

    /// What it keeps.
    pub(crate) fn books(&self) -> Books<B> {
        self.books.clone()
    }

    /// Asks it for something, which may go wrong on the way there and back.
    pub(crate) async fn call<T, F>(&self, act: F) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: FnOnce(&mut B) -> T + Send + 'static,
    {
        let books = self.books.clone();
        self.outside.call(move || books.with(act)).await
    }
}
