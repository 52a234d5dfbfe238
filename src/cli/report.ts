import path from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { exists } from '../config/project.ts';
import { EXIT, StructdbError } from '../core/errors.ts';
import { keepMemorySmall } from './memory.ts';
import { monitorOptions } from './monitor.ts';
import { openReportFiles, writeReports } from './report-files.ts';
import type { Session } from './session.ts';
import type { Shell } from './shell.ts';
import { actorOf } from './store.ts';

interface ReportFlags {
  readonly html?: string;
  readonly markdown?: string;
  readonly catalog?: readonly string[];
  readonly minConfidence?: number;
}

/** `structdb report`. */
export function reportCommand(shell: Shell): Command {
  return shell.command<ReportFlags>({
    name: 'report',
    summary: 'one page that gathers the evidence, with an index of how far it proves what is promised',
    details:
      'Schema, catalogs, benchmark, backups, recovery window, drills and monitoring; what is missing to an index of 1, each\nwith the command that proves it. The server may be down. Nothing is written but the files that are named, and a\nscratch database that the schema is compared with.',
    example: 'structdb report --html evidence.html',
    exitCodes: [EXIT.ok, EXIT.failed, EXIT.usage, EXIT.brokenPromise, EXIT.interrupted],
    connects: true,
    configure: (command) =>
      void command
        .option('--html <file>', 'write it as one HTML page that needs no network')
        .option('--markdown <file>', 'write it as Markdown')
        .option('--catalog <files...>', 'compare the database with these catalog files, besides those that ship')
        .option('--min-confidence <index>', 'exit 4 when the index is lower: a number from 0 to 1', share),
    run: async (session, _args, { html, markdown, catalog = [], minConfidence }) => {
      const files = await openReportFiles(session, { html, markdown });
      const [{ gather, judgeReport, reportOf, toHtml, toMarkdown }, { renderReport }] = await Promise.all([
        import('../journeys/report/index.ts'),
        import('./report-text.ts'),
      ]);
      keepMemorySmall();
      const catalogFiles = await namedFiles(session, catalog);
      const evidence = await gather(
        {
          ...(await monitorOptions(session)),
          config: await session.config(),
          catalogFiles,
        },
        session.context,
      );
      const report = reportOf(evidence, actorOf(session, 'report'));
      await writeReports(files, (kind) => (kind === 'html' ? toHtml(report) : toMarkdown(report)));
      const written = Object.values(files).flatMap((each) => (each.isStream ? [] : [each.file]));
      return {
        result: { ...report, written },
        human: (style) =>
          [renderReport(report, style), ...written.map((file) => `${style.green('✓')} ${file}`)].join('\n'),
        verdict: minConfidence === undefined ? undefined : judgeReport(report, minConfidence),
      };
    },
  });
}

/** A file that was named must be there: a report that leaves it out would look like one that compared it. @throws FILE_MISSING */
async function namedFiles({ environment }: Session, names: readonly string[]): Promise<string[]> {
  const files = names.map((name) => path.resolve(environment.workingDirectory, name));
  for (const file of files) {
    if (await exists(file)) continue;
    throw new StructdbError('FILE_MISSING', `There is no file ${file}.`, {
      hint: 'Correct the name behind --catalog.',
    });
  }
  return files;
}

function share(text: string): number {
  if (/^(0|1|0?\.\d+|[01]\.0*|0\.\d+)$/.test(text) && Number(text) <= 1) return Number(text);
  throw new InvalidArgumentError('a number from 0 to 1 is needed, such as 0.9.');
}
