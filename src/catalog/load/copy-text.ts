import { countStreamed } from '../../core/streamed.ts';
import type { Batches } from '../batches.ts';
import type { StagedRow, TargetTable } from './tables.ts';

/** A write to the socket each: small enough that the server begins early. */
const CHUNK_BYTES = 64 * 1024;
/** Of a character in UTF-8, by the units of a JavaScript string. */
const MOST_BYTES = 3;

/**
 * Rows in the text format of COPY, in chunks of whole rows. Each row is written into the chunk's bytes at once: a string that
 * grows by appending is thousands of objects until it is used, which outlive the collections that come meanwhile.
 */
export async function* copyText(batches: Batches<StagedRow['cells']>, table: TargetTable): AsyncGenerator<Buffer> {
  const isNumeric = [...table.key.map(() => false), ...table.values.map(({ type }) => type === 'numeric')];
  let chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  let size = 0;
  for await (const batch of batches) {
    for (const row of batch) {
      let line = '';
      for (let at = 0; at < row.length; at += 1) {
        const cell = row[at] as string | null;
        line += `${at === 0 ? '' : '\t'}${cell === null ? '\\N' : isNumeric[at] ? cell : escapeCell(cell)}`;
      }
      line += '\n';
      const most = line.length * MOST_BYTES;
      if (most > chunk.length - size) {
        if (size > 0) {
          yield chunk.subarray(0, size);
          countStreamed(size);
        }
        chunk = Buffer.allocUnsafeSlow(Math.max(CHUNK_BYTES, most));
        size = 0;
      }
      size += chunk.write(line, size);
    }
  }
  if (size > 0) yield chunk.subarray(0, size);
}

function escapeCell(cell: string): string {
  return /[\\\t\n\r]/.test(cell)
    ? cell.replaceAll('\\', '\\\\').replaceAll('\t', '\\t').replaceAll('\n', '\\n').replaceAll('\r', '\\r')
    : cell;
}
