import { inJsonbOrder, Properties, PropertyNames, propertyValue } from '../properties.ts';
import { parseDecimal } from '../reading/decimal.ts';
import type { DelimitedLine } from '../reading/delimited.ts';
import {
  KEY_COLUMNS,
  type MaterialRow,
  NUMBER_COLUMNS,
  type NumberColumn,
  type RowProblem,
  TEXT_COLUMNS,
  type TextColumn,
  type UnitSystem,
} from '../rows.ts';
import { NUMERIC_PROPERTIES } from './aisc-columns.ts';
import { publishedTable } from './aisc-editions.ts';
import {
  bad,
  type CatalogReader,
  type MaterialContent,
  type Reading,
  recordProblem,
  type Scope,
  type Table,
} from './content.ts';
import { refuseUnknownColumns } from './header.ts';
import { readTrusted } from './trusted.ts';

const NECESSARY = ['standard', 'edition', 'unit_system', 'designation', 'kind'] as const;
const KINDS = ['shape', 'material', 'bolt'];
const NUMERIC = new Set<string>(NUMERIC_PROPERTIES);

/** structdb's own layout: the key, the columns of material_catalog, and one column for each property. */
export const structdbLayoutReader: CatalogReader = Object.freeze({
  format: "structdb's own layout",
  streams: true,
  recognises: (header: readonly string[]) => NECESSARY.every((name) => header.includes(name)),
  read: readLayout,
});

function readLayout(table: Table): MaterialContent {
  refuseUnknownColumns(table, (name) => /^[a-z][a-z0-9_]*$/.test(name), structdbLayoutReader.format);
  const plan = planColumns(table.header);
  return {
    kind: 'materials',
    format: structdbLayoutReader.format,
    records: table.records,
    recognised: table.recognised,
    read: (record) => {
      const broken = recordProblem(table, record) ?? keyProblem(table, record, plan);
      return broken ? bad(broken) : readRow(table, record, plan);
    },
    columns: new Set([...plan.texts, ...plan.numbers, ...plan.properties].map(({ name }) => name)),
    headerOf: (name) => name,
    whole: () => wholeScopes(table, plan),
    readTrusted: () => readTrusted(table, plan),
  };
}

type At<Name extends string> = readonly { readonly name: Name; readonly at: number }[];

/** Where the header has what. */
export interface Plan {
  readonly key: Readonly<Record<(typeof KEY_COLUMNS)[number] | 'kind', number>>;
  readonly texts: At<TextColumn>;
  readonly numbers: At<NumberColumn>;
  readonly properties: readonly { readonly name: string; readonly at: number; readonly numeric: boolean }[];
  /** Of `properties`, in their order. */
  readonly names: PropertyNames;
}

function planColumns(header: readonly string[]): Plan {
  const at = (name: string) => header.indexOf(name);
  const present = <Name extends string>(names: readonly Name[]): At<Name> =>
    names.filter((name) => at(name) >= 0).map((name) => ({ name, at: at(name) }));
  const own = new Set<string>([...KEY_COLUMNS, ...TEXT_COLUMNS, ...NUMBER_COLUMNS]);
  const further = present(header.filter((name) => name !== '' && !own.has(name)).toSorted(inJsonbOrder));
  return {
    key: {
      standard: at('standard'),
      edition: at('edition'),
      unit_system: at('unit_system'),
      designation: at('designation'),
      variant: at('variant'),
      kind: at('kind'),
    },
    texts: present(TEXT_COLUMNS),
    numbers: present(NUMBER_COLUMNS),
    properties: further.map((column) => ({ ...column, numeric: NUMERIC.has(column.name) })),
    names: new PropertyNames(further.map(({ name }) => name)),
  };
}

function keyProblem(table: Table, { cells, line }: DelimitedLine, { key }: Plan): RowProblem | undefined {
  const problem = (column: keyof Plan['key'], reason: string) => ({
    ...{ file: table.file, line, column, value: cells[key[column]] ?? '', reason },
  });
  const empty = NECESSARY.find((name) => cells[key[name]]!.trim() === '');
  if (empty) return problem(empty, 'must not be empty');
  if (!['US', 'SI'].includes(cells[key.unit_system]!)) return problem('unit_system', 'must be US or SI');
  if (!KINDS.includes(cells[key.kind]!)) return problem('kind', `must be ${KINDS.join(', ')}`);
  return undefined;
}

function readRow(table: Table, { cells, line }: DelimitedLine, plan: Plan): Reading<MaterialRow> {
  const problems: RowProblem[] = [];
  const numbers: Partial<Record<NumberColumn, string | null>> = {};
  const texts: Partial<Record<TextColumn, string | null>> = {};
  const properties = new Properties(plan.names);
  const decimal = (column: string, text: string): string | undefined => {
    const value = parseDecimal(text);
    const reason = value === undefined ? 'not a number' : value.startsWith('-') ? 'negative' : undefined;
    if (reason) problems.push({ file: table.file, line, column, value: text, reason });
    return value;
  };
  for (const { name, at } of plan.texts) texts[name] = cells[at]!.trim() || null;
  for (const { name, at } of plan.numbers) {
    const text = cells[at]!;
    numbers[name] = text === '' ? null : (decimal(name, text.trim()) ?? null);
  }
  for (let place = 0; place < plan.properties.length; place += 1) {
    const { name, at, numeric } = plan.properties[place]!;
    const text = cells[at]!;
    if (text === '') continue;
    const value = numeric ? decimal(name, text.trim()) : propertyValue(name, text.trim());
    if (value !== undefined) properties.set(place, value);
  }
  const { key } = plan;
  const row: MaterialRow = {
    line,
    standard: cells[key.standard]!.trim(),
    edition: cells[key.edition]!.trim(),
    unitSystem: cells[key.unit_system] as UnitSystem,
    designation: cells[key.designation]!.trim().toUpperCase(),
    variant: cells[key.variant]?.trim() ?? '',
    texts,
    numbers,
    properties,
  };
  return problems.length > 0 ? bad(...problems) : { rows: [row], problems };
}

/** The scopes of AISC of which the file has every name. */
function wholeScopes({ records }: Table, { key }: Plan): Scope[] {
  const last = Math.max(key.standard, key.edition, key.unit_system, key.designation, key.variant) + 1;
  const shapes = records
    .map((record) => record.cells(last))
    .filter((cells) => cells[key.standard] === 'AISC' && !cells[key.variant]);
  const groups = Map.groupBy(shapes, (cells) => `${cells[key.edition]} ${cells[key.unit_system]}`);
  return [...groups].flatMap(([scope, group]) => {
    const published = publishedTable(group.map((cells) => (cells[key.designation] ?? '').trim().toUpperCase()));
    if (!published || scope !== `${published.edition} ${published.unitSystem}`) return [];
    return [{ standard: 'AISC', edition: published.edition, unitSystem: published.unitSystem, variant: '' }];
  });
}
