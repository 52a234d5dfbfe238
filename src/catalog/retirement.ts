import { interrupted } from '../core/context.ts';
import { StructdbError } from '../core/errors.ts';
import type { Scope } from './readers/content.ts';

/** What of one whole table would be retired, because a file that holds the table lacks it. */
export interface RetirementGroup extends Scope {
  /** Rows in use before the import. */
  readonly inUse: number;
  /** Of them, those that the file lacks. */
  readonly retired: number;
  /** So many that somebody must say yes: more than 5 %. */
  readonly asks: boolean;
}

export interface RetirementOptions {
  /** Retire without asking, however much it is. */
  readonly retireAbove5Percent?: boolean;
  /**
   * Asked before anything is committed, with the groups of which more than 5 % would be retired. False ends the import with
   * nothing changed.
   */
  readonly confirmRetirement?: (groups: readonly RetirementGroup[]) => Promise<boolean>;
}

/** What a publisher drops between two printings is a handful of shapes; more is rather a file that lost rows. */
const ASKS_ABOVE = 0.05;

export function retirementOf(scope: Scope, inUse: number, retired: number): RetirementGroup {
  return { ...scope, inUse, retired, asks: retired > inUse * ASKS_ABOVE };
}

/** `AISC v16.0 SI A1085: 40 of 650 rows (6.2 %)`. */
export function describeGroup({ standard, edition, unitSystem, variant, inUse, retired }: RetirementGroup): string {
  const name = [standard, edition, unitSystem, variant].filter(Boolean).join(' ');
  return `${name}: ${retired} of ${inUse} rows (${((retired / inUse) * 100).toFixed(1)} %)`;
}

/**
 * Lets an import retire these rows, or ends it. Called before anything is retired, inside the import's transaction.
 * @throws CONFIRMATION_NEEDED where nobody is there to ask, INTERRUPTED when the answer is no
 */
export async function confirmRetirement(
  file: string,
  groups: readonly RetirementGroup[],
  options: RetirementOptions,
): Promise<void> {
  const asked = groups.filter(({ asks }) => asks);
  if (asked.length === 0 || options.retireAbove5Percent) return;
  if (options.confirmRetirement === undefined) {
    throw new StructdbError(
      'CONFIRMATION_NEEDED',
      `${file} lacks more than 5 % of a table that it is the whole of; nothing was imported.`,
      {
        details: asked.map(describeGroup),
        hint: 'Look whether the file is complete; to retire these rows, pass retireAbove5Percent: true.',
      },
    );
  }
  if (!(await options.confirmRetirement(asked))) throw interrupted();
}
