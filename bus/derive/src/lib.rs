//! `#[derive(Emits)]`: an enum of events as what a reaction may emit.
//!
//! ```text
//! #[derive(quadrille::Emits)]
//! enum Answer {
//!     Reserved(StockReserved),
//!     Rejected(StockRejected),
//! }
//! ```
//!
//! A derived enum says nothing that its variants do not say, so that the contract can be read from
//! the type. What cannot be said so is refused, at the place where it stands.

mod expand;

use proc_macro::TokenStream;

/// Implements `quadrille::Emits` for an enum whose variants each hold one event, or one other value
/// that emits.
#[proc_macro_derive(Emits)]
pub fn emits(input: TokenStream) -> TokenStream {
    expand::emits(input.into())
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}
