import { createInterface } from 'node:readline/promises';
import type { ConnectionSettings } from '../config/connection.ts';
import type { Environment } from '../config/environment.ts';
import type { Project } from '../config/project.ts';
import type { Config } from '../config/schema.ts';
import type { RunContext } from '../core/context.ts';
import { interrupted } from '../core/context.ts';
import { StructdbError } from '../core/errors.ts';
import type { SearchPlaces } from '../programs/find.ts';
import { durationOf } from './duration.ts';
import type { OutputSettings, ProgressDisplay, Style } from './output.ts';

/** Flags of commands that connect, or that destroy something. */
export interface SessionFlags {
  readonly url?: string;
  /** true: without a duration. */
  readonly wait?: string | true;
  readonly yes?: boolean;
}

/** What a command's `run` is given: everything it may need, each resolved only when asked for. */
export class Session {
  readonly environment: Environment;
  readonly project: Project;
  readonly context: RunContext;
  readonly style: Style;
  readonly output: OutputSettings;
  readonly #flags: SessionFlags;
  readonly #display: ProgressDisplay;
  readonly #signals: { ignore(ignored: boolean): void };
  #config: Promise<Config> | undefined;

  constructor(props: {
    readonly environment: Environment;
    readonly project: Project;
    readonly context: RunContext;
    readonly style: Style;
    readonly output: OutputSettings;
    readonly flags: SessionFlags;
    readonly display: ProgressDisplay;
    readonly signals: { ignore(ignored: boolean): void };
  }) {
    this.environment = props.environment;
    this.project = props.project;
    this.context = props.context;
    this.style = props.style;
    this.output = props.output;
    this.#flags = props.flags;
    this.#display = props.display;
    this.#signals = props.signals;
  }

  /** The validated configuration; all defaults without a file. */
  config(): Promise<Config> {
    this.#config ??= import('../config/load.ts').then(({ loadConfig }) => loadConfig(this.project.configFile));
    return this.#config;
  }

  /** The database to work on, by the precedence of docs/connections.md; with --wait its server answers by then. */
  async connection(): Promise<ConnectionSettings> {
    const timeoutMs = await this.waitMs();
    const connection = await this.#resolveConnection();
    if (timeoutMs !== undefined) {
      const { waitForServer } = await import('../postgres/wait-for-server.ts');
      await waitForServer(connection, { timeoutMs }, this.context);
    }
    return connection;
  }

  /** How long --wait wants to wait, in milliseconds; undefined without it. @throws USAGE */
  async waitMs(): Promise<number | undefined> {
    const { wait } = this.#flags;
    if (wait === undefined) return undefined;
    if (wait !== true) return durationOf('--wait', wait);
    return (await import('../postgres/wait-for-server.ts')).DEFAULT_SERVER_WAIT_MS;
  }

  async #resolveConnection(): Promise<ConnectionSettings> {
    const { resolveConnection } = await import('../config/resolve.ts');
    const config = await this.config();
    return resolveConnection({
      url: this.#flags.url,
      environment: this.environment,
      configuredUrl: config.database.url,
      privateServer: () => this.privateServer(),
    });
  }

  /** The private server of this project, when it has one that was started. */
  async privateServer(): Promise<ConnectionSettings | undefined> {
    const { readPrivateServer } = await import('../devdb/address.ts');
    return readPrivateServer(this.project.root);
  }

  /** Where PostgreSQL's programs are looked for. */
  async places(): Promise<SearchPlaces> {
    const config = await this.config();
    return { environment: this.environment, directories: config.programs.directories };
  }

  /** Whether `confirm` asks; with `--yes` it does not. */
  get asks(): boolean {
    return !this.#flags.yes;
  }

  /**
   * Asks before something is destroyed, telling what will be lost. `--yes` answers; without a terminal it is needed.
   * @throws CONFIRMATION_NEEDED, or INTERRUPTED when the answer is not yes.
   */
  async confirm(question: { readonly losses: readonly string[]; readonly ask: string }): Promise<void> {
    if (this.#flags.yes) return;
    this.#display.stop();
    if (!process.stdin.isTTY || this.output.json) {
      throw new StructdbError(
        'CONFIRMATION_NEEDED',
        `${question.ask} This needs a yes, and there is no terminal to ask.`,
        {
          details: question.losses,
          hint: 'Run it again with --yes.',
        },
      );
    }
    for (const loss of question.losses) process.stderr.write(`  ${this.style.yellow('-')} ${loss}\n`);
    const prompt = createInterface({ input: process.stdin, output: process.stderr });
    try {
      const answer = await prompt.question(`${question.ask} [y/N] `, { signal: this.context.signal });
      if (!/^y(es)?$/i.test(answer.trim())) throw new StructdbError('INTERRUPTED', 'Nothing was changed.');
    } catch (error) {
      if (this.context.signal.aborted) throw interrupted();
      throw error;
    } finally {
      prompt.close();
    }
  }

  /** Until `work` ends, signals are not structdb's affair: of a program in the foreground, or of a write that must end. */
  async undisturbed<T>(work: () => Promise<T>): Promise<T> {
    this.#display.stop();
    this.#signals.ignore(true);
    try {
      return await work();
    } finally {
      this.#signals.ignore(false);
    }
  }
}
