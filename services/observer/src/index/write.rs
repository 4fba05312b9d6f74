//! Takes batches of what was read, each in one transaction with how far that goes.

use std::collections::{BTreeMap, BTreeSet};

use prost::Message as _;
use quadrille::id::FlowId;
use sqlx::{QueryBuilder, Row as _, Sqlite, SqliteConnection};

use super::entry::{Added, Entry, Finds, written};
use super::facts::decode;
use super::{Batch, Counts, Error, Index, gone, number};
use crate::flow::Flow;
use crate::flow::status::Word;
use crate::seen::Seen;

/// Rows of one statement: so many, or the next size that there is enough for. Few sizes, so that all
/// statements stay prepared.
const SIZES: [usize; 4] = [100, 25, 5, 1];
/// Flows that are judged anew in one transaction.
const JUDGED_MAX: usize = 1_000;

/// What an [`Entry`] is made of.
const FLOWS: &str = "select flow.id, flow_id, word, wait_service, bytes from flow \
                     join facts on facts.flow = flow.id";

pub(super) type Result<T> = std::result::Result<T, sqlx::Error>;

impl Index {
    /// Takes a batch.
    pub async fn take(&self, batch: Batch) -> std::result::Result<(), Error> {
        if let Err(error) = self.take_whole(batch).await {
            // What is in memory may have run ahead of what is on disk. Where that cannot be read either,
            // the next batch fails too.
            if let Ok(state) = super::open::state(&self.writing).await {
                *self.state() = state;
            }
            return Err(self.failed("write to")(error));
        }
        let change = self.state().change;
        self.changed.send_replace(change);
        Ok(())
    }

    async fn take_whole(&self, batch: Batch) -> Result<()> {
        if self.take_all(batch).await? {
            self.judge_anew().await?;
        }
        self.make_room().await
    }

    /// Returns whether contracts changed who reacts to what.
    async fn take_all(&self, batch: Batch) -> Result<bool> {
        let mut tx = self.writing.begin().await?;
        let ids: Vec<_> = batch.flows.keys().cloned().collect();
        let mut entries = self.load(&mut tx, &ids).await?;
        self.begin(&mut tx, &batch.flows, &mut entries).await?;
        let (changed, services) = self.expect(&batch);
        let mut added = Added::default();
        for (id, seen) in batch.flows {
            // Receipts alone of a flow that made room do not begin it anew.
            let Some(entry) = entries.get_mut(&id) else {
                continue;
            };
            for seen in seen {
                entry.take(seen, &mut added);
            }
        }
        {
            let mut state = self.state();
            state.counts.events += added.events;
            state.counts.receipts += added.receipts;
        }
        self.put(&mut tx, entries).await?;
        self.put_contracts(&mut tx, &services).await?;
        let mut positions: Vec<_> = batch.positions.iter().collect();
        positions.sort();
        for positions in pieces(&positions) {
            let mut insert = QueryBuilder::new("insert or replace into position ");
            insert.push_values(positions, |mut values, (partition, next)| {
                values.push_bind(partition.topic.as_str());
                values.push_bind(partition.partition).push_bind(**next);
            });
            execute(insert, &mut tx).await?;
        }
        self.put_counts(&mut tx).await?;
        tx.commit().await?;
        let mut state = self.state();
        state.names.keep();
        state.positions.extend(batch.positions);
        Ok(changed)
    }

    /// Takes note of what contracts and receipts say of who reacts to what. Returns whether that changed,
    /// and of which services there is something to be kept.
    fn expect(&self, batch: &Batch) -> (bool, BTreeSet<String>) {
        let mut state = self.state();
        let expected = state.expected.clone();
        let mut services = BTreeSet::new();
        for promised in &batch.contracts {
            let service = &promised.contract.service;
            let known = state.contracts.get(service);
            if known.is_some_and(|known| promised.is_before(known.at, known.offset)) {
                continue;
            }
            state.expected.note(promised);
            state.contracts.insert(service.clone(), promised.clone());
            services.insert(service.clone());
        }
        for seen in batch.flows.values().flatten() {
            if let Seen::Receipt(receipt) = seen
                && state.expected.note_receipt(receipt)
            {
                services.insert(receipt.service.clone());
            }
        }
        // As a whole: older contracts, which are read again after each start, lead to the same.
        let changed = !state.expected.agrees(&expected);
        (changed, services)
    }

