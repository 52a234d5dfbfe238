import type { Clock } from '../../core/clock.ts';
import { redact } from '../../core/redact.ts';
import { quoteIdentifier } from '../../postgres/connect.ts';
import type { SlowQuery } from '../live.ts';
import type { Sample } from '../metrics/metric.ts';
import type { Ask, Collector, Reading, ServerFacts } from './collector.ts';
import { KeptStatements } from './kept-statements.ts';

/** As many as the page shows. */
const SLOWEST = 10;
/** What is asked for of a text; a metric's label has the shorter one that postgres_exporter has. */
const TEXT_LENGTH = 500;
const LABEL_LENGTH = 120;

const OWN_DATABASE = `(select oid from pg_database where datname = current_database())`;

interface Extension {
  readonly schema: string;
  readonly version: string;
  /** Which of those that were found so far: each has its own questions, and they are prepared once. */
  readonly place: number;
}

interface StatementRow {
  readonly user: string;
  readonly key: string;
  readonly queryId: string;
  readonly calls: number;
  readonly totalMs: number;
  readonly rows: number;
  readonly readMs: number;
  readonly writeMs: number;
}

/**
 * The statements of a database that take the most time, from pg_stat_statements. The server has their texts in a file that it
 * reads whole: they are asked for only when one is told that was not told before.
 */
export class Statements implements Collector {
  readonly name = 'stat_statements';
  readonly scope = 'database';
  readonly #told: number;
  readonly #clock: Clock;
  readonly #kept: KeptStatements;
  /** By the connection that it was found over. */
  #extension: { readonly server: ServerFacts; readonly found: Extension; readonly seesAll: boolean } | undefined;
  readonly #places = new Map<string, number>();
  #texts = new Map<string, string>();
  #slowest: readonly SlowQuery[] = [];

  /** @param told how many, at least 1; up to twice as many while the set changes */
  constructor(told: number, clock: Clock) {
    this.#told = told;
    this.#clock = clock;
    this.#kept = new KeptStatements(told);
  }

  /** As of the last answer, the one that takes the most first. */
  get slowest(): readonly SlowQuery[] {
    return this.#slowest;
  }

  /** The texts of the statements that are told, by their number. */
  get texts(): ReadonlyMap<string, string> {
    return this.#texts;
  }

