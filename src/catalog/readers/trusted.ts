import { MATERIALS, type StagedRow } from '../load/tables.ts';
import { propertyValue } from '../properties.ts';
import type { Reading, Table } from './content.ts';
import type { Plan } from './structdb-layout.ts';

/**
 * The records of a file in structdb's own layout that is known to be good: its cells as they stand, unchecked. They are
 * the rows that reading and checking would give (a test compares them), in a third of the time.
 */
export function* readTrusted({ header, records }: Table, { key, properties }: Plan): Generator<Reading<StagedRow>> {
  const columns = [...MATERIALS.key, ...MATERIALS.values.map(({ name }) => name)].slice(0, -1);
  const places = columns.map((name) => header.indexOf(name));
  // A row without a variant has the empty one, which is part of the key.
  const absent = columns.map((name) => (name === 'variant' ? '' : null));
  const names = properties.map(({ name }) => `"${name}":`);
  for (const record of records) {
    const found = record.cells();
    const cells: (string | null)[] = [];
    for (let at = 0; at < columns.length; at += 1) cells.push(found[places[at]!] || absent[at]!);
    let json = '';
    for (let at = 0; at < properties.length; at += 1) {
      const { name, at: place, numeric } = properties[at]!;
      const text = found[place]!;
      if (text === '') continue;
      json += (json === '' ? '' : ',') + names[at]! + (numeric ? text : jsonOf(name, text));
    }
    cells.push(`{${json}}`);
    const row = {
      line: record.line,
      standard: found[key.standard]!,
      edition: found[key.edition]!,
      unitSystem: found[key.unit_system]!,
      variant: found[key.kind] === 'shape' ? (found[key.variant] ?? '') : null,
      cells,
    };
    yield { rows: [row], problems: [] };
  }
}

function jsonOf(name: string, text: string): string {
  const value = propertyValue(name, text);
  return typeof value === 'string' ? value : JSON.stringify(value.text);
}
