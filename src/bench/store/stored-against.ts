import * as z from 'zod';
import type { AgainstResult } from '../against/result.ts';
import { storedAgainst } from './against-schema.ts';

/** Two sides that were timed in turns, as they are kept. */
export interface StoredAgainst {
  readonly result: AgainstResult;
}

export const AGAINST_FILE = {
  mark: 'bench against',
  format: 1,
  schema: z.looseObject({ result: storedAgainst }),
} as const;

/** The file's text. */
export function encodeStoredAgainst({ result }: StoredAgainst): string {
  const { mark, format } = AGAINST_FILE;
  return `{"structdb":"${mark}","format":${format},\n"result":${JSON.stringify(result)}}\n`;
}
