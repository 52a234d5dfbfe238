import { StructdbError } from '../../core/errors.ts';
import type { Table } from '../readers/content.ts';
import { decodeText } from './decode.ts';
import { delimiterOf, splitRecords } from './delimited.ts';
import type { Encoding } from './encodings.ts';
import { refuseOtherFiles } from './other-files.ts';

/**
 * The bytes of a text file as a table.
 * @param declared the encoding that the user says it is in
 * @throws CATALOG_UNREADABLE when there is no table in them
 */
export function readTable(bytes: Uint8Array, file: string, declared?: Encoding): Table {
  refuseOtherFiles(bytes, file);
  const { text, encoding } = decodeText(bytes, file, declared);
  const [first, ...records] = splitRecords(text, file);
  if (first === undefined) {
    throw new StructdbError('CATALOG_UNREADABLE', `${file} is empty.`, { hint: 'Fetch the file again.' });
  }
  const delimiter = delimiterOf(text);
  return { file, header: first.cells().map((cell) => cell.trim()), records, recognised: { encoding, delimiter } };
}
