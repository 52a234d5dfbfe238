#!/usr/bin/env bash
# A PostgreSQL of another major beside the system's own, for tests: bash scripts/install-postgres.sh 18
# Debian's own packages, in a folder of their own (debootstrap), with wrappers that run them under their own libc.
# Idempotent; prints the folder of the programs. structdb does not look there by itself.
set -euo pipefail
major=${1:?major version}
case $major in
  17) suite=trixie ;;
  18) suite=forky ;;
  *) echo "install-postgres: no Debian suite is known for PostgreSQL $major" >&2; exit 2 ;;
esac
root=/var/lib/structdb-test/postgresql-$major
bin=$root/usr/lib/postgresql/$major/bin

install() {
  [ "$(id -u)" = 0 ] || { echo "install-postgres: root is needed to install PostgreSQL $major for tests" >&2; exit 1; }
  echo "setup: installing PostgreSQL $major for tests (debootstrap $suite)" >&2
  command -v debootstrap >/dev/null || { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends debootstrap; } >/dev/null
  # Newer suites are set up like sid; the machine's debootstrap may not know their names yet.
  [ -e "/usr/share/debootstrap/scripts/$suite" ] || ln -s sid "/usr/share/debootstrap/scripts/$suite"
  # What an interrupted run left may have the machine's own /proc and /sys mounted in it.
  for mounted in proc sys; do umount -l "$root/$mounted" 2>/dev/null || true; done
  rm -rf --one-file-system "$root"
  log=$(mktemp)
  debootstrap --variant=minbase --include="postgresql-$major" "$suite" "$root" >"$log" 2>&1 || { tail -n 20 "$log" >&2; exit 1; }
  rm -f "$log"
  chmod 755 "$root"
  mv "$bin" "$bin.real"
  mkdir "$bin"
  for program in "$bin.real"/*; do
    name=$(basename "$program")
    printf '#!/bin/sh\nexec %s/usr/lib64/ld-linux-x86-64.so.2 --argv0 %s/%s --library-path %s/usr/lib/x86_64-linux-gnu %s.real/%s "$@"\n' \
      "$root" "$bin" "$name" "$root" "$bin" "$name" >"$bin/$name"
    chmod 755 "$bin/$name"
  done
  touch "$root/complete"
}

# Test files ask for it at the same time: the first installs, the others wait.
if [ ! -e "$root/complete" ]; then
  mkdir -p "$(dirname "$root")"
  chmod 755 "$(dirname "$root")"
  exec 9>"$root.lock"
  flock 9
  [ -e "$root/complete" ] || install
  exec 9>&-
fi
echo "$bin"
