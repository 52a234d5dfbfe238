import { StructdbError } from '../../core/errors.ts';
import type { Table } from './content.ts';

/** Refuses a header that the format does not know, or has twice: a column that is silently dropped is a lost value. */
export function refuseUnknownColumns(table: Table, known: (name: string) => boolean, format: string): void {
  table.header.forEach((name, at) => {
    if (table.leftOut?.has(at)) return;
    const repeated = table.header.indexOf(name) !== at;
    if (!repeated && known(name)) return;
    const reason = name === '' ? 'has no header' : `"${name}" ${repeated ? 'occurs twice' : 'is none of the format'}`;
    throw new StructdbError('CATALOG_UNKNOWN', `${table.file} looks like ${format}, but column ${at + 1} ${reason}.`, {
      hint: 'docs/catalog.md lists the columns of each format.',
    });
  });
}
