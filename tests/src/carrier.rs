//! A carrier in memory that honours its keys, for flows without an outside process.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use quadrille::Failure;
use quadrille::id::EffectKey;
use quadrille_schemas::shipping::v1::FailureReason;
use quadrille_shipping::carrier::{Carrier, Shipped};

/// Ends the id of an order that cannot be delivered.
pub const NOWHERE: &str = "-nowhere";

/// A carrier with its books.
#[derive(Debug, Default)]
pub struct Parcels(Mutex<Entries>);

#[derive(Debug, Default)]
struct Entries {
    /// Orders by the keys under which their goods were taken.
    shipped: BTreeMap<EffectKey, String>,
    recalled: BTreeSet<EffectKey>,
}

impl Parcels {
    /// The orders whose goods are on their way, each as often as they are.
    pub fn on_their_way(&self) -> Vec<String> {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let shipped = entries.shipped.iter();
        let left = shipped.filter(|(key, _)| !entries.recalled.contains(*key));
        left.map(|(_, order_id)| order_id.clone()).collect()
    }

    /// How many parcels were taken, also if they were called back.
    pub fn taken(&self) -> usize {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.shipped.len()
    }
}

#[async_trait]
impl Carrier for Parcels {
    async fn ship(&self, key: &EffectKey, order_id: &str) -> Result<Shipped, Failure> {
        if order_id.ends_with(NOWHERE) {
            return Ok(Shipped::Refused(FailureReason::AddressUnknown));
        }
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.recalled.contains(key) && !entries.shipped.contains_key(key) {
            return Ok(Shipped::Refused(FailureReason::Withdrawn));
        }
        entries.shipped.insert(key.clone(), order_id.to_owned());
        Ok(Shipped::Dispatched {
            shipment_id: format!("shp-{key}"),
        })
    }

    async fn recall(&self, _: &EffectKey, shipment_key: &EffectKey) -> Result<(), Failure> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.recalled.insert(shipment_key.clone());
        Ok(())
    }
}
