/**
 * Searching the catalog, driver included, over one open connection:
 *
 *     node benchmarks/catalog-search.ts [rounds]
 *
 * A private server holds five editions of the shapes (22,990 rows). Each of the searches runs once to warm up, then `rounds`
 * times (25 by default) in turns. Prints median and 95th percentile of each and of all; exit code 4 when the 95th percentile
 * of all is 10 ms or more. On a busy machine the least of each tells most, and what "select 1" takes in the same turns.
 */
import { importCatalogs, type SearchCriteria, searchCatalog } from '../src/catalog/index.ts';
import { up } from '../src/migrate/index.ts';
import { connect } from '../src/postgres/connect.ts';
import { profiles } from '../src/postgres/profiles.ts';
import { context, onScratchServer } from './peers/support.ts';

const TARGET_MS = 10;
const rounds = Number(process.argv[2] ?? 25);

const SEARCHES: readonly SearchCriteria[] = [
  { filter: 'W, Zx >= 200, d <= 24', sort: ['weight'], limit: 10 },
  { filter: 'W, Ix >= 1000', sort: ['weight'] },
  { filter: 'W, Zx >= 100, bf >= 10 in' },
  { filter: 'W, Zx = 200..300, ry >= 2.5', sort: ['weight', '-zx'] },
  { filter: 'W|S|HP, d <= 14, weight <= 50' },
  { filter: 'W14*', limit: 100 },
  { filter: 'W18x50' },
  { filter: 'HSS, rx >= 3, weight <= 40' },
  { filter: 'HSS8X8*', sort: ['-area'] },
  { filter: 'HSS, tdes >= 0.465, Zx >= 50' },
  { filter: 'PIPE, OD <= 6.625' },
  { filter: 'L, b/t <= 12, weight <= 10' },
  { filter: 'L, zB = 0' },
  { filter: '2L, Zx >= 5', sort: ['-weight'] },
  { filter: 'WT, d <= 9, Sx >= 10' },
  { filter: 'C|MC, d >= 10, tw <= 3/8' },
  { filter: 'W, d <= 610 mm, Zx >= 3000 cm3' },
  { filter: 'W, Zx >= 3000000, d <= 610', unitSystem: 'SI' },
  { filter: 'W, h/tw <= 40, bf/2tf <= 7', edition: 'v14.0' },
  { filter: 'kind = material, Fy >= 345 MPa' },
  { filter: 'weight <= 12', limit: 10 },
  { filter: '', limit: 10 },
];

await onScratchServer(async ({ connection }) => {
  await up({ connection }, context);
  await importCatalogs({ connection }, context);
  const client = await connect(connection, profiles.application);
  const columns = await client.query<{ names: string }>(
    `select string_agg(attname, ', ') as names from pg_attribute
    where attrelid = 'public.material_catalog'::regclass and attnum > 0 and attname <> 'edition'`,
  );
  const { names } = columns.rows[0]!;
  for (const edition of ['v12.0', 'v13.0', 'v14.0', 'v15.0']) {
    await client.query(
      `insert into public.material_catalog (edition, ${names})
      select $1, ${names} from public.material_catalog where standard = 'AISC' and edition = 'v16.0'`,
      [edition],
    );
  }
  await client.query('vacuum analyze public.material_catalog');
  const { rows } = await client.query<{ count: number }>('select count(*)::int as count from public.material_catalog');
  const times = SEARCHES.map((): number[] => []);
  const totals: number[] = [];
  const bare: number[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    const asked = performance.now();
    await client.query('select 1');
    if (round > 0) bare.push(performance.now() - asked);
    for (const [at, criteria] of SEARCHES.entries()) {
      const started = performance.now();
      const { total } = await searchCatalog({ client, ...criteria }, context);
      if (round > 0) times[at]!.push(performance.now() - started);
      totals[at] = total;
    }
  }
  await client.end();
  SEARCHES.forEach(({ filter, unitSystem }, at) => {
    console.log(
      `${line(times[at]!)}  ${filter || '(everything)'}${unitSystem ? ` (${unitSystem})` : ''}: ${totals[at]} rows`,
    );
  });
  console.log(`${line(bare)}  select 1`);
  const all = times.flat();
  console.log(`${line(all)}  all ${all.length} searches of ${rows[0]!.count} rows (target: p95 below ${TARGET_MS} ms)`);
  process.exitCode = percentile(all, 0.95) < TARGET_MS ? 0 : 4;
});

function line(values: readonly number[]): string {
  const [least, median, p95] = [0, 0.5, 0.95].map((share) => percentile(values, share).toFixed(1).padStart(6));
  return `least${least}  median${median}  p95${p95} ms`;
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
}
