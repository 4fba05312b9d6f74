//! A payment gateway in memory that honours its keys, for flows without an outside process.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use quadrille::Failure;
use quadrille::id::EffectKey;
use quadrille_payments::gateway::{Charge, Charged, Gateway};
use quadrille_schemas::common::v1::Money;
use quadrille_schemas::payments::v1::DeclineReason;

/// The card that is declined; every other is charged.
pub const DECLINED_CARD: &str = "4000000000000002";

/// A gateway with its books.
#[derive(Debug, Default)]
pub struct Books(Mutex<Entries>);

#[derive(Debug, Default)]
struct Entries {
    charges: BTreeMap<EffectKey, Entry>,
    refunds: BTreeMap<EffectKey, i64>,
}

#[derive(Debug, Clone)]
enum Entry {
    Captured { payment_id: String, units: i64 },
    Declined,
    Voided,
}

impl Books {
    /// Whole units charged and not given back.
    pub fn balance(&self) -> i64 {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let charged = entries.charges.values().map(|entry| match entry {
            Entry::Captured { units, .. } => *units,
            Entry::Declined | Entry::Voided => 0,
        });
        charged.sum::<i64>() - entries.refunds.values().sum::<i64>()
    }
}

#[async_trait]
impl Gateway for Books {
    async fn charge(&self, charge: Charge) -> Result<Charged, Failure> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let payment_id = format!("pay-{}", charge.key);
        let units = charge.amount.units;
        let entry = entries.charges.entry(charge.key).or_insert_with(|| {
            if charge.card_number == DECLINED_CARD {
                Entry::Declined
            } else {
                Entry::Captured { payment_id, units }
            }
        });
        Ok(match entry {
            Entry::Captured { payment_id, .. } => Charged::Captured {
                payment_id: payment_id.clone(),
            },
            Entry::Declined => Charged::Declined(DeclineReason::CardDeclined),
            Entry::Voided => Charged::Declined(DeclineReason::Withdrawn),
        })
    }

    async fn refund(&self, key: &EffectKey, _: &str, amount: &Money) -> Result<(), Failure> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.refunds.insert(key.clone(), amount.units);
        Ok(())
    }

    async fn void(&self, _: &EffectKey, charge_key: &EffectKey) -> Result<(), Failure> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.charges.insert(charge_key.clone(), Entry::Voided);
        Ok(())
    }
}
