import { judgeStatus, judgeVerify } from '../../../migrate/index.ts';
import type { Area } from '../confidence.ts';
import type { Evidence } from '../evidence.ts';
import { type Claim, from, now } from './proof.ts';

const APPLIED: Claim = {
  id: 'schema.applied',
  claim: 'Every migration is applied, as it was written',
  share: 0.3,
  remedy: { what: 'Apply what is pending, and record what another tool applied', command: 'structdb migrate status' },
};

const VERIFIED: Claim = {
  id: 'schema.verified',
  claim: 'The schema is what its migrations make',
  share: 0.5,
  remedy: { what: 'Have the schema compared with its migrations', command: 'structdb migrate verify' },
};

const AUDIT: Claim = {
  id: 'schema.audit',
  claim: 'The audit log cannot be rewritten: its triggers are there and enabled',
  share: 0.2,
  remedy: { what: 'Put back the triggers that protect the audit log', command: 'structdb migrate verify' },
};

/** The database is what its migrations say. */
export function schemaProofs({ facts, schema }: Pick<Evidence, 'facts' | 'schema'>): Area {
  return {
    id: 'schema',
    title: 'Schema',
    proofs: [
      from(APPLIED, facts.migrations, (status) => {
        const error = judgeStatus(status);
        if (error) return now(APPLIED, 0, error.message);
        const { migrations, current } = status;
        // What another tool applied has no checksum to compare.
        const known = migrations.filter(({ checksum }) => checksum !== null).length;
        if (migrations.length === 0) return now(APPLIED, 0, 'There are no migrations.');
        return now(
          APPLIED,
          known / migrations.length,
          `${known} of ${migrations.length} migrations are applied with the SQL that is on record, up to ${current}.`,
        );
      }),
      from(VERIFIED, schema, (result) => {
        const error = judgeVerify(result);
        if (error) return now(VERIFIED, 0, error.message);
        if (result.scratch === null) return now(VERIFIED, 0, 'No migration is applied.');
        return now(VERIFIED, 1, `No difference, tried on a scratch ${result.scratch}.`);
      }),
      from(AUDIT, facts.auditTriggers, (triggers) => {
        const good = triggers.filter(({ ok }) => ok).length;
        if (triggers.length === 0) {
          // A project with migrations of its own may have none; one without any migration proves nothing.
          const isBuilt = facts.migrations.ok && facts.migrations.value.current !== null;
          return now(AUDIT, isBuilt ? 1 : 0, 'There is no audit log to protect.');
        }
        return now(AUDIT, good / triggers.length, `${good} of ${triggers.length} triggers are in force.`);
      }),
    ],
  };
}
