#!/usr/bin/env bash
# Everything that CI runs: the web UI, format, lints, docs, all tests of the workspace (licences among them) with a real Kafka
# beside them, and the tests with foreign clients. What each runner says at its end is left to stand.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

step() { printf '\n== %s\n' "$*"; }

deploy/setup.sh test

step "web UI"
deploy/ui.sh test

step "format"
cargo fmt --all --check

step "lints"
cargo clippy --workspace --all-targets --locked -- -D warnings

# With the examples, all is checked with the features that the lints have checked it with.
step "docs"
RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --locked --lib --bins --examples

# A broker of this run's own. What belongs to it goes with it, however the run ends.
kafka=$(mktemp -d)
trap 'deploy/kafka/kafka.sh wipe --data "$kafka" 2>/dev/null' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
step "a real Kafka"
QUADRILLE_TEST_KAFKA=$(deploy/kafka/kafka.sh start --data "$kafka")
export QUADRILLE_TEST_KAFKA
echo "$QUADRILLE_TEST_KAFKA"

step "tests of the workspace, on the in-memory broker and on Kafka"
cargo test --workspace --locked --no-fail-fast

step "tests with foreign clients"
tests/foreign/run.sh