    /// The flows of these ids, as far as they are there.
    async fn load(
        &self,
        tx: &mut SqliteConnection,
        ids: &[FlowId],
    ) -> Result<BTreeMap<FlowId, Entry>> {
        let mut entries = BTreeMap::new();
        for ids in pieces(ids) {
            let mut select = QueryBuilder::new(FLOWS);
            select.push(" where flow_id in (");
            let mut list = select.separated(", ");
            for id in ids {
                list.push_bind(id.as_str());
            }
            select.push(")");
            for row in select.build().fetch_all(&mut *tx).await? {
                let entry = self.entry(&row)?;
                entries.insert(entry.flow.id.clone(), entry);
            }
        }
        Ok(entries)
    }

    /// Begins the flows that are not there.
    async fn begin(
        &self,
        tx: &mut SqliteConnection,
        flows: &BTreeMap<FlowId, Vec<Seen>>,
        entries: &mut BTreeMap<FlowId, Entry>,
    ) -> Result<()> {
        let new = flows.keys().filter(|id| !entries.contains_key(*id));
        let new: Vec<_> = new.collect();
        let gone = match self.counts().dropped {
            0 => BTreeSet::new(),
            _ => gone::among(tx, &new).await?,
        };
        let mut state = self.state();
        for id in new {
            let has_made_room = gone.contains(id);
            let mut seen = flows[id].iter();
            if has_made_room && !seen.any(|seen| matches!(seen, Seen::Event(_))) {
                continue;
            }
            state.flow += 1;
            state.counts.flows += 1;
            let mut flow = Flow::new(id.clone());
            flow.set_made_room(has_made_room);
            let entry = Entry {
                row: state.flow,
                flow,
                before: None,
                finds: Finds::default(),
            };
            entries.insert(id.clone(), entry);
        }
        Ok(())
    }

    fn entry(&self, row: &sqlx::sqlite::SqliteRow) -> Result<Entry> {
        let state = self.state();
        let flow = decode(FlowId::new(row.get::<&str, _>(1)), row.get(4), &state.names);
        let word = row.get::<u8, _>(2);
        let service = row.get::<Option<u32>, _>(3);
        let service = service.map(|service| state.names.text(service).to_owned());
        Ok(Entry {
            row: row.get(0),
            flow: flow.map_err(|error| sqlx::Error::Decode(error.into()))?,
            before: Word::ALL
                .get(usize::from(word))
                .map(|word| (*word, service)),
            finds: Finds::default(),
        })
    }

    /// Writes flows, as they stand now.
    async fn put(&self, tx: &mut SqliteConnection, entries: BTreeMap<FlowId, Entry>) -> Result<()> {
        let rows: Vec<_> = {
            let mut state = self.state();
            let state = &mut *state;
            entries
                .values()
                .map(|entry| written(entry, state))
                .collect()
        };
        for rows in pieces(&rows) {
            let mut insert = QueryBuilder::new(
                "insert into flow (id, flow_id, change, word, type, wait_service, last_ms, summary, wait) ",
            );
            insert.push_values(rows, |mut values, row| {
                values.push_bind(row.id).push_bind(row.flow_id.as_str());
                values.push_bind(row.change).push_bind(row.word);
                values.push_bind(row.kind).push_bind(row.wait_service);
                values
                    .push_bind(row.last_ms)
                    .push_bind(row.summary.as_slice());
                values.push_bind(row.wait.as_deref());
            });
            insert.push(
                " on conflict (id) do update set change = excluded.change, word = excluded.word, \
                 type = excluded.type, wait_service = excluded.wait_service, \
                 last_ms = excluded.last_ms, summary = excluded.summary, wait = excluded.wait",
            );
            execute(insert, tx).await?;
            let mut insert = QueryBuilder::new("insert or replace into facts (flow, bytes) ");
            insert.push_values(rows, |mut values, row| {
                values.push_bind(row.id).push_bind(row.facts.as_slice());
            });
            execute(insert, tx).await?;
        }
        self.put_finds(tx, &entries).await?;
        self.put_names(tx).await
    }

