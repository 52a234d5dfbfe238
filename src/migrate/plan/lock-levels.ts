/**
 * Which lock each form of statement takes, and what it does to the table: the PostgreSQL manual as a table. It says what
 * versions 15 to 18 do; test/migrate/lock-levels.test.ts runs the statements and compares with pg_locks.
 */

/** The table-level locks, weakest first (manual, "Explicit Locking", Table 13.2), with what each keeps waiting. */
export const LOCK_MODES = Object.freeze({
  'ACCESS SHARE': 'blocks nothing but what needs the table alone',
  'ROW SHARE': 'blocks neither reads nor writes',
  'ROW EXCLUSIVE': 'blocks neither reads nor writes; the rows it changes stay locked until the transaction ends',
  'SHARE UPDATE EXCLUSIVE': 'blocks neither reads nor writes, only VACUUM and other schema changes',
  SHARE: 'blocks writes, not reads',
  'SHARE ROW EXCLUSIVE': 'blocks writes, not reads',
  EXCLUSIVE: 'blocks writes, not reads',
  'ACCESS EXCLUSIVE': 'blocks reads and writes',
} as const);

export type LockMode = keyof typeof LOCK_MODES;

/** `scans`: every row is read while the lock is held. `rewrites`: the table, or its indexes too, are written anew. */
export type TableWork = 'none' | 'scans' | 'rewrites';

export interface LockRule {
  readonly mode: LockMode;
  readonly work: TableWork;
  /** What the mode and the work do not say. */
  readonly note?: string;
  /** Page and part of the PostgreSQL manual. */
  readonly source: string;
}

const EXPLICIT = 'Explicit Locking';
const ALTER = 'ALTER TABLE, Description';
const NOTES = 'ALTER TABLE, Notes';

const rule = (mode: LockMode, work: TableWork, source: string, note?: string): LockRule =>
  Object.freeze({ mode, work, source, ...(note === undefined ? {} : { note }) });

