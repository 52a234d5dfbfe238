import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from '@jest/globals';
import { configSchema } from '../../src/config/schema.ts';
import { projectRoot } from '../support/cli.ts';

/** What JSON Schema says of one part of the configuration. */
interface Part {
  readonly properties?: Readonly<Record<string, Part>>;
}

/** `backup.daily.kind`, …: the keys that hold values. */
function keysOf({ properties }: Part, place: readonly string[] = []): string[] {
  if (properties === undefined) return [place.join('.')];
  return Object.entries(properties).flatMap(([name, part]) => keysOf(part, [...place, name]));
}

it('docs/configuration.md lists every key, as the message about wrong ones promises', async () => {
  const page = await readFile(path.join(projectRoot, 'docs/configuration.md'), 'utf8');
  const listed = page.split('\n').filter((line) => line.startsWith('| `'));
  const keys = keysOf(configSchema.toJSONSchema({ io: 'input', unrepresentable: 'any' }) as Part);
  expect(keys.length).toBeGreaterThan(40);
  const missing = keys.filter((key) => {
    const [group, ...names] = key.split('.');
    const tier = /^(weekly|monthly)$/.test(names[0] ?? '') || /^on(Success|Failure)$/.test(names[0] ?? '');
    // Short rows name the group once (`objectives.rto`, `rpo`) or tell an object in one row (`{ command, url }`).
    return !listed.some((line) => {
      const cells = line.split(' | ');
      const words = tier ? line : cells[0]!;
      return words.includes(`\`${key}\``) || (words.includes(`\`${group}.`) && words.includes(names.at(-1)!));
    });
  });
  // Of stores the names are the user's.
  expect(missing).toEqual(['stores']);
});
