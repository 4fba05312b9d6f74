#!/usr/bin/env bash
# Shows that kafka.sh keeps what its README promises, on real brokers in a temporary folder (about a
# minute). It installs into the usual cache if that is empty, and leaves no broker behind.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
work=$(mktemp -d)
trap 'wipe_all; rm -rf "$work"' EXIT

kafka() { "$here/kafka.sh" "$@"; }

wipe_all() {
  local broker
  for broker in "$work"/broker-*; do
    kafka wipe --data "$broker" 2>/dev/null || true
  done
}

story() { printf '%s\n' "- $*"; }

# shows WHAT CONDITION… stops everything if the condition does not hold.
shows() {
  "${@:2}" || {
    printf 'FAILED: %s\n' "$1"
    exit 1
  }
}

# refuses EXIT_CODE WORDS COMMAND… wants that exit code, the words on stderr, and nothing on stdout.
refuses() {
  local code=0 out
  out=$("${@:3}" 2>"$work/stderr") || code=$?
  [[ $code == "$1" && -z $out && $(<"$work/stderr") == *"$2"* ]] || {
    printf 'FAILED: %s\n  wanted exit %s and "%s", got exit %s and:\n' "${*:3}" "$1" "$2" "$code"
    cat "$work/stderr"
    exit 1
  }
}

topics() { kafka tool org.apache.kafka.tools.TopicCommand --bootstrap-server "$@"; }

# fake NAME LINE makes a folder whose program NAME does LINE, to stand first in PATH.
fake() {
  mkdir -p "$work/fake-$1/bin"
  printf '#!/bin/sh\n%s\n' "$2" >"$work/fake-$1/bin/$1"
  chmod +x "$work/fake-$1/bin/$1"
}

one=$work/broker-1
two=$work/broker-2
kafka install

story "wrong use says what is wrong"
refuses 2 "unknown option '--prot'" kafka start --prot 1
refuses 2 "--port needs a value" kafka start --port
refuses 2 "--port 70000 is not a port" kafka start --port 70000
refuses 2 "--profile quick is neither test nor bench" kafka start --profile quick
refuses 2 "--set retries is not KEY=VALUE" kafka start --set retries
refuses 2 "--set listeners is refused" kafka start --set listeners=PLAINTEXT://0.0.0.0:9092
mkdir "$work/mine" && touch "$work/mine/letter.txt"
refuses 64 "holds no broker" kafka start --data "$work/mine"
refuses 64 "holds no broker" kafka wipe --data "$work/mine"
shows "a folder of others is left alone" test -f "$work/mine/letter.txt"

story "what is missing on the machine is named"
fake java 'echo "openjdk version \"11.0.2\" 2019-01-15" >&2'
fake df 'printf "fs blocks used free\n/ 100 90 7 90%% /\n"'
refuses 69 "is 11.0.2, but Kafka" env JAVA_HOME="$work/fake-java" "$here/kafka.sh" install
refuses 69 "no $work/bin/java; install Java 17" env JAVA_HOME="$work" "$here/kafka.sh" install
refuses 69 "no disk: 7 MB are free" env PATH="$work/fake-df/bin:$PATH" "$here/kafka.sh" start --data "$one"
fake mvn 'echo "no route to host" >&2; exit 1'
refuses 69 "mvn could not fetch Kafka" \
  env PATH="$work/fake-mvn/bin:$PATH" QUADRILLE_CACHE="$work/cache" "$here/kafka.sh" install

story "two brokers that start at once answer on two ports"
refuses 3 "no broker runs" kafka status --data "$one"
kafka start --data "$one" >"$work/1" 2>/dev/null &
kafka start --data "$two" --set auto.create.topics.enable=true --set num.partitions=3 >"$work/2" 2>/dev/null
wait $!
address=$(<"$work/1")
shows "stdout is the address alone" test "$(wc -w <"$work/1")" = 1
shows "the ports differ" test "$address" != "$(<"$work/2")"
shows "status names the address" test "$(kafka status --data "$one" | cut -d ' ' -f 1)" = "$address"

story "it is a broker, and --set reaches it"
topics "$address" --create --topic shop --partitions 2 >/dev/null
shows "a topic can be created" test "$(topics "$address" --list)" = shop
produce=(kafka tool org.apache.kafka.tools.ConsoleProducer --bootstrap-server "$(<"$work/2")" --topic born)
echo hello | "${produce[@]}" 2>/dev/null
shows "auto-creation was switched on" test "$(topics "$(<"$work/2")" --list)" = born

story "start is idempotent, and a broker keeps port and topics over a restart, even over SIGKILL"
shows "a second start gives the same address" test "$(kafka start --data "$one" 2>/dev/null)" = "$address"
refuses 64 "already runs, on port ${address##*:} instead of 1234" kafka start --data "$one" --port 1234
kafka stop --data "$one" 2>/dev/null
shows "the port is kept" test "$(kafka start --data "$one" 2>/dev/null)" = "$address"
kill -KILL "$(<"$one/pid")"
shows "the port is kept after a kill" test "$(kafka start --data "$one" 2>/dev/null)" = "$address"
shows "the topic is still there" test "$(topics "$address" --list)" = shop

story "a taken port is refused if it was asked for, and given up for another if it was not"
refuses 64 "is taken; choose another with --port" kafka start --data "$work/broker-3" --port "${address##*:}"
kafka stop --data "$two" 2>/dev/null
echo "$address" >"$two/address"
moved=$(kafka start --data "$two" 2>"$work/stderr")
shows "another port was chosen" test "$moved" != "$address"
shows "it says so" grep -q "port ${address##*:} is taken" "$work/stderr"

story "a broker that dies leaves its last words"
refuses 1 "the broker died while it started" \
  kafka start --data "$work/broker-4" --set metric.reporters=no.such.Reporter
shows "the cause is shown" grep -q "no.such.Reporter" "$work/stderr"
refuses 1 "could not format" kafka start --data "$work/broker-5" --set num.partitions=many
shows "the cause is shown" grep -q "Invalid value many" "$work/stderr"

story "wipe leaves nothing"
kafka wipe --data "$one" 2>/dev/null
shows "the folder is gone" test ! -e "$one"
refuses 3 "no broker runs" kafka status --data "$one"
echo "all as promised"
