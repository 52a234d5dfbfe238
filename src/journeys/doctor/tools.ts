import { StructdbError } from '../../core/errors.ts';
import { findProgram, type SearchPlaces } from '../../programs/find.ts';
import { type Finding, finding, ok } from './finding.ts';

/** What each program of PostgreSQL is needed for; `exact`: it must be of the server's own major. */
const NEEDED = [
  { name: 'pg_dump', exact: false, level: 'problem', what: 'dumps' },
  { name: 'pg_dumpall', exact: false, level: 'problem', what: 'roles beside dumps' },
  { name: 'pg_restore', exact: false, level: 'problem', what: 'restores of dumps' },
  { name: 'pg_receivewal', exact: false, level: 'warning', what: 'wal receive' },
  { name: 'postgres', exact: true, level: 'problem', what: 'drills, and restores of clusters' },
  { name: 'initdb', exact: true, level: 'problem', what: 'drills' },
  { name: 'pg_verifybackup', exact: true, level: 'warning', what: 'backup verify --deep, and drills of base backups' },
  { name: 'pg_waldump', exact: true, level: 'warning', what: 'the end of the recovery window' },
  { name: 'pg_amcheck', exact: false, level: 'warning', what: 'drills of base backups' },
] as const;

/** The programs that fit a server of that major, one finding for all that are there and one for each that is not. */
export async function checkTools(places: SearchPlaces, major: number): Promise<Finding[]> {
  const present: string[] = [];
  const findings: Finding[] = [];
  for (const { name, exact, level, what } of NEEDED) {
    try {
      const { version } = await findProgram(name, places, exact ? { major } : { atLeast: major });
      present.push(`${name} ${version}`);
    } catch (error) {
      if (!(error instanceof StructdbError)) throw error;
      findings.push(finding(level, 'tools', name, `${error.message} It is needed for ${what}.`, error.hint ?? null));
    }
  }
  if (present.length > 0) findings.unshift(ok('tools', 'postgresql', present.join(', ')));
  return findings;
}
