#!/usr/bin/env bash
# Lays the package out as npm would install it, so that the tests run the program that users run: its command line is
# bundled and starts in half the time of the sources. Prints the path of the program. Quick when nothing has changed.
set -euo pipefail
cd "$(dirname "$0")/.."
# Below node_modules, where what it depends on is found as in any project.
staged=$PWD/node_modules/.structdb-package/node_modules/structdb
stamp=$staged/.stamp
if [ ! -e "$stamp" ] || [ -n "$(find bin src migrations seeds benchmarks/suites catalogs docs infra package.json scripts/build.mjs tsconfig*.json -newer "$stamp" -print -quit)" ]; then
  began=$(mktemp)
  rm -rf "$staged"
  mkdir -p "$staged"
  node scripts/build.mjs >&2
  cp -R bin dist catalogs docs infra package.json CHANGELOG.md "$staged"
  # As old as the moment before the build: what is edited meanwhile is newer.
  mv "$began" "$stamp"
fi
echo "$staged/bin/structdb.js"
