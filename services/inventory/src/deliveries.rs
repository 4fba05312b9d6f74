//! How goods come in that nobody ordered from here: announced through a door, by plain functions.

use std::collections::BTreeMap;
use std::str::FromStr;

use quadrille::Door;
use quadrille_schemas::inventory::v1::GoodsReceived;

use crate::state::Stock;

/// Where deliveries are announced.
pub type Deliveries = Door<Stock, GoodsReceived>;

/// Why a delivery could not be announced.
pub type Error = quadrille::service::door::Error;

/// Announces a delivery, each in a flow of its own. A delivery that was announced before changes
/// nothing.
pub async fn announce(deliveries: &Deliveries, goods: GoodsReceived) -> Result<(), Error> {
    let announced = deliveries.new_flow().decide(|_| {
        let goods = goods.clone();
        async { Ok((goods, ())) }
    });
    announced.await
}

/// What is on the shelf when a service starts for the first time, written `tea=100, coffee=50`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Opening(BTreeMap<String, u32>);

impl Opening {
    /// Its deliveries: the same ones at every start, so that only the first one counts.
    pub fn deliveries(&self) -> impl Iterator<Item = GoodsReceived> {
        self.0.iter().map(|(sku, quantity)| GoodsReceived {
            delivery_id: format!("opening/{sku}"),
            sku: sku.clone(),
            quantity: *quantity,
        })
    }
}

impl FromStr for Opening {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut opening = BTreeMap::new();
        for entry in text.split(',').map(str::trim).filter(|e| !e.is_empty()) {
            let wrong = || format!("`{entry}` is no SKU=QUANTITY");
            let (sku, quantity) = entry.split_once('=').ok_or_else(wrong)?;
            let (sku, quantity) = (sku.trim(), quantity.trim().replace('_', ""));
            let quantity: u32 = quantity.parse().map_err(|_| wrong())?;
            if sku.is_empty() || quantity == 0 {
                return Err(wrong());
            }
            if opening.insert(sku.to_owned(), quantity).is_some() {
                return Err(format!("`{sku}` stands there twice"));
            }
        }
        Ok(Self(opening))
    }
}

#[cfg(test)]
mod tests {
    use quadrille::kit::Bench;

    use super::*;
    use crate::state::Item;

    #[tokio::test]
    async fn the_opening_stock_is_announced_at_every_start_and_counts_once() {
        // Shows that a second start with the state of the first adds nothing.
        let deliveries = Deliveries::new();
        let bench = Bench::of(crate::service(&deliveries));
        let opening: Opening = "tea=100, coffee=1_000".parse().unwrap();
        for _start in 0..2 {
            for goods in opening.deliveries() {
                announce(&deliveries, goods).await.unwrap();
            }
            let announced = bench.born().await.all::<GoodsReceived>();
            assert_eq!(announced.len(), 2);
            for goods in announced {
                bench.react(goods).await.unwrap();
            }
        }
        assert_eq!(bench.get::<Item>("tea").await.unwrap().on_hand, 100);
        assert_eq!(bench.get::<Item>("coffee").await.unwrap().on_hand, 1000);
    }

    #[test]
    fn what_is_no_stock_is_refused_with_the_entry() {
        assert_eq!("".parse(), Ok(Opening::default()));
        for (text, error) in [
            ("tea", "`tea` is no SKU=QUANTITY"),
            ("tea=1,coffee=0", "`coffee=0` is no SKU=QUANTITY"),
            ("tea=-1", "`tea=-1` is no SKU=QUANTITY"),
            ("=1", "`=1` is no SKU=QUANTITY"),
            ("tea=4294967296", "`tea=4294967296` is no SKU=QUANTITY"),
            ("tea=1, tea=2", "`tea` stands there twice"),
        ] {
            assert_eq!(text.parse::<Opening>(), Err(error.to_owned()));
        }
    }
}
