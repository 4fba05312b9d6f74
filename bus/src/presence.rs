//! Presence: every instance says every one and a half seconds that it is alive, and what holds it up.
//!
//! Liveness comes from here alone. A lost announcement does no harm, so nothing is repeated.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::observe;
use crate::service::host::Host;
use crate::settle::timestamp;
use crate::stop::Stop;
use crate::wire;

/// Retrying events that one announcement names.
const RETRYING_MAX: usize = 100;

/// How often an instance speaks up, and how long that holds.
#[derive(Debug, Clone, Copy)]
pub struct Rhythm {
    /// Time between two announcements.
    pub interval: Duration,
    /// How long after an announcement the instance counts as alive.
    pub lease: Duration,
}

/// Announces until asked to stop, and then a last time.
pub(crate) async fn announce(host: Arc<Host>, contract_hash: String, rhythm: Rhythm, stop: Stop) {
    loop {
        let activity = if stop.is_requested() {
            wire::Activity::Draining
        } else if !host.status.report().ready {
            wire::Activity::Waiting
        } else {
            wire::Activity::Running
        };
        tell(&host, &contract_hash, rhythm, activity).await;
        if stop.is_requested() {
            return;
        }
        stop.unless(host.world.sleep(rhythm.interval)).await;
    }
}

/// Announces once.
pub(crate) async fn tell(
    host: &Host,
    contract_hash: &str,
    rhythm: Rhythm,
    activity: wire::Activity,
) {
    let announced = announced(host, contract_hash, rhythm, activity);
    let record = host.internal(&announced);
    let delivery = match host.broker.send(record).await {
        Ok(delivery) => delivery.await.map(drop),
        Err(error) => Err(error),
    };
    match delivery {
        // Whatever trouble a consumer told of is over.
        Ok(()) => host.status.clear("broker"),
        Err(error) => observe::cannot_announce(&host.service, &error),
    }
}

fn announced(
    host: &Host,
    contract_hash: &str,
    rhythm: Rhythm,
    activity: wire::Activity,
) -> wire::PresenceAnnounced {
    let at_work = host.at_work();
    let assignment = at_work
        .partitions
        .iter()
        .map(|(at, shared)| wire::AssignedPartition {
            topic: at.topic.to_string(),
            partition: at.partition,
            paused: shared.paused.load(Ordering::Relaxed),
            unfinished: shared.held() as u64,
            low_water: shared.mark().max(0),
        });
    let retrying = at_work
        .retrying
        .iter()
        .take(RETRYING_MAX)
        .map(|(event, retrying)| wire::RetryingEvent {
            event_id: event.id.to_string(),
            event_source: event.source.to_string(),
            flow_id: retrying.flow.to_string(),
            event_type: retrying.kind.to_string(),
            reaction: retrying.reaction.to_owned(),
            attempts: retrying.attempts,
            error_code: retrying.code.clone(),
            next_attempt_at: Some(timestamp(retrying.next_at)),
        });
    let (parked_count, skipped_count) = host.counts.read();
    wire::PresenceAnnounced {
        instance: host.instance.to_string(),
        service: host.service.to_string(),
        code_version: host.code_version.to_owned(),
        contract_hash: contract_hash.to_owned(),
        at: Some(timestamp(host.world.now())),
        lease: prost_types::Duration::try_from(rhythm.lease).ok(),
        activity: activity.into(),
        assignment: assignment.collect(),
        retrying: retrying.collect(),
        retrying_count: at_work.retrying.len() as u64,
        parked_count,
        skipped_count,
    }
}
