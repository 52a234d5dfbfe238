#!/usr/bin/env bash
# Everything a fresh machine needs, idempotent and quick when there is nothing to do: npm's packages (Node 24 among
# them) and PostgreSQL. It says what it installs. Needs Node (20 or newer) and npm.
# With --tests also what only the tests need: Ceph's S3 gateway, age, PgBouncer, Alembic, Prometheus and Chromium, on Debian.
set -euo pipefail
cd "$(dirname "$0")/.."
# Debian keeps PgBouncer there, and an ordinary user's PATH leaves it out.
export PATH="$PATH:/usr/sbin"
for_tests=
[ "${1:-}" != --tests ] || for_tests=yes

say() { printf '\033[0m%s\n' "setup: $*" >&2; }

# npm ci only when the lock changed since the last time: the stamp is a copy of the lock it installed.
stamp=node_modules/.structdb-lock
if ! cmp -s package-lock.json "$stamp" || [ ! -x node_modules/.bin/node ]; then
  say "installing the npm packages (npm ci)"
  npm ci --no-audit --no-fund --loglevel=error >&2
  cp package-lock.json "$stamp"
fi

have_server() {
  local bin
  for bin in /usr/lib/postgresql/*/bin /opt/homebrew/opt/postgresql@*/bin /usr/local/opt/postgresql@*/bin /Applications/Postgres.app/Contents/Versions/*/bin; do
    [ -x "$bin/initdb" ] && [ -x "$bin/pg_dump" ] && [ "$(basename "$(dirname "$bin")" | tr -dc '0-9.' | cut -d. -f1)" -ge 15 ] 2>/dev/null && return 0
  done
  command -v initdb >/dev/null && command -v pg_dump >/dev/null
}

if ! have_server; then
  if command -v apt-get >/dev/null; then
    as_root=
    [ "$(id -u)" = 0 ] || as_root=sudo
    if [ -z "$as_root" ] || sudo -n true 2>/dev/null; then
      say "installing PostgreSQL (apt-get install postgresql)"
      # Debian would start a cluster of its own on port 5432 otherwise.
      $as_root mkdir -p /etc/postgresql-common
      [ -e /etc/postgresql-common/createcluster.conf ] || echo 'create_main_cluster = false' | $as_root tee /etc/postgresql-common/createcluster.conf >/dev/null
      log=$(mktemp)
      { $as_root apt-get update -qq && $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends postgresql postgresql-contrib; } >"$log" 2>&1 || {
        tail -n 20 "$log" >&2
        say "PostgreSQL could not be installed; npm's embedded server serves for everything but backups"
      }
      rm -f "$log"
    else
      say "PostgreSQL is missing and sudo needs a password: run  sudo apt-get install postgresql"
    fi
  elif command -v brew >/dev/null; then
    say "installing PostgreSQL (brew install postgresql@17)"
    brew install postgresql@17 >&2 || say "PostgreSQL could not be installed; npm's embedded server serves for everything but backups"
  else
    say "PostgreSQL is missing: install version 15 or newer for backups; npm's embedded server serves for the rest"
  fi
fi

# A real S3 server for the tests: Ceph's gateway with the two servers it stands on; age, which backups are encrypted with;
# fish, whose completion is tried in it; PgBouncer, which migrations must see through; Alembic, whose databases `migrate
# baseline` adopts; Prometheus, which reads what `monitor serve` tells, the exporter whose names it keeps, and
# docker-compose, which validates infra/; Chromium, which shows reports (elsewhere than on Debian a package of that name
# may be none: the test takes Chrome too).
install_for_tests() {
  local program package as_root= log policy=/usr/sbin/policy-rc.d forbidden= packages=()
  for program in radosgw:radosgw ceph-mon:ceph-mon ceph-osd:ceph-osd age:age zstd:zstd fish:fish pgbouncer:pgbouncer alembic:alembic \
    prometheus:prometheus prometheus-postgres-exporter:prometheus-postgres-exporter docker-compose:docker-compose; do
    command -v "${program%%:*}" >/dev/null || packages+=("${program##*:}")
  done
  if grep -qx 'ID=debian' /etc/os-release && ! command -v chromium >/dev/null; then
    # A browser without any font measures nothing.
    packages+=(chromium fonts-dejavu-core)
  fi
  # Alembic's driver is a module of the system's Python.
  /usr/bin/python3 -c 'import psycopg2' 2>/dev/null || packages+=(python3-psycopg2)
  [ ${#packages[@]} -gt 0 ] || return 0
  [ "$(id -u)" = 0 ] || as_root=sudo
  if [ -n "$as_root" ] && ! sudo -n true 2>/dev/null; then
    say "the tests with S3 and encryption need  sudo apt-get install --no-install-recommends ${packages[*]}"
    return 0
  fi
  say "installing what the tests need (apt-get install ${packages[*]})"
  # No server of these packages may start by itself (Debian Policy 9.3.3.1: invoke-rc.d asks this program).
  if [ ! -e "$policy" ]; then
    forbidden=yes
    # Also when it is interrupted: no other package may find it.
    trap "$as_root rm -f $policy" EXIT
    printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
    $as_root chmod 755 "$policy"
  fi
  log=$(mktemp)
  { $as_root apt-get update -qq && $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${packages[@]}"; } >"$log" 2>&1 || {
    tail -n 20 "$log" >&2
    say "they could not be installed; the tests that need them are skipped (with CI=true they fail)"
  }
  rm -f "$log"
  [ -z "$forbidden" ] || $as_root rm -f "$policy"
}

if [ -n "$for_tests" ] && [ -e /etc/debian_version ] && command -v apt-get >/dev/null; then install_for_tests; fi

# PostgreSQL refuses to run as root, and no other user can run anything below a closed root directory (some images have one).
if [ "$(id -u)" = 0 ] && [ "$(uname)" = Linux ] && [ $((0$(stat -c %a /) & 1)) = 0 ]; then
  say "opening the root directory to the server's user (chmod a+x /)"
  chmod a+x / || say "it could not be opened; run structdb as another user than root"
fi
