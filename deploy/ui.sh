#!/usr/bin/env bash
# Builds and tests the web UI of the observer. A second build with nothing changed does nothing.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
root=$(dirname "$here")
ui=$root/services/observer/ui

usage() {
  cat <<'TEXT'
usage: ui.sh build|check|test

  build   services/observer/ui/dist, which the observer carries in its binary
  check   format and lints; says so and does nothing where node_modules is not there
  test    format, lints, unit tests, and the walks through the pages in a real Chromium
TEXT
}

# Where setup.sh has put a Node that is new enough, if the system's is not.
export PATH=$root/.quadrille/node/node_modules/.bin:$PATH
cd "$ui"

install() {
  # npm writes this file last.
  [[ node_modules/.package-lock.json -nt package-lock.json ]] || npm ci --no-fund --no-audit --loglevel=error
}

build() {
  install
  local newer
  newer=$(find index.html package-lock.json vite.config.ts tsconfig.json src public -newer dist/index.html -print -quit 2>/dev/null || echo all)
  [[ -f dist/index.html && -z $newer ]] || npm run --silent build
}

case ${1:-} in
  build) build ;;
  check)
    if [[ -d node_modules ]]; then
      npm run --silent lint
    else
      echo "web UI: format and lints are not checked, since $ui/node_modules is not there; deploy/ui.sh build gets it"
    fi
    ;;
  test)
    install
    npm run --silent lint
    build
    npm run --silent test
    npm run --silent e2e
    ;;
  help | -h | --help) usage ;;
  *)
    usage >&2
    exit 2
    ;;
esac
