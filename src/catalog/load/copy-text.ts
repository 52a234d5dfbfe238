import type { Batches } from '../batches.ts';
import type { StagedRow, TargetTable } from './tables.ts';

/** A write to the socket each: small enough that the server begins early. */
const CHUNK_CHARACTERS = 65_536;

/** Rows in the text format of COPY, in chunks of whole rows. */
export async function* copyText(batches: Batches<StagedRow['cells']>, table: TargetTable): AsyncGenerator<Buffer> {
  const isNumeric = [...table.key.map(() => false), ...table.values.map(({ type }) => type === 'numeric')];
  let chunk = '';
  for await (const batch of batches) {
    for (const row of batch) {
      for (let at = 0; at < row.length; at += 1) {
        const cell = row[at] as string | null;
        chunk += `${at === 0 ? '' : '\t'}${cell === null ? '\\N' : isNumeric[at] ? cell : escapeCell(cell)}`;
      }
      chunk += '\n';
      if (chunk.length < CHUNK_CHARACTERS) continue;
      yield Buffer.from(chunk);
      chunk = '';
    }
  }
  if (chunk !== '') yield Buffer.from(chunk);
}

function escapeCell(cell: string): string {
  return /[\\\t\n\r]/.test(cell)
    ? cell.replaceAll('\\', '\\\\').replaceAll('\t', '\\t').replaceAll('\n', '\\n').replaceAll('\r', '\\r')
    : cell;
}
