import path from 'node:path';
import type { Command } from 'commander';
import { findProject, type Project } from '../config/project.ts';
import { systemClock } from '../core/clock.ts';
import { EXIT, StructdbError } from '../core/errors.ts';
import { asStructdbError } from '../core/unexpected.ts';
import { takeEnvironment } from './environment.ts';
import { exitCodeOf, leave } from './leave.ts';
import { envelope, type OutputSettings, progressDisplay, styleFor, tell, write } from './output.ts';
import { Session, type SessionFlags } from './session.ts';
import type { Outcome } from './shell.ts';
import { watchStrays } from './strays.ts';

/** Runs one command: builds its session, prints its outcome or its error, and leaves with the right exit code. */
export async function runCommand(
  version: string,
  command: Command,
  name: string,
  run: (session: Session) => Promise<Outcome>,
): Promise<void> {
  const output = outputSettings(command);
  const abort = new AbortController();
  const signals = watchSignals(abort, output);
  const judgeStrays = watchStrays({ name, version, output, abort });
  let outcome: Outcome | undefined;
  let error: StructdbError | undefined;
  let style = styleFor(output, process.stderr, process.env);
  let stop = () => {};
  try {
    const project = await projectOf(command);
    const environment = await takeEnvironment(project.root);
    const scratch = environment.variables.STRUCTDB_SCRATCH;
    if (scratch) await (await import('../programs/own-directory.ts')).useTemporaryRoot(scratch);
    style = styleFor(output, process.stderr, environment.variables);
    const display = await progressDisplay(output, style, environment.variables);
    stop = () => display.stop();
    const context = { clock: systemClock, report: display.listen, signal: abort.signal };
    const flags = command.optsWithGlobals<SessionFlags>();
    outcome = await run(new Session({ environment, project, context, style, output, flags, display, signals }));
    error = outcome.verdict;
  } catch (thrown) {
    error = abort.signal.aborted
      ? new StructdbError('INTERRUPTED', 'Interrupted.', { cause: thrown })
      : asStructdbError(thrown);
  }
  error = judgeStrays(error);
  stop();
  try {
    const exitCode = error && exitCodeOf(name, error);
    if (output.json) await write(process.stdout, envelope(version, name, outcome?.result, error, exitCode));
    else if (outcome) {
      const text = outcome.human(styleFor(output, process.stdout, process.env));
      if (text !== '') await write(process.stdout, text.endsWith('\n') ? text : `${text}\n`);
    }
  } catch (thrown) {
    // `migrate plan > plan.sql` on a full disk: what was asked for is not there.
    error ??= asStructdbError(thrown);
  }
  if (error) await tell(error, style, output.verbose);
  leave(error ? exitCodeOf(name, error) : (outcome?.exitCode ?? EXIT.ok));
}

/** Global flags may stand before or after the verb. */
function outputSettings(command: Command): OutputSettings {
  const flags = { json: false, quiet: false, verbose: false, noColor: false };
  for (let current: Command | null = command; current; current = current.parent) {
    const own = current.opts<{ json?: boolean; quiet?: boolean; verbose?: boolean; color?: boolean }>();
    flags.json ||= own.json === true;
    flags.quiet ||= own.quiet === true;
    flags.verbose ||= own.verbose === true;
    flags.noColor ||= own.color === false;
  }
  return Object.freeze(flags);
}

async function projectOf(command: Command): Promise<Project> {
  const { config } = command.optsWithGlobals<{ config?: string }>();
  if (config === undefined) return findProject(process.cwd());
  const configFile = path.resolve(config);
  return { root: path.dirname(configFile), configFile };
}

/** The first signal asks to stop at the next safe point; one more, a second later or after, ends at once. */
function watchSignals(abort: AbortController, output: OutputSettings): { ignore(ignored: boolean): void } {
  let first = 0;
  let ignoring = false;
  const onSignal = () => {
    if (ignoring) return;
    const now = performance.now();
    if (first === 0) {
      first = now;
      if (process.stderr.isTTY && !output.quiet) process.stderr.write('\nStopping at the next safe point …\n');
      abort.abort();
      // A terminal and a parent may both pass the same Ctrl-C on: within a second it is one.
    } else if (now - first > 1000) leave(EXIT.interrupted);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  return {
    ignore: (ignored) => {
      ignoring = ignored;
    },
  };
}
