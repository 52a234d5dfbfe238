import type { Command } from 'commander';
import { EXIT } from '../core/errors.ts';
import { addReportOptions, type BenchReportFlags, openBenchReports, writeBenchReports } from './bench-reports.ts';
import { placesOf } from './bench-store.ts';
import type { Shell } from './shell.ts';

/** `structdb bench report`: a stored run once more, in any form. */
export function benchReportCommand(shell: Shell): Command {
  return shell.command<BenchReportFlags>({
    name: 'report [result]',
    summary: 'Render a stored run again, on the screen or as files',
    details:
      'The result is the id of a stored run, the name of a baseline or a file; the newest stored run by default.\n' +
      'Nothing is measured and nothing is judged anew: the exit code is 0 whatever the run came to.',
    example: 'structdb bench report --html bench.html',
    exitCodes: [EXIT.ok, EXIT.failed, EXIT.usage],
    configure: (command) => void addReportOptions(command),
    run: async (session, [wanted], flags) => {
      const files = await openBenchReports(session, flags);
      const [{ readStoredRun }, { renderBench }, { renderSideBySide }] = await Promise.all([
        import('../bench/index.ts'),
        import('./bench-text.ts'),
        import('./bench-compare-text.ts'),
      ]);
      const run = await readStoredRun(wanted as string | undefined, placesOf(session));
      const { result, file } = run;
      await writeBenchReports(files, run);
      const written = Object.values(files).flatMap((each) => (each.isStream ? [] : [each.file]));
      return {
        result: { ...result, stored: file, written },
        human: (style) => {
          if (Object.keys(files).length > 0) return written.map((each) => `${style.green('✓')} ${each}`).join('\n');
          const text = renderBench(result, style);
          return result.sideBySide ? `${text}\n\n${renderSideBySide(result.sideBySide, style)}` : text;
        },
      };
    },
  });
}
