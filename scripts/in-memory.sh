#!/usr/bin/env bash
# Runs a command with structdb's temporary files in memory: the servers of the tests and of drills live there, and waiting
# for a disk to keep what is thrown away a second later is a quarter of their time. Where memory is short, they stay on disk.
set -euo pipefail

memory=/dev/shm
needed=$((6 * 1024 * 1024))
free=$(df --output=avail -k "$memory" 2>/dev/null | tail -n 1 || echo 0)
unused=$(awk '/^MemAvailable:/ { print $2 }' /proc/meminfo 2>/dev/null || echo 0)
if [ -n "${STRUCTDB_SCRATCH:-}" ] || [ "${free:-0}" -lt "$needed" ] || [ "${unused:-0}" -lt $((2 * needed)) ]; then exec "$@"; fi

# What a run that was killed left behind.
for left in "$memory"/structdb-tests.*; do
  [ ! -d "$left" ] || kill -0 "${left##*.}" 2>/dev/null || rm -rf "$left"
done
STRUCTDB_SCRATCH=$memory/structdb-tests.$$
export STRUCTDB_SCRATCH
mkdir -m 1777 "$STRUCTDB_SCRATCH"
trap 'rm -rf "$STRUCTDB_SCRATCH"' EXIT
"$@"