    async fn put_finds(
        &self,
        tx: &mut SqliteConnection,
        entries: &BTreeMap<FlowId, Entry>,
    ) -> Result<()> {
        let all = || entries.values().map(|entry| (entry.row, &entry.finds));
        let keys: Vec<_> = all()
            .flat_map(|(row, finds)| finds.keys.iter().map(move |key| (key.as_str(), row)))
            .collect();
        put_all(tx, "key (key, flow)", &keys).await?;
        let events: Vec<_> = all()
            .flat_map(|(row, finds)| finds.events.iter().map(move |id| (&id[..], row)))
            .collect();
        put_all(tx, "event (id, flow)", &events).await?;
        let traces: Vec<_> = all()
            .flat_map(|(row, finds)| finds.traces.iter().map(move |id| (&id[..], row)))
            .collect();
        put_all(tx, "trace (id, flow)", &traces).await?;
        let records: Vec<_> = {
            let mut state = self.state();
            let records =
                all().flat_map(|(row, finds)| finds.records.iter().map(move |at| (at, row)));
            let numbered = records.map(|(at, row)| (state.names.number(&at.topic), at, row));
            numbered.collect()
        };
        for records in pieces(&records) {
            let mut insert = QueryBuilder::new("insert or ignore into record ");
            insert.push_values(records, |mut values, (topic, at, row)| {
                values.push_bind(*topic).push_bind(at.partition);
                values.push_bind(at.offset).push_bind(*row);
            });
            execute(insert, tx).await?;
        }
        Ok(())
    }

    async fn put_names(&self, tx: &mut SqliteConnection) -> Result<()> {
        let fresh: Vec<_> = {
            let state = self.state();
            let fresh = state.names.fresh();
            fresh
                .map(|(number, text)| (number, text.to_owned()))
                .collect()
        };
        for names in pieces(&fresh) {
            let mut insert = QueryBuilder::new("insert or replace into name (id, text) ");
            insert.push_values(names, |mut values, (number, text)| {
                values.push_bind(*number).push_bind(text.as_str());
            });
            execute(insert, tx).await?;
        }
        Ok(())
    }

    async fn put_contracts(
        &self,
        tx: &mut SqliteConnection,
        services: &BTreeSet<String>,
    ) -> Result<()> {
        for service in services {
            let (promised, since) = {
                let state = self.state();
                let since = state.expected.since(service);
                (state.contracts[service].clone(), since)
            };
            let insert = "insert or replace into contract (service, bytes, \"offset\", at, since) \
                          values (?, ?, ?, ?, ?)";
            let insert = sqlx::query(insert).bind(service.as_str());
            let insert = insert.bind(promised.contract.encode_to_vec());
            let insert = insert.bind(promised.offset).bind(promised.at.to_string());
            let since = serde_json::to_string(&since).expect("plain data is JSON");
            insert.bind(since).execute(&mut *tx).await?;
        }
        Ok(())
    }

    async fn put_counts(&self, tx: &mut SqliteConnection) -> Result<()> {
        let Counts {
            events,
            receipts,
            dropped,
            ..
        } = self.counts();
        let mut insert = QueryBuilder::new("insert or replace into meta (name, value) ");
        let counts = [
            ("events", events),
            ("receipts", receipts),
            ("dropped", dropped),
        ];
        insert.push_values(counts, |mut values, (name, count)| {
            values.push_bind(name).push_bind(count.to_string());
        });
        execute(insert, tx).await
    }

    /// Judges the flows anew that depend on who reacts to what.
    async fn judge_anew(&self) -> Result<()> {
        let mut after = 0;
        loop {
            let mut tx = self.writing.begin().await?;
            let mut select = QueryBuilder::new(FLOWS);
            select.push(" where word in (");
            let mut list = select.separated(", ");
            for word in [Word::Blocked, Word::Retrying, Word::Running, Word::Settled] {
                list.push_bind(number(word));
            }
            select.push(") and flow.id > ").push_bind(after);
            select
                .push(" order by flow.id limit ")
                .push_bind(JUDGED_MAX as i64);
            let rows = select.build().fetch_all(&mut *tx).await?;
            let mut entries = BTreeMap::new();
            for row in &rows {
                let entry = self.entry(row)?;
                after = entry.row;
                entries.insert(entry.flow.id.clone(), entry);
            }
            self.put(&mut tx, entries).await?;
            tx.commit().await?;
            self.state().names.keep();
            if rows.len() < JUDGED_MAX {
                return Ok(());
            }
        }
    }

