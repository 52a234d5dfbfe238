import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { judgeCopy } from '../../src/drill/index.ts';
import { findBackup, readDumpManifest } from '../../src/repository/backups.ts';
import type { DumpManifest } from '../../src/repository/manifest.ts';
import { restoreDump } from '../../src/restore/index.ts';
import { type BackedUp, backedUp } from '../restore/support.ts';
import { testContext } from '../support/context.ts';
import { testPlaces } from '../support/environment.ts';
import { sql, useServer } from '../support/postgres.ts';
import { scratchDirectory } from '../support/scratch.ts';

const server = useServer();
const scratch = await scratchDirectory();
let backup: BackedUp;
let manifest: DumpManifest;
let copy: ConnectionSettings;

beforeAll(async () => {
  backup = await backedUp(server, scratch);
  manifest = await readDumpManifest(await findBackup(backup.store, backup.label));
  copy = await server.createDatabase();
  const { store, label } = backup;
  await restoreDump(
    { store, label, connection: server.superuser, database: copy.database, places: testPlaces() },
    testContext(),
  );
});

afterAll(async () => {
  // Roles that a case made go with the file.
  await sql(server.superuser, (client) => client.query('drop role if exists drill_intruder'));
});

const judge = () => judgeCopy({ connection: copy, manifest, sameMajor: true }, testContext());

describe('A restored copy', () => {
  it('passes every check when nothing was changed, and is not changed by them', async () => {
    for (let twice = 0; twice < 2; twice += 1) {
      expect((await judge()).filter(({ ok }) => !ok)).toEqual([]);
    }
  });

  /** What is changed, how that is undone, and the checks that must fail, with a word of what they say. */
  const cases: [what: string, change: string, undo: string, failing: Record<string, string>][] = [
    [
      'of which one letter of one row differs',
      `alter table projects disable trigger user; update projects set name = 'Project 9?' where name = 'Project 9'; alter table projects enable trigger user`,
      `alter table projects disable trigger user; update projects set name = 'Project 9' where name = 'Project 9?'; alter table projects enable trigger user`,
      { contents: 'public.projects: 30 rows expected and found, but their content differs' },
    ],
    [
      'that has a row too many',
      `insert into pricing_configs (item_code, version, unit_price, currency, unit, effective) values ('DRILL', '1', 1, 'USD', 'lb', '[2026-01-01,)')`,
      `delete from pricing_configs where item_code = 'DRILL'`,
      { contents: 'public.pricing_configs: 3 rows expected, 4 found' },
    ],
    [
      'that has a table too many',
      'create table more (id int)',
      'drop table more',
      { contents: 'public.more is not in the backup', relations: 'public.more was not recorded', columns: 'more' },
    ],
    [
      'whose 30 s limit is gone',
      'alter database :name reset statement_timeout',
      `alter database :name set statement_timeout = '30s'`,
      { settings: 'statement_timeout is missing' },
    ],
    [
      'with a setting of a role that is gone',
      'alter role :owner in database :name reset search_path',
      `alter role :owner in database :name set search_path = '$user', public`,
      { settings: 'search_path of' },
    ],
    [
      'that belongs to somebody else',
      'alter database :name owner to postgres',
      'alter database :name owner to :owner',
      { database: 'owner is postgres' },
    ],
    [
      'with a privilege that nobody recorded',
      'create role drill_intruder; grant create on database :name to drill_intruder',
      'revoke create on database :name from drill_intruder',
      { database: 'drill_intruder CREATE' },
    ],
    [
      'of which a table is open to everybody',
      'grant update on project_events to public',
      'revoke update on project_events from public',
      { relations: 'public.project_events' },
    ],
    [
      'whose comment differs',
      `comment on database :name is 'another'`,
      `comment on database :name is E'it''s the \\\\ platform'`,
      { database: 'comment is another' },
    ],
    [
      'without an index',
      'drop index projects_customer_idx',
      'create index projects_customer_idx on projects (customer)',
      { indexes: 'public.projects_customer_idx is missing' },
    ],
    [
      'without a constraint',
      'alter table pricing_configs drop constraint pricing_configs_effective_excl',
      `alter table pricing_configs add constraint pricing_configs_effective_excl exclude using gist (item_code with =, effective with &&) deferrable initially deferred`,
      { constraints: 'pricing_configs_effective_excl', indexes: 'pricing_configs_effective_excl' },
    ],
    [
      'whose sequence was set back',
      `select setval(pg_get_serial_sequence('project_events', 'event_id'), 5)`,
      `select setval(pg_get_serial_sequence('project_events', 'event_id'), 900)`,
      { sequences: 'would give 6, but 90 is used already' },
    ],
    [
      'without an extension',
      'drop extension btree_gist cascade',
      '',
      { extensions: 'extension btree_gist 1.7 is missing', constraints: 'effective_excl', indexes: 'effective_excl' },
    ],
    [
      'whose audit trigger is gone',
      'drop trigger project_events_refuse_truncate on project_events',
      `create trigger project_events_refuse_truncate before truncate on project_events for each statement execute function refuse_change();
       alter table project_events enable always trigger project_events_refuse_truncate`,
      {
        'audit triggers': 'public.project_events accepts TRUNCATE',
        triggers: 'project_events_refuse_truncate is missing',
      },
    ],
    [
      'whose audit trigger sleeps on replicas',
      'alter table project_payloads enable trigger project_payloads_refuse_change',
      'alter table project_payloads enable always trigger project_payloads_refuse_change',
      { 'audit triggers': 'is not ENABLEd ALWAYS', triggers: 'project_payloads_refuse_change' },
    ],
    [
      'whose audit function lets everything pass',
      `create function kept() returns text language sql as $$ select pg_get_functiondef('refuse_change'::regproc) $$; create or replace function refuse_change() returns trigger language plpgsql as $$ begin return null; end $$`,
      '',
      { 'audit triggers': 'public.project_events accepts UPDATE', functions: 'refuse_change()' },
    ],
  ];

  it.each(cases)('%s is found', async (_what, change, undo, failing) => {
    const named = (text: string) =>
      text.replaceAll(':name', `"${copy.database}"`).replaceAll(':owner', `"${backup.source.user}"`);
    const target = undo === '' ? await server.createDatabase({ template: copy.database }) : copy;
    await sql(target, (client) => client.query(named(change)));
    const checks = await judgeCopy({ connection: target, manifest, sameMajor: true }, testContext());
    if (undo !== '') await sql(copy, (client) => client.query(named(undo)));
    for (const [name, word] of Object.entries(failing)) {
      const found = checks.find((one) => one.name === name)!;
      expect([found.ok, found.details.join('\n')]).toEqual([false, expect.stringContaining(word)]);
    }
    // A template copies no settings, owner, privileges or comment of the database.
    const others = undo === '' ? ['database', 'settings'] : [];
    const unexpected = checks.filter(({ ok, name }) => !ok && !(name in failing) && !others.includes(name));
    expect(unexpected).toEqual([]);
  });

  it('is whole again after all of that', async () => {
    expect((await judge()).filter(({ ok }) => !ok)).toEqual([]);
  });
});