export const LOCK_RULES = Object.freeze({
  // reading and writing
  read: rule('ACCESS SHARE', 'none', EXPLICIT),
  'select for update': rule('ROW SHARE', 'none', EXPLICIT),
  write: rule('ROW EXCLUSIVE', 'none', EXPLICIT),
  copy: rule('ROW EXCLUSIVE', 'none', EXPLICIT),
  truncate: rule('ACCESS EXCLUSIVE', 'none', 'TRUNCATE, Notes', 'all rows go'),
  // indexes
  'create index': rule('SHARE', 'scans', 'CREATE INDEX, Building Indexes Concurrently'),
  'create index concurrently': rule(
    'SHARE UPDATE EXCLUSIVE',
    'scans',
    'CREATE INDEX, Building Indexes Concurrently',
    'reads the table twice and waits for every older transaction',
  ),
  'drop index': rule('ACCESS EXCLUSIVE', 'none', 'DROP INDEX, Parameters (CONCURRENTLY)'),
  'drop index concurrently': rule(
    'SHARE UPDATE EXCLUSIVE',
    'none',
    'DROP INDEX, Parameters (CONCURRENTLY)',
    'waits for every transaction that uses the table',
  ),
  reindex: rule('SHARE', 'scans', 'REINDEX, Notes', 'queries that would use the index wait too'),
  'reindex concurrently': rule('SHARE UPDATE EXCLUSIVE', 'scans', 'REINDEX, Rebuilding Indexes Concurrently'),
  'alter index': rule('SHARE UPDATE EXCLUSIVE', 'none', 'ALTER INDEX'),
  // tables and views
  'references a table': rule('SHARE ROW EXCLUSIVE', 'none', 'ALTER TABLE, ADD table_constraint'),
  'create partition': rule('ACCESS EXCLUSIVE', 'none', 'CREATE TABLE, PARTITION OF'),
  inherit: rule('SHARE UPDATE EXCLUSIVE', 'none', EXPLICIT),
  'read whole': rule('ACCESS SHARE', 'scans', EXPLICIT),
  drop: rule('ACCESS EXCLUSIVE', 'none', EXPLICIT),
  'drop a reference': rule('ACCESS EXCLUSIVE', 'none', EXPLICIT, 'its foreign key goes'),
  'replace view': rule('ACCESS EXCLUSIVE', 'none', EXPLICIT),
  'alter view': rule('ACCESS EXCLUSIVE', 'none', EXPLICIT),
  refresh: rule('ACCESS EXCLUSIVE', 'rewrites', 'REFRESH MATERIALIZED VIEW', 'reads the tables of its query'),
  'refresh concurrently': rule(
    'EXCLUSIVE',
    'scans',
    'REFRESH MATERIALIZED VIEW, Parameters (CONCURRENTLY)',
    'reads the tables of its query, writes only the rows that differ',
  ),
  'alter sequence': rule('SHARE ROW EXCLUSIVE', 'none', 'ALTER SEQUENCE, Notes'),
  comment: rule('SHARE UPDATE EXCLUSIVE', 'none', 'COMMENT, Notes'),
  'create statistics': rule('SHARE UPDATE EXCLUSIVE', 'none', EXPLICIT),
  // what hangs on a table
  'create trigger': rule('SHARE ROW EXCLUSIVE', 'none', EXPLICIT),
  'drop trigger': rule('ACCESS EXCLUSIVE', 'none', EXPLICIT),
  rule: rule('ACCESS EXCLUSIVE', 'none', 'CREATE RULE'),
  policy: rule('ACCESS EXCLUSIVE', 'none', EXPLICIT),
  // ALTER TABLE
  'add column': rule('ACCESS EXCLUSIVE', 'none', NOTES),
  'add column, constant default': rule(
    'ACCESS EXCLUSIVE',
    'none',
    NOTES,
    'the default is stored once, no row is written',
  ),
  'add column, unknown default': rule(
    'ACCESS EXCLUSIVE',
    'rewrites',
    NOTES,
    'unless the function of its default is stable or immutable',
  ),
  'add column, volatile default': rule('ACCESS EXCLUSIVE', 'rewrites', NOTES, 'its default is volatile'),
  'add column, generated': rule('ACCESS EXCLUSIVE', 'rewrites', NOTES, 'the column is computed for every row'),
  'add column, checked': rule('ACCESS EXCLUSIVE', 'scans', NOTES, 'every row is checked'),
  'drop column': rule('ACCESS EXCLUSIVE', 'none', NOTES, 'its values go'),
  'alter type': rule(
    'ACCESS EXCLUSIVE',
    'rewrites',
    NOTES,
    'unless the old type is stored alike, as varchar is in text; indexes on the column are built anew then all the same',
  ),
  'set default': rule('ACCESS EXCLUSIVE', 'none', ALTER, 'only for rows to come'),
  'set not null': rule(
    'ACCESS EXCLUSIVE',
    'scans',
    'ALTER TABLE, SET/DROP NOT NULL',
    'unless a valid CHECK (… IS NOT NULL) proves it',
  ),
  'drop not null': rule('ACCESS EXCLUSIVE', 'none', ALTER),
  'set statistics': rule('SHARE UPDATE EXCLUSIVE', 'none', 'ALTER TABLE, SET STATISTICS'),
  'storage parameters': rule('SHARE UPDATE EXCLUSIVE', 'none', 'ALTER TABLE, SET ( storage_parameter )'),
  'add check': rule('ACCESS EXCLUSIVE', 'scans', NOTES),
  'add constraint, not valid': rule('ACCESS EXCLUSIVE', 'none', NOTES, 'rows that are there are not checked'),
  'add unique': rule('ACCESS EXCLUSIVE', 'scans', 'ALTER TABLE, ADD table_constraint', 'builds an index'),
  'add constraint using index': rule('ACCESS EXCLUSIVE', 'none', 'ALTER TABLE, ADD table_constraint_using_index'),
  'add primary key using index': rule(
    'ACCESS EXCLUSIVE',
    'scans',
    'ALTER TABLE, ADD table_constraint_using_index',
    'only for columns that are not NOT NULL yet',
  ),
  'add foreign key': rule('SHARE ROW EXCLUSIVE', 'scans', 'ALTER TABLE, ADD table_constraint'),
  'add foreign key, not valid': rule('SHARE ROW EXCLUSIVE', 'none', NOTES, 'rows that are there are not checked'),
  'validate constraint': rule('SHARE UPDATE EXCLUSIVE', 'scans', 'ALTER TABLE, VALIDATE CONSTRAINT'),
  'validate reference': rule('ROW SHARE', 'none', 'ALTER TABLE, VALIDATE CONSTRAINT'),
  'drop constraint': rule('ACCESS EXCLUSIVE', 'none', ALTER),
  'switch trigger': rule('SHARE ROW EXCLUSIVE', 'none', 'ALTER TABLE, DISABLE/ENABLE TRIGGER'),
  'cluster on': rule('SHARE UPDATE EXCLUSIVE', 'none', 'ALTER TABLE, CLUSTER ON'),
  'move or rewrite': rule('ACCESS EXCLUSIVE', 'rewrites', NOTES),
  'attach partition': rule('SHARE UPDATE EXCLUSIVE', 'none', 'ALTER TABLE, ATTACH PARTITION'),
  'become a partition': rule(
    'ACCESS EXCLUSIVE',
    'scans',
    'ALTER TABLE, ATTACH PARTITION',
    'unless a CHECK proves that every row belongs',
  ),
  'detach partition': rule('ACCESS EXCLUSIVE', 'none', EXPLICIT),
  'detach partition concurrently': rule('SHARE UPDATE EXCLUSIVE', 'none', 'ALTER TABLE, DETACH PARTITION'),
  rename: rule('ACCESS EXCLUSIVE', 'none', ALTER),
  'alter table': rule('ACCESS EXCLUSIVE', 'none', ALTER),
  // maintenance
  vacuum: rule('SHARE UPDATE EXCLUSIVE', 'scans', EXPLICIT),
  'vacuum full': rule('ACCESS EXCLUSIVE', 'rewrites', EXPLICIT),
  analyze: rule('SHARE UPDATE EXCLUSIVE', 'none', EXPLICIT, 'reads a sample'),
  cluster: rule('ACCESS EXCLUSIVE', 'rewrites', EXPLICIT),
});

export type LockForm = keyof typeof LOCK_RULES;

const STRENGTH = Object.keys(LOCK_MODES) as LockMode[];
const WORK: readonly TableWork[] = ['none', 'scans', 'rewrites'];

export function strongerMode(a: LockMode, b: LockMode): LockMode {
  return STRENGTH.indexOf(a) >= STRENGTH.indexOf(b) ? a : b;
}

export function moreWork(a: TableWork, b: TableWork): TableWork {
  return WORK.indexOf(a) >= WORK.indexOf(b) ? a : b;
}

/** `LOCK TABLE`'s mode by the number that the parser gives it (lockdefs.h: 1 is ACCESS SHARE). */
export function modeOfNumber(number: number): LockMode {
  return STRENGTH[number - 1] ?? 'ACCESS EXCLUSIVE';
}

/** `LOCK TABLE` names its own mode. */
export function lockTableRule(mode: LockMode): LockRule {
  return rule(mode, 'none', 'LOCK');
}
