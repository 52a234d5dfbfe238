#!/bin/sh
# Runs once, when the cluster was made: settings, archiving, and the role and database of structdb.
set -eu
here=$(dirname "$(readlink -f "$0")")
echo "include 'structdb.conf'" >>"$PGDATA/postgresql.conf"
"$here/prepare.sh"
# The password comes from the environment: arguments of a program can be read by others.
psql -v ON_ERROR_STOP=1 --no-psqlrc --quiet --username "${POSTGRES_USER:-postgres}" --dbname postgres <<'SQL'
\getenv password STRUCTDB_PASSWORD
create role structdb login replication password :'password';
grant pg_monitor to structdb;
create database structdb owner structdb;
\connect structdb
-- Where every exporter looks for it; only a superuser may.
create extension pg_stat_statements schema public;
SQL
