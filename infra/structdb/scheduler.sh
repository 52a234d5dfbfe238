#!/bin/sh
# What `structdb schedule` gives to cron or systemd, for a container that has neither and no root: a loop that starts what is
# due, one after the other, until it is stopped. `scheduler.sh healthy` is its health check; `scheduler.sh once` goes round
# once and ends with 1 where a job failed.
#
# structdb itself knows which backup is due: asking again costs a look at the store.
set -u
state=${STRUCTDB_SCHEDULER_STATE:-.structdb/scheduler}
alive=$state/alive
pause=${STRUCTDB_SCHEDULER_PAUSE:-15}
look=${STRUCTDB_SCHEDULER_LOOK:-1}
failed=0
child=

say() { printf '%s scheduler: %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$*"; }

# Whether it goes round, or waits for a job: a job may take hours.
if [ "${1:-}" = healthy ]; then
  [ -n "$(find "$alive" -newermt '-90 seconds' 2>/dev/null)" ] && exit 0
  say "does not run" >&2
  exit 1
fi

# A job that is told to stop ends at its next safe point.
stop() {
  [ -z "$child" ] || { kill -TERM "$child" 2>/dev/null && wait "$child"; }
  say "stopped"
  exit 0
}
trap stop TERM INT

# job <name> <seconds between two> <seconds after a failure> <arguments of structdb…>
job() {
  name=$1 every=$2 again=$3
  shift 3
  now=$(date +%s)
  next=$(cat "$state/$name.next" 2>/dev/null || echo 0)
  [ "$now" -ge "$next" ] || return 0
  structdb "$@" &
  child=$!
  while kill -0 "$child" 2>/dev/null; do
    touch "$alive"
    sleep "$look" &
    wait $!
  done
  wait "$child"
  code=$?
  child=
  # 4: it was done, and found a broken promise; to do it again at once would find the same.
  case $code in
    0) ;;
    4) say "$name: a promise is broken (exit 4)"; failed=1 ;;
    *) say "$name: exit $code, again in $again s"; failed=1; every=$again ;;
  esac
  echo $(($(date +%s) + every)) >"$state/$name.next"
}

mkdir -p "$state" || exit 1
say "runs: backups every 15 minutes where one is due, the dashboard every 5, prune daily, a drill weekly"
while :; do
  touch "$alive"
  job backup 900 300 backup --no-color
  job dashboard 300 60 dashboard refresh --quiet --no-color
  job prune 86400 3600 backup prune --yes --quiet --no-color
  job drill 604800 3600 dr-test --no-color
  [ "${1:-}" != once ] || exit $failed
  sleep "$pause" &
  wait $!
done