    /// Drops the flows that have been silent for the longest, where there are too many.
    async fn make_room(&self) -> Result<()> {
        loop {
            let flows = self.counts().flows;
            let excess = flows
                .saturating_sub(self.limits.flows_max)
                .min(JUDGED_MAX as u64);
            if excess == 0 {
                return Ok(());
            }
            let mut tx = self.writing.begin().await?;
            let mut select = QueryBuilder::new(FLOWS);
            select
                .push(" order by change limit ")
                .push_bind(excess as i64);
            let rows = select.build().fetch_all(&mut *tx).await?;
            for row in &rows {
                let entry = self.entry(row)?;
                self.drop_one(&mut tx, &entry).await?;
                let mut state = self.state();
                state.counts.flows -= 1;
                state.counts.dropped += 1;
                if let Some((word, service)) = &entry.before {
                    state.counts.discount(*word, service.as_deref());
                }
            }
            gone::forget(&mut tx, self.limits.flows_max).await?;
            self.put_counts(&mut tx).await?;
            tx.commit().await?;
        }
    }

    async fn drop_one(&self, tx: &mut SqliteConnection, entry: &Entry) -> Result<()> {
        let finds = Finds::all_of(&entry.flow);
        for key in &finds.keys {
            let delete = sqlx::query("delete from key where key = ? and flow = ?");
            delete
                .bind(key.as_str())
                .bind(entry.row)
                .execute(&mut *tx)
                .await?;
        }
        for id in &finds.events {
            let delete = sqlx::query("delete from event where id = ? and flow = ?");
            delete
                .bind(&id[..])
                .bind(entry.row)
                .execute(&mut *tx)
                .await?;
        }
        for id in &finds.traces {
            let delete = sqlx::query("delete from trace where id = ? and flow = ?");
            delete
                .bind(&id[..])
                .bind(entry.row)
                .execute(&mut *tx)
                .await?;
        }
        for at in &finds.records {
            let Some(topic) = self.state().names.find(&at.topic) else {
                continue;
            };
            let delete = sqlx::query(
                "delete from record where topic = ? and \"partition\" = ? and \"offset\" = ?",
            );
            let delete = delete.bind(topic).bind(at.partition).bind(at.offset);
            delete.execute(&mut *tx).await?;
        }
        gone::remember(tx, &entry.flow.id).await?;
        for delete in [
            "delete from facts where flow = ?",
            "delete from flow where id = ?",
        ] {
            sqlx::query(delete)
                .bind(entry.row)
                .execute(&mut *tx)
                .await?;
        }
        Ok(())
    }
}

/// Puts pairs into a table, unless they are there.
async fn put_all<'a, T>(
    tx: &mut SqliteConnection,
    table: &'static str,
    pairs: &[(T, i64)],
) -> Result<()>
where
    T: Copy + sqlx::Encode<'a, Sqlite> + sqlx::Type<Sqlite> + 'a,
{
    for pairs in pieces(pairs) {
        let mut insert = QueryBuilder::new("insert or ignore into ");
        insert.push(table).push(" ");
        insert.push_values(pairs, |mut values, (found_by, row)| {
            values.push_bind(*found_by).push_bind(*row);
        });
        execute(insert, tx).await?;
    }
    Ok(())
}

async fn execute(mut statement: QueryBuilder<Sqlite>, tx: &mut SqliteConnection) -> Result<()> {
    statement.build().execute(tx).await.map(drop)
}

/// Pieces of a few sizes.
pub(super) fn pieces<T>(all: &[T]) -> impl Iterator<Item = &[T]> {
    let mut left = all;
    std::iter::from_fn(move || {
        let size = SIZES.into_iter().find(|size| *size <= left.len())?;
        let (piece, rest) = left.split_at(size);
        left = rest;
        Some(piece)
    })
}
