import type { JUnitCase } from '../../report/junit.ts';
import type { Verdict } from '../judge/verdict.ts';

/** What is missed fails; what could not be decided is an error: nobody knows. */
export function outcome(verdict: Verdict, said: string): Pick<JUnitCase, 'failure' | 'error'> {
  if (verdict === 'pass') return {};
  return verdict === 'fail' ? { failure: said } : { error: said };
}