  async collect(ask: Ask, server: ServerFacts): Promise<Reading> {
    try {
      const { found, seesAll } = await this.#find(ask, server);
      const rows = await this.#read(ask, found);
      const problems = seesAll ? [] : ["sees the user's own statements only: grant the role pg_monitor"];
      return { samples: this.#samples(rows, server.database), problems };
    } catch (error) {
      this.#extension = undefined;
      this.#slowest = [];
      this.#texts = new Map();
      throw error;
    }
  }

  async #find(ask: Ask, server: ServerFacts) {
    if (this.#extension?.server === server) return this.#extension;
    const { rows } = await ask(
      'statements_extension',
      `select n.nspname, e.extversion, pg_has_role('pg_read_all_stats', 'usage')
       from pg_extension e join pg_namespace n on n.oid = e.extnamespace where e.extname = 'pg_stat_statements'`,
    );
    const [row] = rows;
    if (!row) {
      throw new Error(
        'the extension pg_stat_statements is not there: add it to shared_preload_libraries, then ' +
          'create extension pg_stat_statements; or set monitor.statements to 0',
      );
    }
    const [schema, version, seesAll] = row;
    const place = this.#places.get(`${version} ${schema}`) ?? this.#places.size;
    this.#places.set(`${version} ${schema}`, place);
    const found = { schema: schema!, version: version!, place };
    this.#extension = { server, found, seesAll: seesAll === 't' };
    return this.#extension;
  }

  async #read(ask: Ask, extension: Extension): Promise<readonly StatementRow[]> {
    const kept = this.#kept.keys.map((key) => key.split('/'));
    const top = Math.max(this.#told, SLOWEST);
    const { rows } = await ask(`statements ${extension.place}`, statementsQuery(extension), [
      top,
      kept.map(([user]) => user!),
      kept.map(([, queryId]) => queryId!),
    ]);
    const found = rows.map(
      ([user, userId, queryId, calls, totalMs, count, readMs, writeMs]): StatementRow => ({
        user: user!,
        key: `${userId}/${queryId}`,
        queryId: queryId!,
        calls: Number(calls),
        totalMs: Number(totalMs),
        rows: Number(count),
        readMs: Number(readMs),
        writeMs: Number(writeMs),
      }),
    );
    const present = new Map(found.map((row) => [row.key, row]));
    const told = found.slice(0, this.#told).map(({ key }) => key);
    this.#kept.update(told, (key) => present.has(key), this.#clock.monotonicMs());
    const slowest = found.slice(0, SLOWEST);
    const keptRows = this.#kept.keys.map((key) => present.get(key)!);
    await this.#readTexts(ask, extension, new Set([...keptRows, ...slowest].map(({ queryId }) => queryId)));
    this.#slowest = slowest.map((row) => ({
      queryId: row.queryId,
      text: this.#texts.get(row.queryId) ?? '',
      calls: row.calls,
      meanMs: row.calls === 0 ? 0 : row.totalMs / row.calls,
      totalMs: row.totalMs,
      rows: row.rows,
    }));
    return keptRows;
  }

  async #readTexts(ask: Ask, extension: Extension, queryIds: ReadonlySet<string>): Promise<void> {
    const texts = new Map([...this.#texts].filter(([queryId]) => queryIds.has(queryId)));
    const unknown = [...queryIds].filter((queryId) => !texts.has(queryId));
    if (unknown.length > 0) {
      const { rows } = await ask(
        `statement_texts ${extension.place}`,
        `select distinct on (queryid) queryid, left(query, ${TEXT_LENGTH}) from ${functionOf(extension, true)}
         where dbid = ${OWN_DATABASE} and queryid = any($1::int8[]) order by queryid, userid`,
        [unknown],
      );
      // A statement such as ALTER ROLE is kept with its constants: a password has no place in what is shown.
      for (const [queryId, text] of rows)
        texts.set(
          queryId!,
          redact(text ?? '')
            .replaceAll(/\s+/g, ' ')
            .trim(),
        );
    }
    this.#texts = texts;
  }

  #samples(rows: readonly StatementRow[], datname: string): Sample[] {
    return rows.flatMap((row) => {
      const labels = { user: row.user, datname, queryid: row.queryId };
      return [
        { name: 'pg_stat_statements_calls_total', labels, value: row.calls },
        { name: 'pg_stat_statements_seconds_total', labels, value: row.totalMs / 1000 },
        { name: 'pg_stat_statements_rows_total', labels, value: row.rows },
        { name: 'pg_stat_statements_block_read_seconds_total', labels, value: row.readMs / 1000 },
        { name: 'pg_stat_statements_block_write_seconds_total', labels, value: row.writeMs / 1000 },
      ];
    });
  }
}

/**
 * One sample for each statement's text. The same statement in two databases of a server has the same number: told twice, it
 * could not be joined to by that number.
 */
export function textSamples(collectors: readonly Statements[]): Sample[] {
  const texts = new Map(collectors.flatMap(({ texts: own }) => [...own]));
  return [...texts].map(([queryid, text]) => ({
    name: 'pg_stat_statements_query_id',
    labels: { queryid, query: text.slice(0, LABEL_LENGTH) },
    value: 1,
  }));
}

/**
 * Those that take the most time and those that are kept. A statement that runs at the top and inside of functions is two rows
 * there and one fact here; the most are chosen by single rows, since to add up all of them takes the server longer than to
 * read them.
 */
function statementsQuery(extension: Extension): string {
  const total = atLeast(extension, 8) ? 'total_exec_time' : 'total_time';
  const block = atLeast(extension, 11) ? 'shared_blk' : 'blk';
  return `
    with counted as materialized (
      select userid, queryid, calls, ${total} as total, rows, ${block}_read_time as read, ${block}_write_time as write
      from ${functionOf(extension, false)}
      where dbid = ${OWN_DATABASE} and queryid is not null
    ), chosen as (
      (select userid, queryid from counted order by total desc limit $1::int)
      union select userid, queryid from unnest($2::oid[], $3::int8[]) as kept (userid, queryid)
    )
    select pg_get_userbyid(userid), userid, queryid, sum(calls), sum(total), sum(rows), sum(read), sum(write)
    from counted join chosen using (userid, queryid)
    group by userid, queryid
    order by sum(total) desc, userid, queryid`;
}

function functionOf({ schema }: Extension, withTexts: boolean): string {
  return `${quoteIdentifier(schema)}.pg_stat_statements(${withTexts})`;
}

/** The version of the extension says which columns there are: a server that was upgraded may still have an old one. */
function atLeast({ version }: Extension, minor: number): boolean {
  const [major, own] = version.split('.').map(Number);
  return major! > 1 || own! >= minor;
}
