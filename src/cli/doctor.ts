import type { Command } from 'commander';
import { EXIT, StructdbError } from '../core/errors.ts';
import type { DoctorResult, Finding, Level } from '../journeys/doctor/index.ts';
import type { Style } from './output.ts';
import type { Shell } from './shell.ts';
import { openStore } from './store.ts';

/** `structdb doctor`. */
export function doctorCommand(shell: Shell): Command {
  return shell.command({
    name: 'doctor',
    summary: 'look at everything that backups and restores stand on, and tell how to mend what is wrong',
    details:
      'It sends a WAL segment through the archive and reads it back, writes and removes objects in every store, and tries\na replication connection. No table is touched.',
    example: 'structdb doctor',
    exitCodes: [EXIT.ok, EXIT.failed, EXIT.usage, EXIT.brokenPromise, EXIT.interrupted],
    connects: true,
    run: async (session) => {
      const { doctor } = await import('../journeys/doctor/index.ts');
      const connection = await session.connection().catch((error: unknown) => {
        if (error instanceof StructdbError && error.code === 'NO_CONNECTION') return error;
        throw error;
      });
      const { result, verdict } = await doctor(
        {
          connection,
          places: await session.places(),
          config: await session.config(),
          openStore: (name) => openStore(session, name),
        },
        session.context,
      );
      return { result, human: (style) => renderFindings(result, style), verdict };
    },
  });
}

function renderFindings({ findings, problems, warnings }: DoctorResult, style: Style): string {
  const lines: string[] = [];
  let area = '';
  for (const found of findings) {
    if (found.area !== area) lines.push(style.bold(found.area));
    area = found.area;
    lines.push(`  ${MARK[found.level](style)} ${found.message}`);
    if (found.fix) lines.push(`      ${style.cyan('→')} ${found.fix}`);
  }
  lines.push(summary(findings, problems, warnings));
  return lines.join('\n');
}

const MARK: Readonly<Record<Level, (style: Style) => string>> = {
  ok: (style) => style.green('✓'),
  notice: (style) => style.blue('ℹ'),
  warning: (style) => style.yellow('!'),
  problem: (style) => style.red('✗'),
};

function summary(findings: readonly Finding[], problems: number, warnings: number): string {
  const good = findings.filter(({ level }) => level === 'ok').length;
  return `${good} good, ${warnings} ${warnings === 1 ? 'warning' : 'warnings'}, ${problems} ${problems === 1 ? 'problem' : 'problems'}`;
}
