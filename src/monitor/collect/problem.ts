import { codeOf, messageOf } from '../../core/errors.ts';
import { redact } from '../../core/redact.ts';
import type { WorkProfile } from '../../postgres/profiles.ts';

/** Why a collector failed, in one line that says what to do where something can be done. */
export function problemOf(error: unknown, limits: WorkProfile): string {
  const message = redact(messageOf(error)).split('\n')[0]!;
  switch (codeOf(error)) {
    case '55P03':
      return `waited for a lock for ${limits.lockTimeoutMs} ms and gave up`;
    case '57014':
      return `took longer than ${limits.statementTimeoutMs} ms and was ended`;
    case '42501':
      return `${message}: grant the role pg_monitor`;
    case '55000':
      return /shared_preload_libraries/.test(message)
        ? 'pg_stat_statements is not loaded: add it to shared_preload_libraries and restart the server'
        : message;
    default:
      return message;
  }
}
