#!/usr/bin/env node
// Starts structdb. Written for any Node, so that an old one gets a clear answer instead of a syntax error.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import * as nodeModule from 'node:module';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const version = () => JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version;
const [major, minor] = process.versions.node.split('.').map(Number);
const args = process.argv.slice(2);

if (args.length === 1 && (args[0] === '--version' || args[0] === '-V')) {
  // A full disk; Node would print a stack trace.
  process.stdout.on('error', () => process.exit(1));
  process.stdout.write(`${version()}\n`);
} else if (major < 22 || (major === 22 && minor < 18)) {
  runWithNewerNode();
} else {
  nodeModule.enableCompileCache?.();
  // A checkout runs its sources as they are; the published package has only dist, because Node does not strip types
  // below node_modules.
  const sources = join(root, 'src', 'cli', 'main.ts');
  const published = root.split(sep).includes('node_modules') || !existsSync(sources);
  const entry = published ? join(root, 'dist', 'cli', 'main.js') : sources;
  const { main } = await import(pathToFileURL(entry).href);
  await main(args, version());
}

/** npm's `node` package carries a runtime: use it when it is installed here or in the project around. */
function runWithNewerNode() {
  const node = [join(root, 'node_modules'), join(root, '..')]
    .map((folder) => join(folder, 'node', 'bin', 'node'))
    .find(existsSync);
  if (!node) {
    process.stderr.write(
      `structdb needs Node 22.18 or newer; this is ${process.versions.node}.\n  → Install it: npm install --save-dev node@24   (or from your system's packages)\n`,
    );
    process.exit(2);
  }
  const child = spawn(node, [fileURLToPath(import.meta.url), ...args], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    // On a terminal Ctrl-C reaches the child by itself.
    process.on(signal, () => (signal === 'SIGINT' && process.stdin.isTTY ? undefined : child.kill(signal)));
  }
  child.on('exit', (code, signal) => process.exit(code ?? (signal ? 130 : 1)));
}
