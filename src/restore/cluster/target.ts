import { StructdbError } from '../../core/errors.ts';
import { formatInstant } from '../../core/instant.ts';
import { formatLsn, type Lsn, parseLsn } from '../../core/lsn.ts';

/** Where replay stops. `inclusive` false: just before what was named, so that a mistake is not repeated. */
export type RecoveryTarget =
  /** Everything that the archive holds. `acceptGap`: where a segment is missing, everything before it. */
  | { readonly kind: 'latest'; readonly acceptGap?: boolean }
  /** As soon as the backup is consistent. */
  | { readonly kind: 'immediate' }
  | {
      readonly kind: 'time';
      readonly at: Date;
      /** 0 to 999, beyond the milliseconds of `at`. */
      readonly micros?: number;
      readonly inclusive: boolean;
    }
  | { readonly kind: 'lsn'; readonly lsn: Lsn; readonly inclusive: boolean }
  | { readonly kind: 'xid'; readonly xid: string; readonly inclusive: boolean }
  | { readonly kind: 'name'; readonly name: string };

/** What a user writes; at most one of the first five. */
export interface TargetWords {
  readonly time?: string | undefined;
  readonly lsn?: string | undefined;
  readonly xid?: string | undefined;
  readonly name?: string | undefined;
  readonly endOfBackup?: boolean | undefined;
  /** Stop before and not behind it. */
  readonly exclusive?: boolean | undefined;
  /** Only with none of the others. */
  readonly acceptGap?: boolean | undefined;
}

/** @throws USAGE naming the right form */
export function parseTarget(words: TargetWords): RecoveryTarget {
  const { time, lsn, xid, name, endOfBackup } = words;
  const given = [
    ...(time === undefined ? [] : ['--to']),
    ...(lsn === undefined ? [] : ['--to-lsn']),
    ...(xid === undefined ? [] : ['--to-xid']),
    ...(name === undefined ? [] : ['--to-name']),
    ...(endOfBackup ? ['--to-end-of-backup'] : []),
  ];
  if (given.length > 1) throw new StructdbError('USAGE', `${given.join(' and ')} exclude each other: name one target.`);
  const inclusive = words.exclusive !== true;
  if (!inclusive && (given.length === 0 || name !== undefined || endOfBackup)) {
    throw new StructdbError('USAGE', '--exclusive needs --to, --to-lsn or --to-xid: it stops just before that.');
  }
  if (words.acceptGap && given.length > 0) {
    throw new StructdbError('USAGE', `--accept-gap goes without ${given[0]}: it restores everything before a gap.`);
  }
  if (time !== undefined) return { kind: 'time', ...parseInstant(time), inclusive };
  if (lsn !== undefined) {
    const parsed = parseLsn(lsn);
    if (parsed === undefined) {
      throw new StructdbError('USAGE', `"${lsn}" is no LSN.`, {
        hint: 'Write it as PostgreSQL does: --to-lsn 16/B374D848',
      });
    }
    return { kind: 'lsn', lsn: parsed, inclusive };
  }
  if (xid !== undefined) {
    if (!/^[1-9]\d{0,19}$/.test(xid)) {
      throw new StructdbError('USAGE', `"${xid}" is no number of a transaction.`, {
        hint: 'pg_current_xact_id() and log_line_prefix %x tell it: --to-xid 4711',
      });
    }
    return { kind: 'xid', xid, inclusive };
  }
  if (name !== undefined) {
    if (name === '' || Buffer.byteLength(name) > 63) {
      throw new StructdbError('USAGE', 'A restore point has a name of 1 to 63 bytes.');
    }
    return { kind: 'name', name };
  }
  if (endOfBackup) return { kind: 'immediate' };
  return words.acceptGap ? { kind: 'latest', acceptGap: true } : { kind: 'latest' };
}

const INSTANT = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(:\d\d)?(?:\.(\d{1,6}))?\s*(Z|UTC|[+-]\d\d(?::?\d\d)?)?$/i;

/** @throws USAGE: an instant without an offset is another one on each machine */
function parseInstant(text: string): { at: Date; micros: number } {
  const match = INSTANT.exec(text.trim());
  const offsetText = match?.[5];
  const example = `--to "${match ? text.trim().replace(/\s*[A-Z]+$/i, '') : '2026-11-25 14:30:00'}+00:00"`;
  if (match && offsetText === undefined) {
    throw new StructdbError('USAGE', `"${text}" has no offset from UTC, so it is another instant on each machine.`, {
      hint: `Write the offset: ${example}   (Z, +01:00, -05:30 …)`,
    });
  }
  const [, day, minute, second = ':00', fraction = ''] = match ?? [];
  const digits = /^([+-]\d\d):?(\d\d)?$/.exec(offsetText ?? '');
  const offset = digits ? `${digits[1]}:${digits[2] ?? '00'}` : 'Z';
  const padded = fraction.padEnd(6, '0');
  const at = new Date(`${day}T${minute}${second}.${padded.slice(0, 3)}${offset}`);
  // Date takes 31 February for 3 March: the day must survive.
  const plain = new Date(`${day}T00:00:00Z`);
  if (!match || Number.isNaN(at.getTime()) || plain.toISOString().slice(0, 10) !== day) {
    throw new StructdbError('USAGE', `"${text}" is no instant.`, { hint: `Write it with its offset: ${example}` });
  }
  return { at, micros: Number(padded.slice(3)) };
}

/** A time target in microseconds since 1970. */
export function microsOf({ at, micros = 0 }: { readonly at: Date; readonly micros?: number }): bigint {
  return BigInt(at.getTime()) * 1000n + BigInt(micros);
}

/** As recovery_target_time takes it: always in UTC, whatever the server's zone. */
export function timeSetting({ at, micros = 0 }: { readonly at: Date; readonly micros?: number }): string {
  return `${at.toISOString().slice(0, -1).replace('T', ' ')}${String(micros).padStart(3, '0')}+00`;
}

export function describeTarget(target: RecoveryTarget): string {
  switch (target.kind) {
    case 'latest':
      return target.acceptGap ? 'everything before the gap in the archive' : 'the newest state that the archive holds';
    case 'immediate':
      return 'the end of the backup';
    case 'time':
      return `${target.inclusive ? '' : 'just before '}${formatInstant(target.at)}`;
    case 'lsn':
      return `${target.inclusive ? '' : 'just before '}LSN ${formatLsn(target.lsn)}`;
    case 'xid':
      return `${target.inclusive ? '' : 'just before '}transaction ${target.xid}`;
    case 'name':
      return `restore point "${target.name}"`;
  }
}
