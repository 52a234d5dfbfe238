#!/usr/bin/env bash
# npm test: sets up what is missing, then runs the suite. Arguments go to jest.
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/setup.sh --tests
# Behind everything, /usr/sbin: Debian keeps PgBouncer there.
export PATH="$PWD/node_modules/.bin:$PATH:/usr/sbin" NODE_NO_WARNINGS=1
STRUCTDB_TEST_PROGRAM=$(bash scripts/stage-package.sh)
export STRUCTDB_TEST_PROGRAM
exec bash scripts/in-memory.sh node --experimental-vm-modules node_modules/jest/bin/jest.js "$@"
