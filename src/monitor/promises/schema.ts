import { judgeStatus, type StatusResult } from '../../migrate/index.ts';
import type { AuditTrigger, Facts } from '../facts/facts.ts';
import type { PromiseVerdict } from '../promise.ts';
import { broken, judged, kept, none } from './verdict.ts';

const MIGRATIONS = 'schema.migrations';
const AUDIT = 'schema.audit';

/** Whether the migrations of the database are those of the project, and whether its audit log is protected. */
export function judgeSchema({ migrations, auditTriggers }: Facts, now: Date): readonly PromiseVerdict[] {
  return [
    ...judged(migrations, { ids: [MIGRATIONS], what: 'The migrations', runbook: 'migrate.md' }, now, judgeMigrations),
    ...judged(auditTriggers, { ids: [AUDIT], what: 'The audit triggers', runbook: 'schema.md' }, now, judgeAudit),
  ];
}

function judgeMigrations(found: StatusResult): readonly PromiseVerdict[] {
  const applied = found.migrations.filter(({ state }) => state === 'applied').length;
  const measured = { value: found.migrations.length - applied, limit: 0, unit: 'count' } as const;
  const runbook = 'migrate.md';
  const problem = judgeStatus(found);
  if (!problem) {
    const message = `${applied} migrations applied as they are, the newest ${found.current ?? 'none'}.`;
    return [kept(MIGRATIONS, { message, measured, runbook })];
  }
  const { message, details } = problem;
  return [broken(MIGRATIONS, problem.hint ?? 'structdb migrate status', { message, details, measured, runbook })];
}

function judgeAudit(triggers: readonly AuditTrigger[]): readonly PromiseVerdict[] {
  const runbook = 'schema.md';
  if (triggers.length === 0) {
    return [none(AUDIT, { message: 'The database has no table that must not change.', runbook })];
  }
  const bad = triggers.filter(({ ok }) => !ok).map(({ name }) => name);
  const measured = { value: bad.length, limit: 0, unit: 'count' } as const;
  if (bad.length === 0) {
    const message = `${triggers.length} triggers protect the audit log.`;
    return [kept(AUDIT, { message, measured, runbook })];
  }
  return [
    broken(AUDIT, 'structdb migrate verify   shows how it was; then: ALTER TABLE … ENABLE ALWAYS TRIGGER …', {
      message: `The audit log is not protected: ${bad.join(', ')} is missing, disabled or altered.`,
      measured,
      runbook,
    }),
  ];
}
