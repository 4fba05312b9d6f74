//! Answers what is asked of the index.

use quadrille::id::FlowId;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row as _, Sqlite};

use super::brief::{self, Columns};
use super::facts::{decode, trace_bytes};
use super::names::pack;
use super::{Error, Index, Row, number};
use crate::flow::Flow;
use crate::flow::status::Word;
use crate::flow::wanted;

/// Flows of one key, event or trace that are told.
const FOUND_MAX: i64 = 20;

/// Which flows are wanted: all that fit everything that is named.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// How they stand. Empty: however. With `down` and `behind`, as it is with who is alive.
    pub words: Vec<Word>,
    /// Services of which nobody is alive: whoever waits for them is blocked.
    pub down: Vec<String>,
    /// Topics are not read to their ends: nobody can say how flows stand that are not at rest.
    pub is_behind: bool,
    /// Type of their first event.
    pub kind: Option<String>,
    /// The service that they wait for, or that failed.
    pub service: Option<String>,
    /// Earliest and latest time of what happened last, in milliseconds since 1970.
    pub last_ms: (Option<i64>, Option<i64>),
    /// What the flow id or one of the business keys begins with.
    pub text: Option<String>,
    /// Changed before and after these changes.
    pub change: (Option<u64>, Option<u64>),
    /// How many, those first that changed last.
    pub limit: usize,
}

/// What a name may mean.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// A flow id.
    Flow,
    /// A business key.
    Key,
    /// An event id.
    Event,
    /// A record, as `topic/partition/offset`.
    Record,
    /// A trace id.
    Trace,
}

impl Found {
    /// All that is tried, in this order.
    pub const ALL: [Self; 5] = [
        Self::Flow,
        Self::Key,
        Self::Event,
        Self::Record,
        Self::Trace,
    ];
}

impl Index {
    /// Flows for a list.
    pub async fn list(&self, wanted: &Wanted) -> Result<Vec<Row>, Error> {
        let mut rows = Vec::new();
        // One question for each word: each follows an index in order, and ends where enough is found.
        for branch in branches(wanted) {
            let mut select = QueryBuilder::new(
                "select flow_id, word, change, summary, wait from flow where id in \
                 (select id from flow",
            );
            // A time may leave few of many: those are found by it, and then put in order.
            if wanted.last_ms != (None, None) {
                select.push(" indexed by flow_last");
            }
            select.push(" where true");
            self.narrow(&mut select, wanted, branch);
            select.push(" order by change desc limit ");
            select.push_bind(i64::try_from(wanted.limit).unwrap_or(i64::MAX));
            select.push(") order by change desc");
            rows.extend(self.rows(select).await?);
        }
        rows.sort_by_key(|row| std::cmp::Reverse(row.summary.change));
        rows.truncate(wanted.limit);
        Ok(rows)
    }

    fn narrow(&self, select: &mut QueryBuilder<Sqlite>, wanted: &Wanted, branch: Branch) {
        let state = self.state();
        let find = |name: &String| state.names.find(name).map_or(-1, i64::from);
        if let Some(word) = branch.word {
            select.push(" and word = ").push_bind(number(word));
        }
        if branch.waits != Waits::Any {
            let is_in = match branch.waits {
                Waits::ForSomebodyDown => " and wait_service in (",
                _ => " and (wait_service is null or wait_service not in (",
            };
            select.push(is_in);
            let mut list = select.separated(", ");
            for service in &wanted.down {
                list.push_bind(find(service));
            }
            select.push(if branch.waits == Waits::ForSomebodyDown {
                ")"
            } else {
                "))"
            });
        }
        if let Some(kind) = &wanted.kind {
            select.push(" and type = ").push_bind(find(kind));
        }
        if let Some(service) = &wanted.service {
            select.push(" and wait_service = ").push_bind(find(service));
        }
        if let Some(since) = wanted.last_ms.0 {
            select.push(" and last_ms >= ").push_bind(since);
        }
        if let Some(until) = wanted.last_ms.1 {
            select.push(" and last_ms <= ").push_bind(until);
        }
        if let Some(before) = wanted.change.0 {
            select.push(" and change < ").push_bind(before as i64);
        }
        if let Some(after) = wanted.change.1 {
            select.push(" and change > ").push_bind(after as i64);
        }
        if let Some(text) = &wanted.text {
            let end = format!("{text}\u{10ffff}");
            // Found by the text, and not one after the other: few flows have it.
            select.push(" and id in (select id from flow where flow_id between ");
            select
                .push_bind(text.clone())
                .push(" and ")
                .push_bind(end.clone());
            select.push(" union select flow from key where key between ");
            select
                .push_bind(text.clone())
                .push(" and ")
                .push_bind(end)
                .push(")");
        }
    }

    /// Ids of the flows that changed after a change, the newest changes first.
    pub async fn changed_after(&self, change: u64, limit: usize) -> Result<Vec<String>, Error> {
        let ids = sqlx::query_scalar(
            "select flow_id from flow where change > ? order by change desc limit ?",
        );
        let ids = ids
            .bind(change as i64)
            .bind(i64::try_from(limit).unwrap_or(i64::MAX));
        ids.fetch_all(&self.reading)
            .await
            .map_err(self.failed("read"))
    }

    /// Types of the flows' first events.
    pub async fn types(&self) -> Result<Vec<String>, Error> {
        // By leaps through the index: there are few types and many flows.
        let types = sqlx::query_scalar(
            "with recursive kind (number) as (select min(type) from flow union all \
             select (select min(type) from flow where type > number) from kind \
             where number is not null) \
             select text from kind join name on name.id = kind.number order by text",
        );
        types
            .fetch_all(&self.reading)
            .await
            .map_err(self.failed("read"))
    }

