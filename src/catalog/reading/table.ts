import { StructdbError } from '../../core/errors.ts';
import type { Table } from '../readers/content.ts';
import { decodeText } from './decode.ts';
import { splitRecords } from './delimited.ts';

/** The bytes of a file as a table. @throws CATALOG_UNREADABLE when there is no table in them */
export function readTable(bytes: Uint8Array, file: string): Table {
  const [first, ...records] = splitRecords(decodeText(bytes, file), file);
  if (first === undefined) {
    throw new StructdbError('CATALOG_UNREADABLE', `${file} is empty.`, { hint: 'Fetch the file again.' });
  }
  return { file, header: first.cells().map((cell) => cell.trim()), records };
}
