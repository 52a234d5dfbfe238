#!/bin/sh
# Settings and archive program of the cluster in $PGDATA. Both lie on the disk of the data, so that base backups hold the
# settings and segments that are pushed ahead are recognised by their second name.
set -eu
here=$(dirname "$(readlink -f "$0")")
cp "${STRUCTDB_SERVER_CONF:-$here/structdb.conf}" "$PGDATA/structdb.conf"
structdb wal setup "$(dirname "$PGDATA")/structdb" --data-directory "$PGDATA" \
  --config "${STRUCTDB_CONFIG:-/srv/structdb/structdb.config.ts}" --quiet >/dev/null
