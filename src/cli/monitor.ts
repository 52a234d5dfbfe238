import path from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import type { ConnectionSettings } from '../config/connection.ts';
import { EXIT, messageOf, StructdbError } from '../core/errors.ts';
import type { MonitorOptions } from '../monitor/index.ts';
import { migrationsOf } from './migrate-common.ts';
import { nagiosFailure, nagiosLine, renderPromises } from './monitor-text.ts';
import type { Session } from './session.ts';
import type { Outcome, Shell } from './shell.ts';
import { openStore } from './store.ts';

/** `structdb monitor serve|check`. */
export function monitorCommand(shell: Shell): Command {
  return shell.group('monitor', 'whether the promises hold right now: metrics, a status page, a check', [
    serveCommand(shell),
    checkCommand(shell),
  ]);
}

interface ServeFlags {
  readonly host?: string;
  readonly port?: number;
  readonly webConfig?: string;
  readonly heartbeat?: boolean;
}

function serveCommand(shell: Shell): Command {
  return shell.command<ServeFlags>({
    name: 'serve',
    summary: 'answer Prometheus, browsers and probes until it is stopped',
    details:
      '/metrics, the status page on /, /api/state as JSON, /healthz and /readyz. On loopback unless told otherwise; it reads only, over one connection to each database. Ctrl-C or SIGTERM ends it.',
    example: 'structdb monitor serve',
    exitCodes: [EXIT.ok, EXIT.failed, EXIT.usage],
    connects: true,
    configure: (command) =>
      void command
        .option('--host <address>', 'where to listen (default: monitor.host, 127.0.0.1)')
        .option('--port <n>', 'the port (default: monitor.port, 9187); 0: a free one', portNumber)
        .option(
          '--web-config <file>',
          "TLS and passwords, as Prometheus' exporters have them (default: monitor.webConfig)",
        )
        .option('--heartbeat', 'write structdb.heartbeat every 10 s (default: monitor.heartbeat)'),
    run: async (session, _args, { host, port, webConfig, heartbeat }) => {
      const { serveMonitor } = await import('../monitor/index.ts');
      const { keepMemoryFlat } = await import('./memory.ts');
      keepMemoryFlat();
      const { monitor } = await session.config();
      const result = await serveMonitor(
        {
          ...(await monitorOptions(session)),
          host: host ?? monitor.host,
          port: port ?? monitor.port,
          webConfig: webConfigOf(session, webConfig, monitor.webConfig),
          heartbeat: heartbeat ?? monitor.heartbeat,
        },
        session.context,
      );
      return { result, human: (style) => `${style.green('✓')} Stopped after ${result.requests} requests.` };
    },
  });
}

interface CheckFlags {
  readonly nagios?: boolean;
  readonly only?: readonly string[];
  readonly ignore?: readonly string[];
}

function checkCommand(shell: Shell): Command {
  return shell.command<CheckFlags>({
    name: 'check',
    summary: 'look once; exit 4 when a promise is broken, each with what mends it',
    details:
      'A promise that nobody could look at breaks the check too. With --nagios it ends as plugins do: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN, with one line and performance data.',
    example: 'structdb monitor check --ignore bench',
    exitCodes: [EXIT.ok, EXIT.failed, EXIT.usage, EXIT.brokenPromise, EXIT.interrupted],
    connects: true,
    configure: (command) =>
      void command
        .option('--nagios', 'one line and an exit code for Nagios, Icinga, Checkmk and their like')
        .option('--only <ids...>', 'only these promises: drill.fresh, or backup for all that begin so')
        .option('--ignore <ids...>', 'all but these'),
    run: async (session, _args, flags) => {
      if (!flags.nagios) return check(session, flags);
      if (!session.output.json) return nagios(session, flags);
      // The exit code of a document is structdb's own.
      throw new StructdbError('USAGE', '--nagios and --json exclude each other.', {
        hint: 'Leave one of them out: --json tells the same numbers.',
      });
    },
  });
}

async function check(session: Session, flags: CheckFlags): Promise<Outcome> {
  const { judgeCheck } = await import('../monitor/index.ts');
  const result = await look(session, flags);
  return { result, human: (style) => renderPromises(result, style), verdict: judgeCheck(result) };
}

/** Whatever goes wrong is UNKNOWN, told on standard output: a plugin has no other way to speak. */
async function nagios(session: Session, flags: CheckFlags): Promise<Outcome> {
  try {
    const result = await look(session, flags);
    const { line, exitCode } = nagiosLine(result);
    return { result, human: () => line, exitCode };
  } catch (error) {
    if (session.context.signal.aborted) throw error;
    const { line, exitCode } = nagiosFailure(messageOf(error));
    return { result: null, human: () => line, exitCode };
  }
}

async function look(session: Session, { only, ignore }: CheckFlags) {
  const { checkPromises } = await import('../monitor/index.ts');
  return checkPromises({ ...(await monitorOptions(session)), only, ignore }, session.context);
}

/** What is monitored, and where it is looked at. @throws NO_CONNECTION, CONFIG_INVALID */
export async function monitorOptions(session: Session): Promise<MonitorOptions> {
  const config = await session.config();
  return {
    targets: [await session.connection(), ...(await furtherDatabases(session, config.monitor.databases))],
    config,
    places: await session.places(),
    migrations: () => migrationsOf(session, {}),
    openStore: (name) => openStore(session, name),
    root: session.project.root,
  };
}

/** Passwords come from where libpq looks for them, too. @throws CONFIG_INVALID */
async function furtherDatabases(session: Session, urls: readonly string[]): Promise<ConnectionSettings[]> {
  const { resolveConnection } = await import('../config/resolve.ts');
  const { environment } = session;
  const unused = { environment, configuredUrl: undefined, privateServer: async () => undefined };
  return Promise.all(
    urls.map((url, place) =>
      resolveConnection({ ...unused, url }).catch((error: unknown) => {
        throw new StructdbError(
          'CONFIG_INVALID',
          `monitor.databases[${place}]: ${messageOf(error).replace(/^--url /, '')}`,
          {
            cause: error,
            hint: 'Write it as postgres://user@host:5432/name.',
          },
        );
      }),
    ),
  );
}

/** What the command line names is taken from the working folder, what the configuration names from its own. */
function webConfigOf(
  { environment, project }: Session,
  flag: string | undefined,
  configured: string | undefined,
): string | undefined {
  if (flag !== undefined) return path.resolve(environment.workingDirectory, flag);
  return configured === undefined ? undefined : path.resolve(project.root, configured);
}

function portNumber(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new InvalidArgumentError('a port from 0 to 65535 is needed.');
}
