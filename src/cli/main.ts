import { Console } from 'node:console';
import { Command, CommanderError } from 'commander';
import { EXIT, StructdbError } from '../core/errors.ts';
import { steadyExit } from '../core/steady-exit.ts';
import { asStructdbError } from '../core/unexpected.ts';
import { backupCommand } from './backup.ts';
import { benchCommand } from './bench.ts';
import { catalogCommand } from './catalog.ts';
import { completionCommand } from './completion.ts';
import { dashboardCommand } from './dashboard.ts';
import { devCommand } from './dev.ts';
import { doctorCommand } from './doctor.ts';
import { drTestCommand } from './dr-test.ts';
import { initCommand } from './init.ts';
import { exitCodeOf, leave } from './leave.ts';
import { lendPackages } from './lent-packages.ts';
import { migrateCommand } from './migrate.ts';
import { monitorCommand } from './monitor.ts';
import { envelope, styleFor, tell, write } from './output.ts';
import { quickstartCommand } from './quickstart.ts';
import { reportCommand } from './report.ts';
import { restoreCommand } from './restore.ts';
import { runCommand } from './run.ts';
import { scheduleCommand } from './schedule.ts';
import { addGlobalOptions, Shell } from './shell.ts';
import { walCommand } from './wal.ts';

type Build = (shell: Shell, program: Command) => Command;

const COMMANDS: Readonly<Record<string, Build>> = {
  quickstart: quickstartCommand,
  init: initCommand,
  doctor: doctorCommand,
  dev: devCommand,
  migrate: migrateCommand,
  catalog: catalogCommand,
  dashboard: dashboardCommand,
  bench: benchCommand,
  backup: backupCommand,
  restore: restoreCommand,
  'dr-test': drTestCommand,
  wal: walCommand,
  monitor: monitorCommand,
  report: reportCommand,
  schedule: (shell, program) => scheduleCommand(shell, () => program),
  completion: (shell, program) => completionCommand(shell, () => program),
};

/** These look at all commands. */
const KNOWS_ALL = new Set(['schedule', 'completion']);

/**
 * Builds the program. Command files import what they do only when they run: `--help` loads no database driver. With
 * `first`, the first word of a command line, only that command is built where it is one: all together take longer than
 * some commands run.
 */
export function buildProgram(version: string, first?: string): Command {
  const shell = new Shell((command, name, run) => runCommand(version, command, name, run));
  const program = new Command('structdb')
    .description('Keeps the PostgreSQL database of a structural-engineering platform in a provable state.')
    .version(version, '-V, --version', 'the version')
    .showSuggestionAfterError()
    .enablePositionalOptions()
    .addHelpText(
      'after',
      '\nStart with:\n  structdb quickstart     from nothing to a proven database\n  structdb migrate plan   what the schema is made of, without a database\n  structdb <command> --help',
    );
  addGlobalOptions(program);
  const only = first !== undefined && Object.hasOwn(COMMANDS, first) && !KNOWS_ALL.has(first);
  for (const name of only ? [first] : Object.keys(COMMANDS)) program.addCommand(COMMANDS[name]!(shell, program));
  return program;
}

/** The command line. Never returns: the process leaves with the command's exit code. */
export async function main(args: readonly string[], version: string): Promise<void> {
  steadyExit();
  // What could not be written is told by `write`; without a listener it would end the process.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  lendPackages();
  // A console.log of somebody's migration, suite or configuration is no part of the answer.
  globalThis.console = new Console({ stdout: process.stderr, stderr: process.stderr });
  const program = buildProgram(version, args[0]);
  const help: string[] = [];
  const messages: string[] = [];
  for (const command of everyCommand(program)) {
    command.exitOverride();
    command.configureOutput({
      writeOut: (text) => void help.push(text),
      writeErr: (text) => void messages.push(text),
      outputError: (text) => void messages.push(text),
    });
  }
  let error: StructdbError | undefined;
  try {
    if (args.length === 0) program.outputHelp();
    else await program.parseAsync([...args], { from: 'user' });
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) error = asStructdbError(thrown);
    // --help and --version end so too.
    else if (thrown.exitCode !== 0) error = usageError(thrown, messages, typedCommand(program, args));
  }
  if (error === undefined) {
    await write(process.stdout, help.join('')).catch((thrown: unknown) => {
      error = asStructdbError(thrown);
    });
  }
  leave(error === undefined ? EXIT.ok : await failed(error, typedCommand(program, args), args, version));
}

/** Tells what went wrong before a command began. Returns the exit code. */
async function failed(error: StructdbError, typed: string, args: readonly string[], version: string): Promise<number> {
  const [json, noColor, verbose] = ['--json', '--no-color', '--verbose'].map((flag) => args.includes(flag));
  const exitCode = exitCodeOf(typed, error);
  if (json) await write(process.stdout, envelope(version, typed, null, error, exitCode)).catch(() => {});
  const output = { json: json!, quiet: false, verbose: false, noColor: noColor! };
  await tell(error, styleFor(output, process.stderr, process.env), verbose!);
  return exitCode;
}

/** `migrate status`: the words that name commands. The others are arguments and may hold a password. */
function typedCommand(program: Command, args: readonly string[]): string {
  const names: string[] = [];
  let current = program;
  for (const arg of args) {
    const next = current.commands.find((child) => child.name() === arg);
    if (next) names.push(arg);
    current = next ?? current;
  }
  return names.join(' ');
}

function usageError(error: CommanderError, messages: readonly string[], typed: string): StructdbError {
  if (error.code === 'commander.help') {
    return new StructdbError('USAGE', `"structdb ${typed}" needs a command.`, {
      hint: `Run: structdb ${typed} --help`,
    });
  }
  const text = messages
    .join('')
    .trim()
    .replace(/^error: /, '');
  const [first, suggestion] = text.split('\n');
  const message = (first || error.message).replace(/^error: /, '');
  return new StructdbError('USAGE', `${message.charAt(0).toUpperCase()}${message.slice(1).replace(/\.?$/, '.')}`, {
    hint: suggestion?.replace(/[()]/g, '') || 'Run the command with --help to see its flags.',
  });
}

function everyCommand(command: Command): Command[] {
  return [command, ...command.commands.flatMap(everyCommand)];
}
