import { Command, Option } from 'commander';
import type { ExitCode, StructdbError } from '../core/errors.ts';
import type { Style } from './output.ts';
import type { Session } from './session.ts';

/** What a command comes back with. */
export interface Outcome {
  /** What `--json` prints under `result`. */
  readonly result: unknown;
  /** The same for people, on stdout; the empty string prints nothing. */
  readonly human: (style: Style) => string;
  /** A broken promise, found work or no decision (exit codes 3, 4, 6): the result is complete all the same. */
  readonly verdict?: StructdbError | undefined;
  /** The exit code of a program that the command handed the terminal to (`dev psql`). */
  readonly exitCode?: number;
}

export interface CommandSpec<Options> {
  /** commander's form: `up [n]`. */
  readonly name: string;
  readonly summary: string;
  /** A line or two below the summary in --help. */
  readonly details?: string;
  /** One line that works. */
  readonly example: string;
  readonly exitCodes: readonly ExitCode[];
  /** Adds arguments and flags. */
  readonly configure?: (command: Command) => void;
  /** Adds --url. */
  readonly connects?: boolean;
  /** Adds --wait. */
  readonly waits?: boolean;
  /** Adds --yes. */
  readonly destructive?: boolean;
  readonly run: (
    session: Session,
    args: readonly (string | string[] | undefined)[],
    options: Options,
  ) => Promise<Outcome>;
}

const MEANING: Readonly<Record<number, string>> = {
  0: 'done, or nothing to do',
  1: 'it failed',
  2: 'wrong usage or configuration',
  3: 'a check found work to do',
  4: 'a check found a broken promise',
  5: 'somebody else holds the lock',
  6: 'inconclusive',
  130: 'interrupted',
  200: 'it failed, and nothing says that the file is not there',
};

export type Runner = (command: Command, path: string, run: (session: Session) => Promise<Outcome>) => Promise<void>;

/** Builds commands that all behave alike: global flags, help with an example and exit codes, one way to run and print. */
export class Shell {
  readonly #runner: Runner;
  readonly #defaults = new Set<Command>();

  constructor(runner: Runner) {
    this.#runner = runner;
  }

  /** A command that does something. */
  command<Options extends object>(spec: CommandSpec<Options>): Command {
    const command = new Command();
    const [name, ...args] = spec.name.split(' ');
    command
      .name(name!)
      .summary(spec.summary)
      .description(spec.details ? `${spec.summary}\n\n${spec.details}` : spec.summary);
    for (const argument of args) command.argument(argument);
    spec.configure?.(command);
    if (spec.connects) command.option('--url <url>', 'the database: postgres://user:password@host:5432/name');
    if (spec.waits)
      command.option('--wait [duration]', 'wait for a server that is still starting (1 minute without a duration)');
    if (spec.destructive) command.option('--yes', 'do not ask');
    addGlobalOptions(command);
    command.addHelpText(
      'after',
      `\nExample:\n  ${spec.example}\n\nExit codes:\n${spec.exitCodes.map((code) => `  ${code}  ${MEANING[code]}`).join('\n')}`,
    );
    command.action(async (...received: unknown[]) => {
      const self = received.at(-1) as Command;
      const options = received.at(-2) as Options;
      await this.#runner(self, this.#pathOf(self), (session) =>
        spec.run(session, received.slice(0, -2) as (string | string[] | undefined)[], options),
      );
    });
    return command;
  }

  /** A command that only holds others (`dev`). */
  group(
    name: string,
    summary: string,
    commands: readonly Command[],
    options: { readonly default?: string } = {},
  ): Command {
    // A flag behind the verb is the verb's: `dev psql` hands its own on.
    const group = new Command(name).summary(summary).description(summary).enablePositionalOptions();
    for (const command of commands) {
      const isDefault = command.name() === options.default;
      if (isDefault) this.#defaults.add(command);
      group.addCommand(command, { isDefault });
    }
    addGlobalOptions(group);
    return group;
  }

  /** Whether a verb need not be typed: `run` of `bench`. */
  isDefault(command: Command): boolean {
    return this.#defaults.has(command);
  }

  /** `migrate status`: without the program's name, and without a verb that need not be typed (`backup`, not `backup due`). */
  #pathOf(command: Command): string {
    const names: string[] = [];
    for (let current: Command | null = command; current?.parent; current = current.parent) {
      if (!this.#defaults.has(current)) names.unshift(current.name());
    }
    return names.join(' ');
  }
}

/** The flags of every command; also on the groups, so that `structdb --json migrate status` works. */
export function addGlobalOptions(command: Command): void {
  command
    .addOption(new Option('--json', 'one JSON document on stdout'))
    .addOption(new Option('--quiet', 'errors and data only').conflicts('verbose'))
    .addOption(new Option('--verbose', 'every step, and the causes of errors'))
    .addOption(new Option('--no-color', 'no colours'))
    .addOption(new Option('--config <file>', 'the configuration file'));
}
