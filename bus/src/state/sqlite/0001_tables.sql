-- What a service remembers. Records are JSON text, so that other programs can read and total them;
-- they must not write here. All tables begin with quadrille_, because they may stand among a user's.

-- Whose state this is. One database holds one service's.
create table quadrille_service (
  name text not null primary key,
  -- Counts openings. Written at each one, which shows that the database can be written.
  opened integer not null
) strict, without rowid;

-- Records. version counts writes; a deleted record (json is null) goes on counting.
create table quadrille_record (
  kind text not null,
  key text not null,
  version integer not null,
  json text,
  primary key (kind, key)
) strict, without rowid;

-- Values to find records by.
create table quadrille_index (
  kind text not null,
  name text not null,
  value text not null,
  key text not null,
  primary key (kind, name, value, key)
) strict, without rowid;
create index quadrille_index_of_record on quadrille_index (kind, key);

-- Events handled, for as long as a duplicate may come. at is in milliseconds since 1970.
create table quadrille_inbox (
  source text not null,
  id text not null,
  at integer not null,
  primary key (source, id)
) strict, without rowid;
create index quadrille_inbox_at on quadrille_inbox (at);

-- How far each partition is handled: every offset below low_water, and those in the JSON list above.
-- epoch counts the takings of the partition; whoever has an older one is refused.
create table quadrille_handled (
  cluster text not null,
  topic text not null,
  "partition" integer not null,
  epoch integer not null,
  low_water integer,
  above text not null,
  primary key (cluster, topic, "partition")
) strict, without rowid;

-- What is to be published. owner is the process that does it; records is the protobuf message
-- Row of bus/src/state/sqlite/row.rs.
create table quadrille_outbox (
  id integer primary key autoincrement,
  owner text not null,
  records blob not null
) strict;
create index quadrille_outbox_owner on quadrille_outbox (owner, id);

-- The topics and keys of each row, so that a commit finds the last row before it. A null key is
-- one key, written as an empty blob; others begin with a 1.
create table quadrille_outbox_key (
  topic text not null,
  key blob not null,
  row integer not null,
  primary key (topic, key, row)
) strict, without rowid;
create index quadrille_outbox_key_of_row on quadrille_outbox_key (row);
