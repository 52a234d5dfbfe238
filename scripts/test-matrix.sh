#!/usr/bin/env bash
# What is too large for npm test: larger data, server majors, kill points.
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/install-postgres.sh 18 >/dev/null
STRUCTDB_MATRIX=1 exec bash scripts/test.sh test/matrix "$@"
