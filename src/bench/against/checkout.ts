import { mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Environment } from '../../config/environment.ts';
import { exists } from '../../config/project.ts';
import { type RunContext, stopIfInterrupted } from '../../core/context.ts';
import { StructdbError } from '../../core/errors.ts';
import { baseProgramEnvironment } from '../../programs/credentials.ts';
import type { Program } from '../../programs/find.ts';
import { programOnPath } from '../../programs/on-path.ts';
import { processStart } from '../../programs/process.ts';
import { runProgram } from '../../programs/run.ts';

export interface CheckoutOptions {
  /** The project, in a checkout of git. */
  readonly root: string;
  readonly environment: Environment;
  /** A branch, tag or commit. */
  readonly ref: string;
  /** Files and folders of the project, relative to it. */
  readonly paths: readonly string[];
}

export interface PastProject {
  /** What the project's folder was at that commit, as far as it was asked for. */
  readonly root: string;
  readonly commit: string;
  /** Of the paths, those that the commit does not have. */
  readonly missing: readonly string[];
}

const PREFIX = 'against-';

/**
 * Gives `work` files of the project as they were at a commit, in a folder below the project, so that they find its
 * packages; it is removed afterwards. The checkout, its index and its branches are not touched.
 * @throws USAGE for what is no commit or no checkout, PROGRAM_MISSING without git, PROGRAM_FAILED
 */
export async function withPastProject<T>(
  options: CheckoutOptions,
  context: RunContext,
  work: (past: PastProject) => Promise<T>,
): Promise<T> {
  const { root, ref, paths } = options;
  const program = await programOnPath('git', options.environment);
  if (program === undefined) {
    throw new StructdbError('PROGRAM_MISSING', 'git was not found, which has the files of an earlier commit.', {
      hint: 'Install git, or give --against the URL of a server.',
    });
  }
  const git = askGit(program, options, context);
  const commit = await commitOf(git, ref, root);
  const folder = path.join(root, '.structdb', 'bench');
  await removeAbandoned(folder);
  const scratch = path.join(folder, `${PREFIX}${process.pid}-${(await processStart(process.pid)) ?? '0'}`);
  await mkdir(scratch, { recursive: true, mode: 0o700 }).catch((cause: unknown) => {
    throw new StructdbError('FILE_UNREADABLE', `Cannot create ${scratch}.`, {
      cause,
      hint: `Check the owner and the permissions of ${root}.`,
    });
  });
  try {
    const index = { GIT_INDEX_FILE: path.join(scratch, 'index') };
    await git(['read-tree', commit], { env: index });
    const listed = await git(['ls-files', '-z', '--', ...paths], { env: index });
    const target = path.join(scratch, 'tree');
    await git(['checkout-index', '--force', `--prefix=${target}${path.sep}`, '-z', '--stdin'], {
      env: index,
      input: listed,
    });
    const inside = (await git(['rev-parse', '--show-prefix'])).trim();
    const past = path.join(target, inside);
    await mkdir(past, { recursive: true });
    const found = await Promise.all(paths.map((each) => exists(path.join(past, each))));
    stopIfInterrupted(context);
    return await work({ root: past, commit, missing: paths.filter((_, place) => !found[place]) });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

type Git = (
  args: readonly string[],
  more?: { readonly env?: Readonly<Record<string, string>>; readonly input?: string },
) => Promise<string>;

function askGit(program: Program, { root, environment }: CheckoutOptions, context: RunContext): Git {
  return async (args, { env = {}, input } = {}) => {
    const { stdout } = await runProgram(program, args, {
      env: { ...baseProgramEnvironment, HOME: environment.home, ...env },
      workingDirectory: root,
      signal: context.signal,
      doing: 'Reading an earlier commit',
      ...(input === undefined ? {} : { input }),
    });
    return stdout;
  };
}

async function commitOf(git: Git, ref: string, root: string): Promise<string> {
  try {
    return (await git(['rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{commit}`])).trim();
  } catch (error) {
    if (!(error instanceof StructdbError) || error.code !== 'PROGRAM_FAILED') throw error;
    throw new StructdbError('USAGE', `--against: "${ref}" is no commit of ${root}.`, {
      cause: error,
      details: error.details,
      hint: 'Give a branch, tag or commit of the project’s git checkout, or a URL: postgres://user@host:5432/database.',
    });
  }
}

/** What a killed run left. */
async function removeAbandoned(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [] as string[])) {
    const owner = /^against-(\d+)-(\d+)$/.exec(name);
    if (owner && (await processStart(Number(owner[1]))) !== owner[2])
      await rm(path.join(folder, name), { recursive: true, force: true }).catch(() => {});
  }
}
