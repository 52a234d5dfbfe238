import type { DelimitedLine } from '../reading/delimited.ts';
import { type ReferenceRow, tooLong } from '../rows.ts';
import { bad, type CatalogReader, type Reading, type ReferenceContent, recordProblem, type Table } from './content.ts';
import { refuseUnknownColumns } from './header.ts';
import { topicOf } from './topics.ts';

const NECESSARY = ['standard', 'edition', 'section', 'title'] as const;
const COLUMNS = [...NECESSARY, 'topic', 'expression', 'url', 'source'];

/** References to sections of codes: a CSV with standard, edition, section and title; topic, expression and url may follow. */
export const codeReferencesReader: CatalogReader = Object.freeze({
  format: 'code references',
  streams: true,
  recognises: (header: readonly string[]) => NECESSARY.every((name) => header.includes(name)),
  read: readReferences,
});

function readReferences(table: Table): ReferenceContent {
  refuseUnknownColumns(table, (name) => COLUMNS.includes(name), codeReferencesReader.format);
  return {
    kind: 'references',
    format: codeReferencesReader.format,
    records: table.records,
    recognised: table.recognised,
    read: (record) => readReference(table, record),
    columns: new Set([...table.header.filter((name) => name !== 'source' && name !== ''), 'topic']),
  };
}

function readReference(table: Table, record: DelimitedLine): Reading<ReferenceRow> {
  const cell = (name: string) => record.cells[table.header.indexOf(name)]?.trim() ?? '';
  const missing = NECESSARY.find((name) => cell(name) === '');
  const problem = (column: string, reason: string) => ({
    ...{ file: table.file, line: record.line, column, value: cell(column), reason },
  });
  const long = (['standard', 'edition', 'section'] as const).find((name) => tooLong(cell(name)));
  const broken =
    recordProblem(table, record) ??
    (missing && problem(missing, 'must not be empty')) ??
    (long && problem(long, tooLong(cell(long))!));
  if (broken) return bad(broken);
  const row: ReferenceRow = {
    line: record.line,
    standard: cell('standard'),
    edition: cell('edition'),
    section: cell('section'),
    title: cell('title'),
    topic: cell('topic') || topicOf(cell('standard'), cell('section')),
    expression: cell('expression') || null,
    url: cell('url') || null,
  };
  return { rows: [row], problems: [] };
}
