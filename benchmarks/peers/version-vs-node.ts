/**
 * The start of `structdb --version` against `node -e 0`, as a ratio in one run:
 *
 *     node benchmarks/peers/version-vs-node.ts [rounds]
 *
 * Both run under the Node that runs this script.
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { compare } from './support.ts';

const structdb = fileURLToPath(new URL('../../bin/structdb.js', import.meta.url));

await compare(
  { name: 'structdb --version', run: () => timeStart([structdb, '--version']) },
  { name: 'node -e 0', run: () => timeStart(['-e', '0']) },
  { rounds: Number(process.argv[2] ?? 40), target: 1.5 },
);

function timeStart(args: readonly string[]): number {
  const started = performance.now();
  execFileSync(process.execPath, args, { stdio: 'ignore' });
  return performance.now() - started;
}
