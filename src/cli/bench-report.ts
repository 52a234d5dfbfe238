import type { Command } from 'commander';
import type { StoredResult } from '../bench/index.ts';
import { EXIT } from '../core/errors.ts';
import { addReportOptions, type BenchReportFlags, openBenchReports, writeBenchReports } from './bench-reports.ts';
import { placesOf } from './bench-store.ts';
import type { Style } from './output.ts';
import type { Shell } from './shell.ts';

/** `structdb bench report`: a stored run once more, in any form. */
export function benchReportCommand(shell: Shell): Command {
  return shell.command<BenchReportFlags>({
    name: 'report [result]',
    summary: 'Render a stored run again, on the screen or as files',
    details:
      'The result is the id of a stored run, the name of a baseline or a file; the newest stored run by default.\n' +
      'What --against kept is rendered too, by its id or its file.\n' +
      'Nothing is measured and nothing is judged anew: the exit code is 0 whatever the run came to.',
    example: 'structdb bench report --html bench.html',
    exitCodes: [EXIT.ok, EXIT.failed, EXIT.usage],
    configure: (command) => void addReportOptions(command),
    run: async (session, [wanted], flags) => {
      const files = await openBenchReports(session, flags);
      const [{ readStored, renderingOfRun, renderingOfAgainst }, onScreen] = await Promise.all([
        import('../bench/index.ts'),
        screenOf(),
      ]);
      const stored = await readStored(wanted as string | undefined, placesOf(session));
      await writeBenchReports(
        files,
        stored.kind === 'run' ? renderingOfRun(stored) : renderingOfAgainst(stored.result),
      );
      const written = Object.values(files).flatMap((each) => (each.isStream ? [] : [each.file]));
      return {
        result: { ...stored.result, stored: stored.file, written },
        human: (style) =>
          Object.keys(files).length > 0
            ? written.map((each) => `${style.green('✓')} ${each}`).join('\n')
            : onScreen(stored, style),
      };
    },
  });
}

/** They know the queries, and with them the driver, which --help must not load. */
async function screenOf(): Promise<(stored: StoredResult, style: Style) => string> {
  const [{ renderBench }, { renderSideBySide }, { renderAgainst }] = await Promise.all([
    import('./bench-text.ts'),
    import('./bench-compare-text.ts'),
    import('./bench-against-text.ts'),
  ]);
  return (stored, style) => {
    if (stored.kind === 'against') return renderAgainst(stored.result, style);
    const { result } = stored;
    const text = renderBench(result, style);
    return result.sideBySide ? `${text}\n\n${renderSideBySide(result.sideBySide, style)}` : text;
  };
}
