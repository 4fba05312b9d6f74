#!/usr/bin/env bash
# A real Apache Kafka broker for tests and for `make kafka`: one node (KRaft) on 127.0.0.1, from the
# jars of Maven Central, without Docker. Needs Linux, Java 17 or newer, and mvn the first time.
# Only answers go to stdout (start: the address; status: one line); all else goes to stderr.
# shellcheck disable=SC2030,SC2031  # make_archive changes the options for its own subshell, on purpose
set -euo pipefail

readonly host=127.0.0.1
# For what must start soon and does not run long.
readonly short_lived=(-XX:+UseSerialGC -XX:TieredStopAtLevel=1)
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
version=$(sed -n 's:.*<kafka.version>\(.*\)</kafka.version>.*:\1:p' "$here/pom.xml")
cache=${QUADRILLE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/quadrille}/kafka-$version
[[ $cache == /* ]] || cache=$PWD/$cache
libs=$cache/libs

# What the options set.
data=$(cd "$here/../.." && pwd -P)/.quadrille/kafka
port=0
profile="test"
timeout_s=120
properties=()

usage() {
  cat <<'TEXT'
usage: kafka.sh COMMAND [OPTIONS]

  install               fetch the jars (once; all clones share them)
  start                 start a broker, wait until it answers, print its address
  stop                  stop it: SIGTERM, and SIGKILL after 20 s
  status                print address, pid and memory; exit 0 if it answers, 3 if it does not
  wipe                  stop it and delete its data folder
  tool CLASS [ARGS…]    run one of Kafka's command line tools

  --data DIR            the broker's folder, one broker each [.quadrille/kafka in the repository]
  --port PORT           0: the port that the folder had last time, or else a free one [0]
  --profile test|bench  test: 256 MB heap, quick start; bench: 1 GB heap, all optimisations [test]
  --set KEY=VALUE       a broker property; may be repeated
  --timeout SECONDS     how long start waits for an answer [120]
TEXT
}

say() { printf 'kafka: %s\n' "$*" >&2; }

# fail EXIT_CODE MESSAGE, with 1 for failed work, 2 for wrong use, 64 for wrong configuration and 69
# for something out of reach.
fail() {
  say "${*:2}"
  exit "$1"
}

# --- command line -------------------------------------------------------------------------------

parse_options() {
  while (($#)); do
    case $1 in
      --*=*) set -- "${1%%=*}" "${1#*=}" "${@:2}" ;;
      --data | --port | --profile | --timeout | --set) ;;
      *) fail 2 "unknown option '$1'; see kafka.sh help" ;;
    esac
    (($# > 1)) || fail 2 "$1 needs a value; see kafka.sh help"
    case $1 in
      --data) data=$2 ;;
      --port) port=$2 ;;
      --profile) profile=$2 ;;
      --timeout) timeout_s=$2 ;;
      --set) properties+=("$2") ;;
      *) fail 2 "unknown option '$1'; see kafka.sh help" ;;
    esac
    shift 2
  done
  check_options
}

check_options() {
  local property
  [[ $port =~ ^[0-9]{1,5}$ ]] || fail 2 "--port $port is not a port (0 to 65535)"
  port=$((10#$port))
  ((port <= 65535)) || fail 2 "--port $port is not a port (0 to 65535)"
  [[ $timeout_s =~ ^[1-9][0-9]{0,4}$ ]] || fail 2 "--timeout $timeout_s is not a number of seconds"
  [[ $profile =~ ^(test|bench)$ ]] || fail 2 "--profile $profile is neither test nor bench"
  [[ -n $data ]] || fail 2 "--data needs the name of a folder"
  for property in "${properties[@]}"; do
    [[ $property =~ ^[a-z][a-z0-9._-]*= ]] || fail 2 "--set $property is not KEY=VALUE"
    case ${property%%=*} in
      listeners | advertised.listeners | controller.quorum.* | node.id | process.roles | log.dir*)
        fail 2 "--set ${property%%=*} is refused: it follows from --port and --data"
        ;;
    esac
  done
}

# --- Java, jars, disk ---------------------------------------------------------------------------

# Sets java and archive, the class archive that fits this Java.
find_java() {
  java=${JAVA_HOME:+$JAVA_HOME/bin/}java
  command -v "$java" >/dev/null ||
    fail 69 "no $java; install Java 17 or newer (Debian: openjdk-17-jre-headless), or set JAVA_HOME"
  [[ $("$java" -version 2>&1) =~ version\ \"([0-9]+)([^\"]*)\" ]] ||
    fail 69 "cannot tell the version of $java; what does '$java -version' say?"
  ((BASH_REMATCH[1] >= 17)) ||
    fail 69 "$java is ${BASH_REMATCH[1]}${BASH_REMATCH[2]}, but Kafka $version needs Java 17 or newer; set JAVA_HOME"
  archive=$cache/classes-${BASH_REMATCH[1]}${BASH_REMATCH[2]}.jsa
}

# need_room DIR MEGABYTES
need_room() {
  local free
  free=$(df -Pm "$1" | awk 'NR == 2 { print $4 }')
  ((free >= $2)) || fail 69 "no disk: $free MB are free under $1, $2 MB are needed"
}

# Each part appears under its name only when it is whole, so that nobody meets half of it; the lock
# lets a second install wait for the first instead of fetching everything again.
install() {
  find_java
  [[ ! -d $libs || ! -f $archive ]] || return 0
  mkdir -p "$cache" || fail 69 "cannot make the folder $cache; set QUADRILLE_CACHE to another"
  exec 8>"$cache/lock"
  flock -n 8 || {
    say "waiting for another install"
    flock 8
  }
  [[ -d $libs ]] || fetch_jars
  [[ -f $archive ]] || make_archive
  exec 8>&-
}

fetch_jars() {
  command -v mvn >/dev/null || fail 69 "no mvn, which fetches Kafka's jars; install it (Debian: maven)"
  need_room "$cache" 300
  say "fetching Kafka $version from Maven Central into $libs"
  rm -rf "$libs.part"
  mvn -B -q -Dstyle.color=never -f "$here/pom.xml" dependency:copy-dependencies -DoutputDirectory="$libs.part" >&2 ||
    fail 69 "mvn could not fetch Kafka $version, see above; is Maven Central within reach?"
  mv "$libs.part" "$libs"
}

# Java can map the classes of an earlier run instead of loading them again, which halves the time of
# a start. A broker writes the archive when it ends, so one is run for nothing else. Without the
# archive all works, only slower.
make_archive() {
  local folder
  say "preparing a quicker start"
  folder=$(mktemp -d "$cache/archive.XXXXXX")
  if (
    data=$folder port=0 profile="test" properties=() archive=/none
    cd "$folder" && boot "-XX:ArchiveClassesAtExit=$folder/classes.jsa" && halt
  ) && [[ -f $folder/classes.jsa ]]; then
    mv "$folder/classes.jsa" "$archive"
  else
    say "Java wrote no class archive; every start will take longer"
  fi
  rm -rf "$folder"
}

# jvm LOG_LEVEL: sets jvm to the Java command and the options that all calls share.
jvm() {
  jvm=("$java" -Djava.awt.headless=true "-Dlog4j2.configurationFile=$here/log4j2.properties"
    "-Dquadrille.log.level=$1" -cp "$libs/*")
  # An archive of another build of Java is passed over without a word.
  [[ ! -f $archive ]] || jvm+=("-XX:SharedArchiveFile=$archive" -Xlog:cds=off)
}

# --- one broker ---------------------------------------------------------------------------------

# Enters the folder, and holds it against other calls of this script until we end.
claim_data() {
  mkdir -p "$data" || fail 64 "cannot make the folder $data; choose another with --data"
  cd "$data"
  data=$(pwd -P)
  exec 9<"$data"
  flock -w $((timeout_s + 30)) 9 || fail 1 "another kafka.sh is still at work on $data"
  [[ $data -ef /dev/fd/9 ]] || fail 1 "$data was wiped while we waited for it; call again"
  [[ -f $data/server.properties || -z $(ls -A "$data") ]] ||
    fail 64 "$data is not empty and holds no broker; choose another folder with --data"
}

# Sets pid. A pid of before a reboot may now be anyone's, but our broker works in its data folder.
running() {
  [[ -f $data/pid ]] || return 1
  pid=$(<"$data/pid")
  [[ -n $pid && /proc/$pid/cwd -ef $data ]]
}

# Asks as a client does for the list of live brokers (Metadata, version 2, no topics) and looks for
# this broker and its cluster's id in the 65 bytes of the answer. An open port alone says little: the
# broker opens it before it can serve, and it might belong to another program.
answers() {
  local reply id
  id=$(sed -n 's/^cluster.id=//p' "$data/log/meta.properties")
  reply=$(
    exec 2>/dev/null
    exec 3<>"/dev/tcp/$host/$port"
    printf '\0\0\0\016\0\003\0\002\0\0\0\001\377\377\0\0\0\0' >&3
    timeout 2 head -c 65 <&3 | tr -cd '[:print:]'
  ) || return 1
  [[ -n $id && $reply == *"$host"*"$id"* ]]
}

# A free port below those that the kernel lends to outgoing connections: otherwise a client that
# tries again and again while the broker restarts could be lent the broker's own port.
free_port() {
  local candidate
  for _ in {1..100}; do
    candidate=$((20000 + RANDOM % 10000))
    if ! (exec 3<>"/dev/tcp/$host/$candidate") 2>/dev/null; then
      port=$candidate
      return 0
    fi
  done
  fail 1 "found no free port between 20000 and 29999"
}

# The broker is its own controller, whose port nobody else needs to know: the kernel chooses it. The
# log folder is relative, since a properties file cannot hold every name that a folder may have.
write_properties() {
  {
    cat "$here/server.properties"
    printf '\n# From the command line.\n'
    printf 'listeners=PLAINTEXT://%s:%d,CONTROLLER://%s:0\n' "$host" "$port" "$host"
    printf 'controller.quorum.bootstrap.servers=%s:0\n' "$host"
    printf 'log.dirs=log\n'
    ((${#properties[@]} == 0)) || printf '%s\n' "${properties[@]}"
  } >"$data/server.properties"
}

format() {
  local id
  [[ ! -f $data/log/meta.properties ]] || return 0
  # 16 random bytes in base64; without - and _, because the tool takes a leading - for an option.
  id=$(head -c 16 /dev/urandom | base64 | tr '+/' 'AB' | cut -c 1-22)
  jvm WARN
  "${jvm[@]}" -Xmx64m "${short_lived[@]}" kafka.tools.StorageTool format --standalone \
    --cluster-id "$id" --config server.properties >"$data/format.log" 2>&1 || {
    tail -n 20 "$data/format.log" >&2
    rm -rf "$data/log"
    fail 1 "could not format $data/log, see above"
  }
}

# launch [JVM_OPTIONS…] starts the broker in a session of its own, out of the reach of our Ctrl-C.
launch() {
  local size=(-Xms64m -Xmx256m "${short_lived[@]}")
  [[ $profile == test ]] || size=(-Xms1g -Xmx1g -XX:+UseG1GC -XX:MaxGCPauseMillis=20)
  jvm INFO
  setsid "${jvm[@]}" "${size[@]}" "$@" kafka.Kafka server.properties \
    </dev/null >"$data/broker.log" 2>&1 8>&- 9>&- &
  pid=$!
  echo "$pid" >"$data/pid"
}

# Returns 1 when the broker dies before it answers. Our own child is asked for by its number alone: what
# `running` looks at, its folder, cannot always be read while it turns into Java.
wait_for_answer() {
  local deadline=$((SECONDS + timeout_s))
  until answers; do
    kill -0 "$pid" 2>/dev/null || return 1
    ((SECONDS < deadline)) || {
      last_words
      fail 1 "the broker did not answer within $timeout_s s (--timeout); its last lines are above, all in $data/broker.log"
    }
    sleep 0.1
  done
}

# The last lines of the broker's log, without its long lists of settings and stack traces.
last_words() { (grep -v '^[[:space:]]' "$data/broker.log" || true) | tail -n 15 >&2; }

# boot [JVM_OPTIONS…] runs a broker on $port, in the current folder, which must be $data. A port that
# was not asked for is given up for another when it is taken; the broker itself finds that out, so
# that two starts at once cannot both have it.
boot() {
  local asked=$port attempt
  if ((port)); then
    ! (exec 3<>"/dev/tcp/$host/$port") 2>/dev/null || port_taken
  elif [[ -f $data/address ]]; then
    port=$(<"$data/address")
    port=${port##*:}
  fi
  # Whatever ends us before the broker answers ends the broker too.
  trap halt EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  for attempt in {1..5}; do
    ((port)) || free_port
    write_properties
    format
    launch "$@"
    if wait_for_answer; then
      echo "$host:$port" >"$data/address"
      trap - EXIT INT TERM
      return 0
    fi
    grep -q 'Address already in use' "$data/broker.log" || {
      last_words
      fail 1 "the broker died while it started; its last lines are above, all in $data/broker.log"
    }
    ((asked == 0)) || port_taken
    say "port $port is taken (attempt $attempt of 5), trying another"
    port=0
  done
  fail 1 "five ports in a row were taken"
}

port_taken() { fail 64 "port $port of $host is taken; choose another with --port, or leave --port out"; }

halt() {
  running || {
    rm -f "$data/pid"
    return 0
  }
  kill "$pid" 2>/dev/null || true
  for _ in {1..200}; do
    running || break
    sleep 0.1
  done
  if running; then
    say "pid $pid did not end within 20 s of SIGTERM, killing it"
    kill -KILL "$pid" 2>/dev/null || true
    while running; do sleep 0.1; done
  fi
  rm -f "$data/pid"
}

# --- commands -----------------------------------------------------------------------------------

start() {
  local asked=$port
  install
  claim_data
  need_room "$data" 200
  if running; then
    port=$(<"$data/address")
    port=${port##*:}
    ((asked == 0 || asked == port)) ||
      fail 64 "the broker of $data already runs, on port $port instead of $asked; stop it first"
    wait_for_answer || fail 1 "the broker of $data has just ended; see $data/broker.log"
    say "pid $pid runs already; options other than --data have no effect on it"
  else
    boot
    running
    say "pid $pid is ready, its folder is $data"
  fi
  echo "$host:$port"
}

stop() {
  [[ ! -d $data ]] || claim_data
  if ! running; then
    say "no broker runs on $data"
    return 0
  fi
  halt
  say "pid $pid has ended"
}

status() {
  [[ ! -d $data ]] || data=$(cd "$data" && pwd -P)
  running || fail 3 "no broker runs on $data"
  port=$(sed -n "s,^listeners=PLAINTEXT://$host:\([0-9]*\).*,\1,p" "$data/server.properties")
  answers || fail 3 "pid $pid does not answer on $host:$port; see $data/broker.log"
  echo "$host:$port pid=$pid rss_mb=$(awk '/^VmRSS/ { print int($2 / 1024) }' "/proc/$pid/status") data=$data"
}

wipe() {
  [[ -d $data ]] || return 0
  claim_data
  halt
  rm -rf "$data"
}

tool() {
  (($#)) || fail 2 "tool needs a class, such as org.apache.kafka.tools.TopicCommand; see README.md"
  install
  jvm WARN
  exec "${jvm[@]}" -Xmx512m "${short_lived[@]}" "$@"
}

command=${1:-}
shift || true
case $command in
  tool) tool "$@" ;;
  install | start | stop | status | wipe)
    parse_options "$@"
    "$command"
    ;;
  help | -h | --help) usage ;;
  *)
    usage >&2
    exit 2
    ;;
esac