    /// A flow with all that is known of it.
    pub async fn flow(&self, id: &FlowId) -> Result<Option<(Flow, Row)>, Error> {
        let row = sqlx::query(
            "select flow_id, word, change, summary, wait, bytes from flow \
             join facts on facts.flow = flow.id where flow_id = ?",
        );
        let row = row.bind(id.as_str()).fetch_optional(&self.reading).await;
        let Some(found) = row.map_err(self.failed("read"))? else {
            return Ok(None);
        };
        let flow = decode(id.clone(), found.get(5), &self.state().names);
        let flow = flow.map_err(|error| sqlx::Error::Decode(error.into()));
        let flow = flow.map_err(self.failed("read"))?;
        let told = self.row(&found).map_err(self.failed("read"))?;
        Ok(Some((flow, told)))
    }

    /// Flows by what somebody has in hand, those first that changed last.
    pub async fn find(&self, text: &str, by: Found) -> Result<Vec<Row>, Error> {
        let select = "select flow_id, word, change, summary, wait from flow where ";
        let mut select = QueryBuilder::new(select);
        match by {
            Found::Flow => {
                select.push("flow_id = ").push_bind(text.to_owned());
            }
            Found::Key => {
                select.push("id in (select flow from key where key = ");
                select.push_bind(text.to_owned()).push(")");
                // Also where the flow was opened for the key, and no event carries it yet.
                for id in wanted::flows_of_key(text) {
                    select.push(" or flow_id = ").push_bind(id.to_string());
                }
            }
            Found::Event => {
                select.push("id in (select flow from event where id = ");
                select.push_bind(pack(text).to_vec()).push(")");
            }
            Found::Record => {
                let Some((topic, partition, offset)) = place(text) else {
                    return Ok(Vec::new());
                };
                let topic = self.state().names.find(topic).map_or(-1, i64::from);
                select
                    .push("id in (select flow from record where topic = ")
                    .push_bind(topic);
                select.push(" and \"partition\" = ").push_bind(partition);
                select
                    .push(" and \"offset\" = ")
                    .push_bind(offset)
                    .push(")");
            }
            Found::Trace => {
                let Some(id) = trace_bytes(text) else {
                    return Ok(Vec::new());
                };
                select.push("id in (select flow from trace where id = ");
                select.push_bind(id.to_vec()).push(")");
            }
        }
        select
            .push(" order by change desc limit ")
            .push_bind(FOUND_MAX);
        self.rows(select).await
    }

    fn row(&self, row: &SqliteRow) -> Result<Row, sqlx::Error> {
        let word = Word::ALL.get(usize::from(row.get::<u8, _>(1)));
        let columns = Columns {
            id: row.get(0),
            word: *word.ok_or_else(|| sqlx::Error::Decode("there is no such word".into()))?,
            change: row.get::<i64, _>(2).unsigned_abs(),
        };
        let summary = brief::decode(columns, row.get(3), &self.state().names);
        let wait = row.get::<Option<&str>, _>(4).map(serde_json::from_str);
        Ok(Row {
            summary: summary.map_err(|error| sqlx::Error::Decode(error.into()))?,
            wait: wait
                .transpose()
                .map_err(|error| sqlx::Error::Decode(Box::new(error)))?,
        })
    }

    async fn rows(&self, mut select: QueryBuilder<Sqlite>) -> Result<Vec<Row>, Error> {
        let rows = select.build().fetch_all(&self.reading).await;
        let rows = rows.and_then(|rows| rows.iter().map(|row| self.row(row)).collect());
        rows.map_err(self.failed("read"))
    }
}

/// Flows of one word in the database, of those that fit.
#[derive(Debug, Clone, Copy)]
struct Branch {
    word: Option<Word>,
    waits: Waits,
}

/// For whom flows wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waits {
    Any,
    ForSomebodyDown,
    ForSomebodyAlive,
}

/// The words in the database that stand for the wanted ones, as it is with who is alive.
fn branches(wanted: &Wanted) -> Vec<Branch> {
    let any = |word| Branch {
        word: Some(word),
        waits: Waits::Any,
    };
    if wanted.words.is_empty() {
        return vec![Branch {
            word: None,
            waits: Waits::Any,
        }];
    }
    let depends = [Word::Blocked, Word::Retrying, Word::Running];
    let words = wanted.words.iter().flat_map(|word| match word {
        Word::Unknown if wanted.is_behind => depends.map(any).to_vec(),
        Word::Unknown => Vec::new(),
        word if wanted.is_behind && depends.contains(word) => Vec::new(),
        Word::Blocked => {
            let waits = Waits::ForSomebodyDown;
            let down = |word| Branch { waits, ..any(word) };
            vec![
                any(Word::Blocked),
                down(Word::Retrying),
                down(Word::Running),
            ]
        }
        Word::Retrying | Word::Running => {
            let waits = Waits::ForSomebodyAlive;
            vec![Branch {
                waits,
                ..any(*word)
            }]
        }
        word => vec![any(*word)],
    });
    words.collect()
}

/// A place that is written `topic/partition/offset`, or `topic/partition@offset`.
pub fn place(text: &str) -> Option<(&str, i32, i64)> {
    let (rest, offset) = text.rsplit_once(['/', '@'])?;
    let (topic, partition) = rest.rsplit_once('/')?;
    Some((
        topic,
        partition.trim().parse().ok()?,
        offset.trim().parse().ok()?,
    ))
}
