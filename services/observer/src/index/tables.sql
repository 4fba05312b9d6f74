-- What the observer has read. Disposable: whatever stands here is read from topics again where it is
-- missing. Other versions of these tables are dropped, not migrated.

-- Which cluster was read, the change counter, and how much was taken.
create table meta (name text not null primary key, value text not null) strict, without rowid;

-- How far each partition was read.
create table position (
  topic text not null,
  "partition" integer not null,
  next integer not null,
  primary key (topic, "partition")
) strict, without rowid;

-- Names that come again and again: types, topics, services, reactions.
create table name (id integer primary key, text text not null) strict;

-- The newest contract of each service, as protobuf; when and where it was published; since is JSON: from when
-- on events of a type come to it, where not all do.
create table contract (
  service text not null primary key,
  bytes blob not null,
  "offset" integer not null,
  at text not null,
  since text not null
) strict, without rowid;

-- A flow as a list tells it. word is how it stands as far as topics tell; type and wait_service are
-- names; change counts changes of all flows; summary is the message Brief of index/brief.rs; wait is JSON.
create table flow (
  id integer primary key,
  flow_id text not null unique,
  change integer not null,
  word integer not null,
  type integer,
  wait_service integer,
  last_ms integer,
  summary blob not null,
  wait text
) strict;
-- Each holds what lists are narrowed by, so that rows that do not fit are never looked up.
create unique index flow_change on flow (change);
create index flow_word on flow (word, change, type, wait_service);
create index flow_type on flow (type, change);
create index flow_wait on flow (wait_service, change, word) where wait_service is not null;
create index flow_last on flow (last_ms, change, word, type, wait_service);

-- All that is known of a flow, as the message Facts of index/facts.rs.
create table facts (flow integer primary key, bytes blob not null) strict;

-- What flows are found by. An id is packed as index/facts.rs says.
create table key (key text not null, flow integer not null, primary key (key, flow)) strict, without rowid;
create table event (id blob not null, flow integer not null, primary key (id, flow)) strict, without rowid;
create table record (
  topic integer not null,
  "partition" integer not null,
  "offset" integer not null,
  flow integer not null,
  primary key (topic, "partition", "offset")
) strict, without rowid;
create table trace (id blob not null, flow integer not null, primary key (id, flow)) strict, without rowid;

-- Flows that made room, by a hash of their ids: what comes of them later is not the beginning of a flow.
create table gone (nth integer primary key, hash integer not null unique) strict;
