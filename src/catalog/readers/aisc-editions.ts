import { createHash } from 'node:crypto';
import { StructdbError } from '../../core/errors.ts';
import type { UnitSystem } from '../rows.ts';
import type { Declared } from './content.ts';

interface PublishedSet {
  readonly edition: string;
  readonly unitSystem: UnitSystem;
  readonly shapes: number;
  /** SHA-256 of the sorted EDI names in upper case, one a line. */
  readonly names: string;
}

/**
 * The shapes of each published table. v15.0 and v16.0 have the same header, and a US and a metric file have the same
 * one too: only the names of the shapes tell them apart, and only all of them prove that a file is the whole table.
 */
const PUBLISHED: readonly PublishedSet[] = [
  {
    edition: 'v16.0',
    unitSystem: 'US',
    shapes: 2299,
    names: '01e002c205da1c2bbac498b2dd56820532fc9bc32d6d70889ff5a111ed9bee3f',
  },
  {
    edition: 'v16.0',
    unitSystem: 'SI',
    shapes: 2299,
    names: 'a6923246132d0e2e7308584d739f9cec8aa4f8b86b45d1cb76e00d34750a1df6',
  },
  {
    edition: 'v15.0',
    unitSystem: 'US',
    shapes: 2091,
    names: '8c31494e4ead04df8f6d0b4c0878c72619476b5906ed73f8a0132c00a470c38c',
  },
  {
    edition: 'v15.0',
    unitSystem: 'SI',
    shapes: 2091,
    names: 'b8f32361884be3dad7ae8ef17e40f9b321103b846e091e5967656b7dbe217edc',
  },
  {
    edition: 'v14.1',
    unitSystem: 'US',
    shapes: 1995,
    names: 'b471e43929e364f6cb4cf25190b5bd4874f59f7e31e169f7dbbdfcb7f093e1cb',
  },
];

/** The published table that has exactly these shapes, or undefined. */
export function publishedTable(designations: Iterable<string>): PublishedSet | undefined {
  const names = createHash('sha256')
    .update([...new Set(designations)].sort().join('\n'))
    .digest('hex');
  return PUBLISHED.find((table) => table.names === names);
}

/** What was declared must not contradict what the content proves. */
export function refuseContradiction(file: string, published: PublishedSet | undefined, declared: Declared): void {
  if (!published) return;
  const wrong =
    declared.edition !== undefined && declared.edition !== published.edition
      ? `--edition ${declared.edition}`
      : declared.unitSystem !== undefined && declared.unitSystem !== published.unitSystem
        ? `--unit-system ${declared.unitSystem}`
        : undefined;
  if (wrong === undefined) return;
  throw new StructdbError(
    'CATALOG_UNKNOWN',
    `${file} holds exactly the shapes of AISC ${published.edition} in ${published.unitSystem} units, which contradicts ${wrong}.`,
    { hint: `Leave ${wrong} out.` },
  );
}
