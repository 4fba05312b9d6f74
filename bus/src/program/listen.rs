//! Opens a port that an option names.

use std::net::SocketAddr;

use tokio::net::TcpListener;

use super::{Exit, Failure};
use crate::config::Loaded;

/// Opens the port that `option` names. The failure names address, option and mend.
///
/// # Panics
///
/// Where there is no such option.
pub async fn listen(
    loaded: &Loaded,
    option: &str,
    address: SocketAddr,
) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        let message = format!(
            "cannot listen on {address}, as `{option}` says ({})",
            loaded.origin(option)
        );
        Failure::new(Exit::Configuration, message)
            .because(&error)
            .mend(format!(
                "stop what listens there, or give another address by --set {option}=IP:PORT or \
                 {}; port 0 takes any free one",
                loaded.variable(option)
            ))
    })
}
