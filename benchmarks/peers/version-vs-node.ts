/**
 * The start of `structdb --version` against `node -e 0`, as a ratio in one run:
 *
 *     node benchmarks/peers/version-vs-node.ts [rounds]
 *
 * Both run under the Node that runs this script and take turns, so that other work on the machine meets both alike.
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const TARGET = 1.5;
const rounds = Number(process.argv[2] ?? 40);
const structdb = fileURLToPath(new URL('../../bin/structdb.js', import.meta.url));

// The first start of each is left out: it fills the page cache and the compile cache.
timeStart([structdb, '--version']);
timeStart(['-e', '0']);
const versions: number[] = [];
const nodes: number[] = [];
for (let round = 0; round < rounds; round += 1) {
  nodes.push(timeStart(['-e', '0']));
  versions.push(timeStart([structdb, '--version']));
}
const ratio = median(versions) / median(nodes);
console.log(`node -e 0           ${median(nodes).toFixed(1)} ms (median of ${rounds}, Node ${process.versions.node})`);
console.log(`structdb --version  ${median(versions).toFixed(1)} ms (median of ${rounds})`);
console.log(`ratio               ${ratio.toFixed(2)} (target: at most ${TARGET})`);
process.exitCode = ratio <= TARGET ? 0 : 4;

function timeStart(args: readonly string[]): number {
  const started = performance.now();
  execFileSync(process.execPath, args, { stdio: 'ignore' });
  return performance.now() - started;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
