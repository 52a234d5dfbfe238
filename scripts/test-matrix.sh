#!/usr/bin/env bash
# What is too large for npm test: larger data, server majors, kill points.
set -euo pipefail
cd "$(dirname "$0")/.."
programs=$(bash scripts/install-postgres.sh 18)
STRUCTDB_MATRIX=1 bash scripts/test.sh test/matrix "$@"
# Arguments choose from the matrix alone.
if [ $# = 0 ]; then
  echo "The tests of migrations on PostgreSQL 18"
  STRUCTDB_PROGRAMS=$programs bash scripts/test.sh test/migrate test/migrations
fi
