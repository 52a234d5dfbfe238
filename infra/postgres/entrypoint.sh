#!/bin/sh
# Before each start of a cluster that is there: its settings, and the program that archives, as this image has them. Where there
# is none yet, the official entry point makes one and calls init.sh.
set -eu
here=$(dirname "$(readlink -f "$0")")
[ ! -s "$PGDATA/PG_VERSION" ] || "$here/prepare.sh"
exec docker-entrypoint.sh "$@"
