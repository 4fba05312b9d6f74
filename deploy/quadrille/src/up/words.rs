//! What `up` says once it is up.

use quadrille::config::Place;

use super::{Address, Whole};
use crate::demo;
use crate::paint::{Colour, Paint};

impl Whole {
    /// Where it is, what it is, and what to try.
    pub(super) fn words(&self) -> String {
        let paint = Paint::for_stdout();
        let url = format!("http://{}", self.address);
        let broker = match self.arguments.kafka {
            Some(_) => self.broker.name().to_owned(),
            None => "the in-memory broker: its topics end with this process".to_owned(),
        };
        let state = match self.arguments.state() {
            Place::Folder(folder) => format!("in {}, a SQLite file a service", folder.display()),
            Place::Memory => "in memory: it ends with this process".to_owned(),
        };
        let demo = match self.arguments.no_demo {
            true => "none".to_owned(),
            false => demo::words(self.arguments.rate),
        };
        let party = |address: &Address| {
            let Address { url, ledger } = address;
            format!(
                "{url}, a process of its own with its ledger at {}",
                ledger.display()
            )
        };
        let (gateway, carrier) = (party(&self.gateway), party(&self.carrier));
        let mail = match &self.arguments.smtp {
            Some(server) => format!("sent to {}:{}", server.host, server.port),
            None => format!("files in {}", self.mails.display()),
        };
        let up = paint.colour(Colour::Green, "quadrille is up");
        let to = match self.address.to_string().as_str() {
            "127.0.0.1:7070" => String::new(),
            _ => format!(" --url {url}"),
        };
        let order = demo::EXAMPLE;
        // Without the demo load nobody else puts goods on the shelf.
        let stock = match self.arguments.no_demo {
            true => format!(
                "\x20 quadrille emit GoodsReceived '{}'{to}\n",
                demo::EXAMPLE_GOODS
            ),
            false => String::new(),
        };
        let mut words = format!(
            "{up} at {url}\n\
             \x20 broker    {broker}\n\
             \x20 services  orders, inventory, payments, shipping, notifications\n\
             \x20 state     {state}\n\
             \x20 gateway   {gateway}\n\
             \x20 carrier   {carrier}\n\
             \x20 mail      {mail}\n\
             \x20 demo      {demo}\n\n\
             try\n\
             {stock}\
             \x20 curl -s {url}/orders -H 'content-type: application/json' -d '{order}'\n\
             \x20 quadrille flow 4711 --follow{to}\n\
             \x20 quadrille tail OrderConfirmed OrderCancelled{to}\n\n\
             Ctrl-C stops all of it, a second one at once\n"
        );
        if !self.address.ip().is_loopback() {
            let warning = paint.colour(Colour::Yellow, "warning:");
            words.push_str(&format!(
                "{warning} whoever reaches {} can place orders and publish events: there is no \
                 authentication\n",
                self.address
            ));
        }
        words
    }
}
