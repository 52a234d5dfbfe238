import { parseDecimal } from '../reading/decimal.ts';
import type { Version, VersionRow, VersionTable } from './version-tables.ts';

/** A range without an end that got one, because its successor begins. */
export interface ClosedRange {
  readonly name: string;
  readonly version: string;
  /** The successor's first day, on which this version is no longer in force: `YYYY-MM-DD`. */
  readonly at: string;
}

export interface VersionConflict {
  readonly line: number;
  readonly column: string;
  readonly value: string;
  readonly reason: string;
}

/** What the rows of a file would do to the versions that are there. With conflicts, nothing is done. */
export interface VersionPlan {
  /** With the end that a successor in the same file gives them. */
  readonly inserted: readonly VersionRow[];
  /** Stored versions that get an end: from the file, or because their successor begins. */
  readonly ended: readonly ClosedRange[];
  /** Of the ranges that the run closed, stored ones and those of the file. */
  readonly closed: readonly ClosedRange[];
  /** Rows of the file whose stored version changes. */
  readonly updated: number;
  readonly unchanged: number;
  readonly conflicts: readonly VersionConflict[];
}

/**
 * Fits the versions of a file among those that are stored, so that on every day at most one version of a name is in force.
 * A new version closes the range of its predecessor where that has no end, on its own first day. Any other overlap is a
 * conflict, and so is another content under a version that is there: calculations cite it. The order of rows does not matter.
 */
export function planVersions(
  table: VersionTable,
  stored: readonly Version[],
  given: readonly VersionRow[],
): VersionPlan {
  const known = Map.groupBy(stored, ({ name }) => name);
  const plans = [...Map.groupBy(given, ({ name }) => name)].map(([name, rows]) =>
    planName(table, known.get(name) ?? [], rows),
  );
  return {
    inserted: plans.flatMap(({ inserted }) => inserted),
    ended: plans.flatMap(({ ended }) => ended),
    closed: plans.flatMap(({ closed }) => closed),
    updated: plans.reduce((sum, { updated }) => sum + updated, 0),
    unchanged: plans.reduce((sum, { unchanged }) => sum + unchanged, 0),
    conflicts: plans.flatMap(({ conflicts }) => conflicts).toSorted((a, b) => a.line - b.line),
  };
}

/** A version on the time line of its name. */
interface Placed {
  readonly version: string;
  readonly from: string;
  to: string | null;
  /** The end that is stored; undefined for a new version. */
  readonly storedTo: string | null | undefined;
  /** The row of the file, where there is one. */
  row?: VersionRow;
}

function planName(table: VersionTable, stored: readonly Version[], rows: readonly VersionRow[]): VersionPlan {
  const conflicts: VersionConflict[] = [];
  const placed = new Map<string, Placed>(
    stored.map(({ version, from, to }) => [version, { version, from, to, storedTo: to }]),
  );
  const contents = new Map(stored.map((version) => [version.version, version]));
  for (const row of rows) {
    const there = placed.get(row.version);
    if (there?.row) {
      conflicts.push(conflict(row, 'version', row.version, `the same version stands on line ${there.row.line}`));
    } else if (there) {
      there.row = row;
      const change = changeOf(table, contents.get(row.version)!, row);
      if (change) conflicts.push(change);
      else there.to = row.to ?? there.to;
    } else {
      placed.set(row.version, { version: row.version, from: row.from, to: row.to, storedTo: undefined, row });
    }
  }
  const closed = [...closeOpenRanges(rows[0]!.name, [...placed.values()], conflicts)];
  const all = [...placed.values()];
  const ended = all.filter(({ to, storedTo }) => storedTo === null && to !== null);
  const updated = ended.filter(({ row }) => row !== undefined).length;
  const inserted = all.flatMap(({ row, to, storedTo }) => (row && storedTo === undefined ? [{ ...row, to }] : []));
  return {
    inserted,
    ended: ended.map(({ version, to }) => ({ name: rows[0]!.name, version, at: to! })),
    closed,
    updated,
    unchanged: rows.length - inserted.length - updated,
    conflicts,
  };
}

/** Walks along the time line; whatever still overlaps after open ranges are closed is a conflict. */
function* closeOpenRanges(
  name: string,
  placed: readonly Placed[],
  conflicts: VersionConflict[],
): Generator<ClosedRange> {
  const isNew = (one: Placed) => one.storedTo === undefined;
  const inOrder = placed.toSorted((a, b) => compare(a.from, b.from) || Number(isNew(a)) - Number(isNew(b)));
  // The one that reaches furthest so far.
  let last: Placed | undefined;
  for (const next of inOrder) {
    if (last && (last.to === null || last.to > next.from)) {
      if (last.to === null && last.from < next.from && isNew(next)) {
        last.to = next.from;
        yield { name, version: last.version, at: next.from };
      } else {
        conflicts.push(overlap(name, last, next));
      }
    }
    if (!last || next.to === null || (last.to !== null && next.to >= last.to)) last = next;
  }
}

function overlap(name: string, earlier: Placed, later: Placed): VersionConflict {
  const [row, own, other] =
    later.row && later.storedTo === undefined ? [later.row, later, earlier] : [earlier.row!, earlier, later];
  const place = other.storedTo === undefined ? `of line ${other.row!.line}` : 'in the database';
  const advice = own === earlier && own.to === null ? `; give it effective_to ${other.from}` : '';
  return conflict(
    row,
    'effective_from',
    own.from,
    `version ${own.version} of ${name} (${rangeText(own)}) overlaps version ${other.version} (${rangeText(other)}) ${place}${advice}`,
  );
}

/** `2026-01-01 to 2026-07-01`, `from 2026-01-01`. */
export function rangeText({ from, to }: Pick<Version, 'from' | 'to'>): string {
  return to === null ? `from ${from}` : `${from} to ${to}`;
}

/** What a file says otherwise about a version that is there. No end says nothing: the stored one came from a successor. */
function changeOf(table: VersionTable, stored: Version, row: VersionRow): VersionConflict | undefined {
  const rule = 'a released version is never changed: give it a new version';
  const differs = (column: string, value: string, was: string) =>
    conflict(row, column, value, `version ${row.version} of ${row.name} has "${was}" in the database; ${rule}`);
  for (const [at, { name, type }] of table.values.entries()) {
    const [value, was] = [row.values[at]!, stored.values[at]!];
    const same = type === 'numeric' ? parseDecimal(value) === parseDecimal(was) : value === was;
    if (!same) return differs(name, value, was);
  }
  if (row.from !== stored.from) return differs('effective_from', row.from, stored.from);
  if (row.to !== null && stored.to !== null && row.to !== stored.to) {
    return differs('effective_to', row.to, stored.to);
  }
  return undefined;
}

function conflict(row: VersionRow, column: string, value: string, reason: string): VersionConflict {
  return { line: row.line, column, value, reason };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
