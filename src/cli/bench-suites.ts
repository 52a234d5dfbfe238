import type { Command } from 'commander';
import type { SuiteList, SuiteSources } from '../bench/index.ts';
import { EXIT } from '../core/errors.ts';
import { formatDuration } from '../core/units.ts';
import { alignColumns } from './align-columns.ts';
import type { Style } from './output.ts';
import type { Session } from './session.ts';
import type { Shell } from './shell.ts';

export interface SuiteFlags {
  readonly suite?: readonly string[];
}

export function addSuite(command: Command): Command {
  return command.option(
    '--suite <file>',
    'a file or folder of queries of your own (*.ts, *.js, *.sql), or "platform"; can be repeated',
    (source: string, before: readonly string[] = []) => [...before, source],
  );
}

/** Those of `--suite`, else of `bench.suites` of the configuration, else the platform's. */
export async function suiteSources(session: Session, { suite }: SuiteFlags): Promise<SuiteSources> {
  if (suite !== undefined) return { suites: suite, projectRoot: session.environment.workingDirectory };
  return { suites: (await session.config()).bench.suites, projectRoot: session.project.root };
}

/** `structdb bench suites`: what would be timed. */
export function benchSuitesCommand(shell: Shell): Command {
  return shell.command<SuiteFlags>({
    name: 'suites',
    summary: 'List the queries that a run would time, with their targets',
    details: 'Reads the suites and needs no server. What only a server knows, such as missing tables, a run finds.',
    example: 'structdb bench suites --suite benchmarks',
    exitCodes: [EXIT.ok, EXIT.usage],
    configure: (command) => void addSuite(command),
    run: async (session, _args, flags) => {
      const { listQueries } = await import('../bench/index.ts');
      const { objectives } = await session.config();
      const list = await listQueries(await suiteSources(session, flags), objectives);
      return { result: list, human: (style) => renderList(list, style) };
    },
  });
}

function renderList({ suites, queries, setUp }: SuiteList, style: Style): string {
  const rows = queries.map(({ name, class: ofClass, targetMs, asks }) => [
    `  ${name}`,
    ofClass,
    `< ${formatDuration(targetMs)}`,
    asks === name ? '' : asks,
  ]);
  const lines = alignColumns(rows, [2]);
  const blocks = suites.map(({ name, file, queries: names }) => {
    const heading = `${style.bold(name)}${file === null ? '' : ` (${file})`}`;
    const own = lines.filter((_, place) => names.includes(queries[place]!.name));
    return [heading, ...own].join('\n');
  });
  const note = setUp === 0 ? [] : [`${setUp === 1 ? '1 statement sets' : `${setUp} statements set`} the database up.`];
  return [...blocks, ...note].join('\n\n');
}
