#!/usr/bin/env bash
# The proof by foreign means: Python, kcat and Java clients against the real programs on a real Kafka.
# Arguments go to pytest, e.g. `run.sh -k interop`. See README.md for the environment.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
root=$(cd "$here/../.." && pwd -P)
cd "$root"

if [[ -z ${QUADRILLE_PYTHON:-} ]]; then
  deploy/setup.sh test
  QUADRILLE_PYTHON=$root/.quadrille/venv/bin/python
fi

mkdir -p .quadrille
QUADRILLE_FOREIGN_WORK=$(mktemp -d "$root/.quadrille/foreign.XXXXXX")
export QUADRILLE_FOREIGN_WORK

# Services die with pytest; brokers are meant to outlive whoever starts them. Logs stay after a
# failure.
clean() {
  local code=$? broker
  for broker in "$QUADRILLE_FOREIGN_WORK"/*/kafka-*; do
    deploy/kafka/kafka.sh wipe --data "$broker" 2>/dev/null || true
  done
  if ((code)); then
    echo "logs and ledgers: $QUADRILLE_FOREIGN_WORK" >&2
  else
    rm -rf "$QUADRILLE_FOREIGN_WORK"
  fi
}
trap clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

deploy/kafka/kafka.sh install
tests/foreign/parts.sh install
# Programs and examples of the whole workspace: what its tests need is built for these too, with the same
# features. A part of it alone, or its libraries by name, would be built a second time.
if [[ -z ${QUADRILLE_BINARIES:-} ]]; then
  cargo build --locked --workspace --bins --examples
  QUADRILLE_BINARIES=${CARGO_TARGET_DIR:-target}/debug
fi
export QUADRILLE_BINARIES
QUADRILLE_DESCRIPTORS=$QUADRILLE_FOREIGN_WORK/descriptors.bin
export QUADRILLE_DESCRIPTORS
"$QUADRILLE_BINARIES/examples/descriptors" >"$QUADRILLE_DESCRIPTORS"

# CI shows the same with fewer: its machine is shared with the build.
if [[ -n ${CI:-} ]]; then
  : "${QUADRILLE_ORDERS:=2000}" "${QUADRILLE_OUTAGE_SECONDS:=5}"
fi
echo "orders: ${QUADRILLE_ORDERS:=10000}, broker away for ${QUADRILLE_OUTAGE_SECONDS:=20} s"
export QUADRILLE_ORDERS QUADRILLE_OUTAGE_SECONDS
# Every package is in the environment that setup.sh made; nothing is written into the tree.
PYTHONDONTWRITEBYTECODE=1 "$QUADRILLE_PYTHON" -m pytest -c "$here/pytest.ini" "$here" "$@"
