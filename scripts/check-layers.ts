import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * The layer check: an import may point down, or stay within its own folder. Run by the lint step; exit 1 with every
 * arrow that points up. The layers are those of docs/architecture.md.
 */
const LAYERS: readonly (readonly string[])[] = [
  ['cli'],
  ['entries'],
  ['journeys'],
  ['migrate', 'catalog', 'bench', 'backup', 'wal', 'restore', 'drill', 'devdb', 'schedule', 'monitor'],
  ['database'],
  ['repository'],
  ['postgres', 'storage'],
  ['programs'],
  ['config', 'core', 'report', 'sample'],
];

/** Capabilities that may use another one, through its index.ts only. */
const USES: Readonly<Record<string, readonly string[]>> = {
  drill: ['restore', 'backup', 'wal'],
  bench: ['migrate', 'catalog'],
  monitor: ['migrate', 'backup', 'wal', 'drill', 'bench'],
};

/** What folders outside src may import, besides packages. */
const OUTSIDE: Readonly<Record<string, RegExp>> = {
  migrations: /^(kysely(\/.*)?|\.\/lib\/.*|\.\/[^/]*)$/,
  seeds: /^(kysely|structdb(\/.*)?|\.\/.*)$/,
  'benchmarks/suites': /^(kysely|structdb(\/.*)?|\.\/.*)$/,
};

export interface Arrow {
  readonly file: string;
  readonly target: string;
  readonly why: string;
}

/** Every import of the tree that breaks a rule. */
export function brokenArrows(root: string): Arrow[] {
  const broken: Arrow[] = [];
  for (const file of sourcesOf(path.join(root, 'src'))) {
    for (const specifier of importsOf(file)) {
      if (!specifier.startsWith('.')) continue;
      const why = judge(path.join(root, 'src'), file, path.resolve(path.dirname(file), specifier));
      if (why) broken.push({ file: path.relative(root, file), target: specifier, why });
    }
  }
  for (const [folder, allowed] of Object.entries(OUTSIDE)) {
    for (const file of sourcesOf(path.join(root, folder))) {
      for (const specifier of importsOf(file)) {
        if (specifier.startsWith('node:') || allowed.test(specifier)) continue;
        broken.push({ file: path.relative(root, file), target: specifier, why: `${folder} may not import this` });
      }
    }
  }
  return broken;
}

function judge(src: string, from: string, to: string): string | undefined {
  const fromFolder = folderOf(src, from);
  const toFolder = folderOf(src, to);
  if (toFolder === undefined || fromFolder === undefined || fromFolder === toFolder) return undefined;
  const fromLevel = LAYERS.findIndex((layer) => layer.includes(fromFolder));
  const toLevel = LAYERS.findIndex((layer) => layer.includes(toFolder));
  if (fromLevel < 0 || toLevel < 0) return `${fromLevel < 0 ? fromFolder : toFolder} is in no layer`;
  if (toLevel < fromLevel) return `${fromFolder} is below ${toFolder}`;
  const capability = LAYERS[3]!;
  if (toLevel === fromLevel && capability.includes(fromFolder)) {
    if (!USES[fromFolder]?.includes(toFolder)) return `${fromFolder} may not use ${toFolder}`;
    if (path.basename(to) !== 'index.ts') return `${fromFolder} uses ${toFolder} through its index.ts only`;
  }
  return undefined;
}

/** The folder below src; undefined for src/index.ts (the public door, above all) and for what lies outside src. */
function folderOf(src: string, file: string): string | undefined {
  const parts = path.relative(src, file).split(path.sep);
  return parts[0] === '..' || parts.length < 2 ? undefined : parts[0];
}

function importsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  const pattern =
    /(?:^|\n)\s*(?:import|export)\s[^'"`;]*?from\s*'([^']+)'|(?:^|\n)\s*import\s*'([^']+)'|\bimport\(\s*'([^']+)'\s*\)/g;
  return [...text.matchAll(pattern)].map((match) => match[1] ?? match[2] ?? match[3]!);
}

function sourcesOf(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
      .map((entry) => path.join(entry.parentPath, entry.name));
  } catch {
    return [];
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const broken = brokenArrows(path.join(path.dirname(fileURLToPath(import.meta.url)), '..'));
  for (const arrow of broken) process.stderr.write(`${arrow.file} imports ${arrow.target}: ${arrow.why}\n`);
  process.stdout.write(
    broken.length === 0 ? 'layers: every arrow points down\n' : `layers: ${broken.length} arrows point up\n`,
  );
  process.exitCode = broken.length === 0 ? 0 : 1;
}
