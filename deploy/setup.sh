#!/usr/bin/env bash
# Installs what is missing on Debian and Ubuntu, and says on other systems what is needed.
# A second call finds all there and does nothing.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
root=$(dirname "$here")
venv=$root/.quadrille/venv
packages=()

usage() {
  cat <<'TEXT'
usage: setup.sh build|ui|kafka|test

  build   what `cargo build` needs: gcc, make, pkg-config, and the headers of OpenSSL and zlib
  ui      that, and what the web UI is built with: npm, and Node 20.19 or newer
  kafka   what a real Kafka needs: Java 17 or newer, and Maven to fetch it
  test    all of it, kcat, Chromium, and a Python environment in .quadrille/venv for the tests with
          foreign clients
TEXT
}

say() { printf 'setup: %s\n' "$*" >&2; }

# fail EXIT_CODE MESSAGE
fail() {
  say "${*:2}"
  exit "$1"
}

# need PACKAGE COMMAND… notes the package if the command fails.
need() {
  "${@:2}" >/dev/null 2>&1 || packages+=("$1")
}

has() { command -v "$1"; }

# An older Java than Kafka wants counts as none.
has_java() {
  local java=${JAVA_HOME:+$JAVA_HOME/bin/}java
  has "$java" && [[ $("$java" -version 2>&1) =~ version\ \"([0-9]+) ]] && ((BASH_REMATCH[1] >= 17))
}

# Python's own module says so itself: Debian ships venv without what it needs to install anything.
has_venv() { python3 -c 'import ensurepip, venv'; }

need_rust() {
  has cargo >/dev/null || fail 69 "no cargo: install Rust as https://rustup.rs says, open a new shell, and call again"
  local wanted found
  wanted=$(sed -n 's/^channel = "\(.*\)"/\1/p' "$root/rust-toolchain.toml")
  # Under rustup this fetches the wanted toolchain, where it is not there yet.
  found=$(cd "$root" && rustc --version | cut -d ' ' -f 2)
  [[ $(printf '%s\n' "$wanted" "$found" | sort -V | head -n 1) == "$wanted" ]] ||
    fail 69 "rustc is $found, but $wanted or newer is needed: install it as https://rustup.rs says"
}

need_build() {
  need_rust
  need gcc has gcc
  need libc6-dev test -e /usr/include/stdlib.h
  need make has make
  need pkg-config has pkg-config
  need libssl-dev pkg-config --exists libssl
  need zlib1g-dev pkg-config --exists zlib
}

need_ui() {
  need_build
  need npm has npm
}

need_kafka() {
  need java has_java
  need maven has mvn
}

need_test() {
  need_ui
  need_kafka
  need chromium has chromium
  need kcat has kcat
  need python3 has python3
  need python3-venv has_venv
}

# Installs the packages that were noted.
install() {
  ((${#packages[@]})) || return 0
  has apt-get >/dev/null ||
    fail 69 "missing, by their Debian names: ${packages[*]}. There is no apt-get here: install them as your system does, and call again"
  local as_root=()
  if ((EUID)); then
    has sudo >/dev/null ||
      fail 69 "missing: ${packages[*]}. Install them as root with apt-get, and call again"
    as_root=(sudo)
  fi
  "${as_root[@]}" apt-get update -qq
  choose_java
  say "installing ${packages[*]}"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${packages[@]}" >&2
}

# Java 17 where the system has it, or else its default, which is newer.
choose_java() {
  local at name="openjdk-17-jre-headless"
  apt-cache policy "$name" | grep -q 'Candidate: [0-9]' || name="default-jre-headless"
  for at in "${!packages[@]}"; do
    [[ ${packages[$at]} != java ]] || packages[at]=$name
  done
}

# Made again where the list of what it holds has changed.
make_venv() {
  local wanted=$root/tests/foreign/requirements.txt
  if cmp -s "$wanted" "$venv/requirements.txt"; then
    return 0
  fi
  say "making a Python environment in .quadrille/venv"
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: -r "$wanted"
  cp "$wanted" "$venv/requirements.txt"
}

# A distribution's Node may be too old: then one of our own, which npm has as a package.
make_node() {
  local own=$root/.quadrille/node wanted=20.19.0 found
  PATH=$own/node_modules/.bin:$PATH
  found=$(node --version 2>/dev/null || echo v0)
  [[ $(printf '%s\n' "$wanted" "${found#v}" | sort -V | head -n 1) == "$wanted" ]] && return 0
  say "Node is ${found#v}, but $wanted or newer is needed: fetching one into .quadrille/node"
  mkdir -p "$own"
  npm install --prefix "$own" --no-fund --no-audit --loglevel=error node@22 >&2
}

case ${1:-} in
  build)
    need_build
    install
    ;;
  ui)
    need_ui
    install
    make_node
    ;;
  kafka)
    need_kafka
    install
    ;;
  test)
    need_test
    install
    make_node
    make_venv
    ;;
  help | -h | --help) usage ;;
  *)
    usage >&2
    exit 2
    ;;
esac
