#!/usr/bin/env bash
# Packs the tarball, installs it in an empty folder as a user would, and uses it there.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm pack --silent --pack-destination "$folder" >/dev/null
cd "$folder"
echo '{"name":"empty","private":true,"type":"module"}' >package.json
npm install --silent --no-audit --no-fund --omit=optional ./structdb-*.tgz
npx structdb --version
npx structdb migrate plan >plan.sql
grep -c . plan.sql
[ "$(grep -ci 'create table' plan.sql)" -ge 7 ]
node "$root/scripts/check-exports.mjs" "$folder"
