import { StructdbError } from '../core/errors.ts';
import { instantName } from './layout.ts';

/** A `dump` is of one database; `base` and `incremental` are of a cluster. */
export type BackupKind = 'dump' | 'base' | 'incremental';

/** The name of a backup: `<UTC to the millisecond>-<kind>[-<database, percent-encoded>]`. */
export interface LabelParts {
  readonly at: Date;
  readonly kind: BackupKind;
  /** The database of a dump. */
  readonly database?: string | undefined;
}

/** Labels sort by time as strings. */
export function formatLabel(parts: LabelParts): string {
  const database = parts.database === undefined ? '' : `-${encodeName(parts.database)}`;
  return `${instantName(parts.at)}-${parts.kind}${database}`;
}

/** The parts of a label; undefined for a name that is none, such as a folder made by hand. */
export function parseLabel(label: string): LabelParts | undefined {
  const match =
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)\.(\d{3})Z-(dump|base|incremental)(?:-([A-Za-z0-9_%.-]+))?$/.exec(label);
  if (!match) return undefined;
  const [, year, month, day, hour, minute, second, ms, kind, name] = match;
  const at = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}.${ms}Z`);
  const database = name === undefined ? undefined : decodeName(name);
  if (Number.isNaN(at.getTime()) || (name !== undefined && database === undefined)) return undefined;
  const parts = { at, kind: kind as BackupKind, database };
  // One backup has one label: what would be written differently is not structdb's.
  return formatLabel(parts) === label ? parts : undefined;
}

/**
 * The label of a backup begun at `at`. @throws CLOCK_SKEW when it is not later than the last one of its series:
 * labels sort by time, and "newest" must stay true when a clock was set back (pgBackRest refuses the same).
 */
export function nextLabel(parts: LabelParts, last: string | undefined): string {
  const label = formatLabel(parts);
  const lastAt = last === undefined ? undefined : parseLabel(last)?.at;
  if (lastAt && parts.at.getTime() <= lastAt.getTime()) {
    throw new StructdbError(
      'CLOCK_SKEW',
      `The new backup would be ${label}, not later than the last one, ${last}: a clock is wrong.`,
      { hint: "Compare this machine's clock with the server's (date -u; select now()) and run it again." },
    );
  }
  return label;
}

/** Percent-encoded UTF-8 of everything but letters, digits and `_`: a plain file name and S3 key, decodable by eye. */
export function encodeName(name: string): string {
  return [...Buffer.from(name, 'utf8')]
    .map((byte) => {
      const character = String.fromCharCode(byte);
      return /[A-Za-z0-9_]/.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    })
    .join('');
}

function decodeName(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
