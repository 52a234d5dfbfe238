import { StructdbError } from '../../core/errors.ts';
import type { VersionRow, VersionTable } from '../load/version-tables.ts';
import type { DelimitedLine, RawRecord } from '../reading/delimited.ts';
import { isIsoDate } from '../reading/iso-date.ts';
import { type RowProblem, tooLong } from '../rows.ts';
import {
  bad,
  type CatalogReader,
  type FileLayout,
  type Reading,
  type Recognised,
  recordProblem,
  type Table,
} from './content.ts';
import { refuseUnknownColumns } from './header.ts';

/** Constants or prices in versions with effective dates. */
export interface VersionContent {
  readonly kind: 'versions';
  readonly format: string;
  readonly table: VersionTable;
  readonly records: readonly RawRecord[];
  readonly recognised: Recognised;
  readonly layout?: FileLayout;
  readonly read: (record: DelimitedLine) => Reading<VersionRow>;
}

/** The value of a cell as it is stored, or what is wrong with it. */
export type VersionCell = { readonly value: string } | { readonly reason: string };

/**
 * A reader of versions: a CSV with the table's key, `version`, its values, `effective_from` and, where a version has an end,
 * `effective_to`. The end is exclusive: the first day on which the version is no longer in force.
 */
export function versionReader(
  format: string,
  table: VersionTable,
  readCell: (column: string, text: string) => VersionCell,
): CatalogReader<VersionContent> {
  const necessary = [table.key, 'version', ...table.values.map(({ name }) => name), 'effective_from'];
  const [value] = table.values;
  return Object.freeze({
    format,
    recognises: (header: readonly string[]) =>
      [table.key, 'version', value!.name, 'effective_from'].every((name) => header.includes(name)),
    read: (file: Table): VersionContent => {
      refuseUnknownColumns(file, (name) => necessary.includes(name) || name === 'effective_to', format);
      const missing = necessary.filter((name) => !file.header.includes(name));
      if (missing.length > 0) {
        throw new StructdbError(
          'CATALOG_UNKNOWN',
          `${file.file} looks like ${format}, but it has no column ${missing.join(', ')}.`,
          { hint: 'docs/catalog.md lists the columns of each format.' },
        );
      }
      return {
        kind: 'versions',
        format,
        table,
        records: file.records,
        recognised: file.recognised,
        read: (record) => readVersion(file, table, readCell, record),
      };
    },
  });
}

function readVersion(
  file: Table,
  table: VersionTable,
  readCell: (column: string, text: string) => VersionCell,
  record: DelimitedLine,
): Reading<VersionRow> {
  const cut = recordProblem(file, record);
  if (cut) return bad(cut);
  const cell = (column: string) => record.cells[file.header.indexOf(column)]?.trim() ?? '';
  const problems: RowProblem[] = [];
  const report = (column: string, reason: string) =>
    void problems.push({ file: file.file, line: record.line, column, value: cell(column), reason });
  for (const column of [table.key, 'version']) {
    const reason = wordsReason(cell(column)) ?? tooLong(cell(column));
    if (reason) report(column, reason);
  }
  const values = table.values.map(({ name }) => {
    const read = readCell(name, cell(name));
    if ('reason' in read) report(name, read.reason);
    return 'value' in read ? read.value : '';
  });
  const [from, to] = [cell('effective_from'), cell('effective_to')];
  const notADay = 'not a day of the calendar written as 2026-12-31';
  if (!isIsoDate(from)) report('effective_from', notADay);
  if (to !== '' && !isIsoDate(to)) report('effective_to', notADay);
  else if (to !== '' && to <= from) {
    report('effective_to', `not after ${from}: it is the first day on which the version is no longer in force`);
  }
  if (problems.length > 0) return bad(...problems);
  const row = { line: record.line, name: cell(table.key), version: cell('version'), values, from, to: to || null };
  return { rows: [row], problems };
}

/** Why a text is no name, unit or source, or undefined. */
function wordsReason(text: string): string | undefined {
  if (text === '') return 'must not be empty';
  return /\p{Cc}/u.test(text) ? 'has a control character' : undefined;
}

/** A cell of words; only a description may be empty. */
export function readWords(column: string, text: string): VersionCell {
  const reason = column === 'description' && text === '' ? undefined : wordsReason(text);
  return reason ? { reason } : { value: text };
}
