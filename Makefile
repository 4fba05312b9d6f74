# Quadrille's commands. `make` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help up ui check test bench kafka kafka-stop clean

# Handed on to `quadrille up` and `quadrille bench`, e.g. make up ARGS="--no-demo --listen 127.0.0.1:8080".
ARGS ?=

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# The dev profile on purpose: release optimises across all crates, which on two cores takes several
# times as long, and nobody measures with `make up`.
up: ## Install what a build needs, build, and start everything in one process
	@deploy/setup.sh ui
	@deploy/ui.sh build
	@cargo run --locked --package quadrille-cli --bin quadrille -- up $(ARGS)

ui: ## Build the web UI, which the observer and `quadrille up` carry
	@deploy/setup.sh ui
	@deploy/ui.sh build

check: ## The quick loop: format, lints, docs, unit tests
	@deploy/setup.sh build
	cargo fmt --all --check
	@deploy/ui.sh check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --locked --lib --bins --examples
	cargo test --workspace --lib --locked

test: ## Everything that CI runs, on a real Kafka too
	@tests/run.sh

bench: ## Measure beside bare rdkafka, on a real Kafka of its own
	@deploy/setup.sh build
	@deploy/setup.sh kafka
	@cargo run --locked --release --package quadrille-cli --bin quadrille -- bench $(ARGS)

kafka: ## Start a real Kafka, and say how to use it
	@deploy/setup.sh kafka
	@address=$$(deploy/kafka/kafka.sh start); \
	printf '%s\n' \
	  "Kafka answers on $$address. It goes on until make kafka-stop. To use it:" \
	  "  make up ARGS=\"--kafka $$address --data .quadrille/data\"" \
	  "  QUADRILLE_TEST_KAFKA=$$address cargo test" \
	  "  deploy/kafka/kafka.sh status"

kafka-stop: ## Stop that Kafka; its data stays
	@deploy/kafka/kafka.sh stop

clean: ## Remove all that was built, and that Kafka with its data
	@deploy/kafka/kafka.sh wipe
	rm -rf .quadrille
	cargo clean
