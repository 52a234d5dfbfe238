import * as nodeModule from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { codeOf, messageOf } from './errors.ts';
import { redact } from './redact.ts';

/** `file:///a/b.ts:3:7`, `/a/b.ts:3` */
const PLACE = /(file:\/\/)?(\/[^\s()]+?):(\d+)(?::\d+)?(?=[\s)]|$)/gm;

/** Why a module cannot be imported, in one line, and at which of its lines (from 1) where Node tells. */
export async function describeImportFailure(
  error: unknown,
  file: string,
  text: string,
): Promise<{ readonly message: string; readonly line: number | undefined }> {
  const place = placeOf(error, file) ?? missingModule(error, file, text) ?? syntaxError(error, file, text);
  const own = place?.file === file;
  const elsewhere = place && !own ? `${path.relative(path.dirname(file), place.file)}:${place.line}: ` : '';
  return { message: `${elsewhere}${reasonOf(error)}`, line: own ? place?.line : undefined };
}

interface Place {
  readonly file: string;
  readonly line: number;
}

/** structdb's own sources: their lines say nothing of the module. */
const OWN = path.dirname(import.meta.dirname) + path.sep;

/** The first place of the stack in the project of the module. */
function placeOf(error: unknown, file: string): Place | undefined {
  const project = path.dirname(path.dirname(file)) + path.sep;
  for (const [, scheme, at, line] of stackOf(error).matchAll(PLACE)) {
    const found = scheme === undefined ? at! : fileURLToPath(`file://${at}`);
    const isProjects = found.startsWith(project) && !found.includes(`${path.sep}node_modules${path.sep}`);
    if (isProjects && !found.startsWith(OWN)) return { file: found, line: Number(line) };
  }
  return undefined;
}

/** Node names the module that is missing, not the line that asks for it. */
function missingModule(error: unknown, file: string, text: string): Place | undefined {
  if (codeOf(error) !== 'ERR_MODULE_NOT_FOUND') return undefined;
  const [, missing = '', importer] =
    /^Cannot find (?:package|module) '([^']+)' imported from (\S+)/.exec(messageOf(error)) ?? [];
  if (importer !== undefined && importer !== file) return undefined;
  const base = path.basename(missing);
  const index = text.split('\n').findIndex((line) => /\bfrom\b|\bimport\b/.test(line) && line.includes(base));
  return index < 0 ? undefined : { file, line: index + 1 };
}

/** Of JavaScript, Node keeps the line to itself; its reader of TypeScript tells it. */
function syntaxError(error: unknown, file: string, text: string): Place | undefined {
  if (!(error instanceof SyntaxError) && (error as Error).name !== 'SyntaxError') return undefined;
  const silent = process.emitWarning;
  try {
    // It is marked as experimental, which is nothing to the reader of this message.
    process.emitWarning = () => {};
    nodeModule.stripTypeScriptTypes?.(text, { mode: 'strip', sourceUrl: pathToFileURL(file).href });
    return undefined;
  } catch (found) {
    return placeOf(found, file);
  } finally {
    process.emitWarning = silent;
  }
}

function reasonOf(error: unknown): string {
  const code = codeOf(error);
  const [first = ''] = redact(messageOf(error)).split('\n');
  if (code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX') {
    return `${first}: Node leaves types out and translates nothing`;
  }
  if (code === 'ERR_MODULE_NOT_FOUND') {
    const [, what = 'module', missing = ''] = /^Cannot find (package|module) '([^']+)'/.exec(first) ?? [];
    return what === 'package'
      ? `cannot find the package "${missing}"; install it: npm install ${missing}`
      : `cannot find the file "${path.basename(missing)}" that it imports`;
  }
  return `cannot be imported: ${first}`;
}

function stackOf(error: unknown): string {
  return String((error as { stack?: unknown } | undefined)?.stack ?? '');
}
