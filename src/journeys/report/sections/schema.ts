import { judgeStatus, judgeVerify } from '../../../migrate/index.ts';
import type { Evidence } from '../evidence.ts';
import { known, minute, type Section, sectionOf, shortHash } from './section.ts';

/** Migrations with their states, the comparison with what they make, and the triggers of the audit log. */
export function schemaSection({ facts, schema }: Evidence): Section {
  return sectionOf('schema', 'Schema', [facts.migrations, schema, facts.auditTriggers], () => {
    const status = known(facts.migrations, null);
    const verified = known(schema, null);
    const triggers = known(facts.auditTriggers, []);
    const statusError = status && judgeStatus(status);
    const verifyError = verified && judgeVerify(verified);
    const off = triggers.filter(({ ok }) => !ok);
    const problem = verifyError?.message ?? statusError?.message;
    const applied = status?.migrations.filter(({ state }) => state === 'applied').length ?? 0;
    const compared = verified?.scratch ? '; the schema is what they make' : '';
    return {
      tone: verifyError || statusError?.exitCode === 4 || off.length > 0 ? 'bad' : problem ? 'open' : 'good',
      summary:
        problem ??
        (off.length > 0
          ? `${off.map(({ name }) => name).join(', ')} does not protect the audit log.`
          : `${applied} migrations are applied, up to ${status?.current ?? 'none'}${compared}.`),
      facts: [
        ...(verified?.scratch ? [['Compared', `on a scratch ${verified.scratch}, ${verified.mode}`] as const] : []),
        ...(triggers.length === 0
          ? []
          : [['Audit log', `${triggers.length - off.length} of ${triggers.length} triggers protect it`] as const]),
        ...off.map(({ name }) => [`Trigger ${name}`, 'missing, disabled or altered'] as const),
      ],
      tables: [
        ...(status === null
          ? []
          : [
              {
                caption: 'Migrations',
                head: ['name', 'state', 'applied (UTC)', 'by', 'structdb', 'SHA-256 of its SQL'],
                rows: status.migrations.map((each) => [
                  { code: each.name },
                  each.state,
                  each.appliedAt === null ? '' : minute(each.appliedAt),
                  each.appliedBy ?? '',
                  each.toolVersion ?? '',
                  shortHash(each.checksum),
                ]),
              },
            ]),
        ...(verified === null || verified.differences.length === 0
          ? []
          : [
              {
                caption: 'Differences',
                head: ['object', 'expected', 'found'],
                rows: verified.differences.map((each) => [
                  { code: `${each.object} ${each.name}` },
                  { code: each.expected ?? 'nothing' },
                  { code: each.found ?? 'nothing' },
                ]),
              },
            ]),
      ],
    };
  });
}
