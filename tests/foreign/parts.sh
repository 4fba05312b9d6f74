#!/usr/bin/env bash
# Real receivers of telemetry for the tests with foreign clients: the OpenTelemetry Collector, and Zipkin.
# Each is got once and shared by all clones. What cannot be had here is told, and is no failure: the
# tests that want it say that they show nothing. Tests in Rust show the same to a receiver of their own.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
cache=${QUADRILLE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/quadrille}
[[ $cache == /* ]] || cache=$PWD/$cache
collector=$cache/otelcol-0.165.0/otelcol
zipkin=$cache/zipkin-3.6.1/zipkin.jar
# The builder has a version of its own.
builder=0.164.0
go_wanted=1.25

usage() {
  cat <<'TEXT'
usage: parts.sh install|collector|zipkin

  install     get both; the collector takes some 4 minutes of two cores, once
  collector   say where the collector is, if it is there
  zipkin      say where Zipkin is, if it is there
TEXT
}

say() { printf 'parts: %s\n' "$*" >&2; }

missing() { say "MISSING: $1. $2. The tests that want it are skipped"; }

# A call at the same time waits, and then finds all there.
with_lock() {
  mkdir -p "$cache"
  exec 9>"$cache/parts.lock"
  flock 9
  "$@"
}

has_go() {
  command -v go >/dev/null || return 1
  local found
  found=$(go env GOVERSION)
  [[ $(printf '%s\n' "$go_wanted" "${found#go}" | sort -V | head -n 1) == "$go_wanted" ]]
}

get_collector() {
  [[ ! -x $collector ]] || return 0
  # CI's machine is new each time, and its time is the build's; the tests in Rust have a receiver of
  # their own.
  if [[ -n ${CI:-} ]]; then
    missing "the OpenTelemetry Collector" "It is not built in CI, where it would take some minutes of each run"
    return 0
  fi
  if ! has_go; then
    missing "the OpenTelemetry Collector" "It is built with Go $go_wanted or newer, which is not here"
    return 0
  fi
  say "building the OpenTelemetry Collector, which takes some minutes"
  local work
  work=$(mktemp -d "$cache/otelcol.XXXXXX")
  if (
    cd "$work"
    cp "$here/parts/collector.yaml" builder.yaml
    GOBIN=$work go install "go.opentelemetry.io/collector/cmd/builder@v$builder"
    sed -i "s|^dist:|dist:\n  output_path: $work/made|" builder.yaml
    ./builder --skip-strict-versioning --config builder.yaml
  ) >"$work/log" 2>&1; then
    mkdir -p "${collector%/*}"
    mv "$work/made/otelcol" "$collector"
  else
    tail -n 5 "$work/log" >&2
    missing "the OpenTelemetry Collector" "It could not be built, see above"
  fi
  rm -rf "$work"
}

get_zipkin() {
  [[ ! -e $zipkin ]] || return 0
  if ! command -v mvn >/dev/null; then
    missing "Zipkin" "Maven fetches it, which is not here"
    return 0
  fi
  say "fetching Zipkin"
  local work
  work=$(mktemp -d "$cache/zipkin.XXXXXX")
  if (cd "$work" && mvn -B -q -Dstyle.color=never dependency:copy \
    -Dartifact=io.zipkin:zipkin-server:3.6.1:jar:exec -DoutputDirectory="$work") >&2; then
    mkdir -p "${zipkin%/*}"
    mv "$work"/zipkin-server-*-exec.jar "$zipkin"
  else
    missing "Zipkin" "It could not be fetched, see above"
  fi
  rm -rf "$work"
}

case ${1:-} in
  install)
    with_lock get_zipkin
    with_lock get_collector
    ;;
  collector) [[ ! -x $collector ]] || echo "$collector" ;;
  zipkin) [[ ! -e $zipkin ]] || echo "$zipkin" ;;
  help | -h | --help) usage ;;
  *)
    usage >&2
    exit 2
    ;;
esac
