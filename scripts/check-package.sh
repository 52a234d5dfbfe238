#!/usr/bin/env bash
# Packs the tarball, installs it in an empty folder as a user would, and uses it there.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
folder=$(mktemp -d)
# Run by root, the server is another user.
chmod 755 "$folder"
trap 'rm -rf "$folder"' EXIT
npm pack --silent --pack-destination "$folder" >/dev/null
cd "$folder"
echo '{"name":"empty","private":true,"type":"module"}' >package.json
npm install --silent --no-audit --no-fund --omit=optional ./structdb-*.tgz
npx structdb --version
ls node_modules/structdb/infra/prometheus/rules/recovery.yml node_modules/structdb/infra/grafana/dashboards/overview.json >/dev/null
npx structdb migrate plan >plan.sql
grep -c . plan.sql
[ "$(grep -ci 'create table' plan.sql)" -ge 7 ]
node "$root/scripts/check-exports.mjs" "$folder"
# What is published is not what the tests run: the command line is bundled. Once around with it.
trap 'npx structdb dev stop --quiet || true; rm -rf "$folder"' EXIT
npx structdb dev start --quiet
npx structdb migrate up --quiet
npx structdb catalog import --quiet
npx structdb backup run --kind base --quiet
npx structdb backup run --kind dump --quiet
npx structdb dr-test --quiet
npx structdb restore --target "$folder/restored" --quiet
npx structdb wal status --quiet
npx structdb doctor --quiet
npx structdb dev stop --quiet
