import type { Command } from 'commander';
import { EXIT, StructdbError } from '../core/errors.ts';
import { renderReset, renderStart, renderStatus, resetLosses } from './dev-text.ts';
import type { Session } from './session.ts';
import type { Shell } from './shell.ts';
import { configuredWalStore } from './store.ts';

const CODES = [EXIT.ok, EXIT.failed, EXIT.usage, EXIT.locked, EXIT.interrupted];

/** `structdb dev …`: the private server of this checkout. */
export function devCommand(shell: Shell): Command {
  return shell.group('dev', 'A private PostgreSQL server for this checkout, with archiving on', [
    startCommand(shell),
    stopCommand(shell),
    statusCommand(shell),
    resetCommand(shell),
    psqlCommand(shell),
  ]);
}

function startCommand(shell: Shell): Command {
  return shell.command({
    name: 'start',
    summary: 'Start the private server; make it first when there is none',
    details: 'It listens on loopback and a socket only, with a generated password. Every command finds it by itself.',
    example: 'structdb dev start',
    exitCodes: CODES,
    run: async (session) => {
      const { startPrivateServer } = await import('../devdb/index.ts');
      const result = await startPrivateServer(
        { ...(await placeOf(session)), walStore: await configuredWalStore(session) },
        session.context,
      );
      return { result, human: (style) => renderStart(result, style) };
    },
  });
}

function stopCommand(shell: Shell): Command {
  return shell.command({
    name: 'stop',
    summary: 'Stop the private server; its data stays',
    example: 'structdb dev stop',
    exitCodes: CODES,
    run: async (session) => {
      const { stopPrivateServer } = await import('../devdb/index.ts');
      const result = await stopPrivateServer(await placeOf(session), session.context);
      const text = result.state === 'stopped' ? 'The private server is stopped.' : 'The private server does not run.';
      return { result, human: (style) => `${style.green('✓')} ${text}` };
    },
  });
}

function statusCommand(shell: Shell): Command {
  return shell.command({
    name: 'status',
    summary: 'Tell whether the private server runs, where it is and what it keeps',
    example: 'structdb dev status --json',
    exitCodes: [EXIT.ok, EXIT.failed, EXIT.usage, EXIT.interrupted],
    run: async (session) => {
      const { privateServerStatus } = await import('../devdb/index.ts');
      const result = await privateServerStatus(await placeOf(session), session.context);
      return { result, human: (style) => renderStatus(result, style) };
    },
  });
}

function resetCommand(shell: Shell): Command {
  return shell.command<{ readonly withBackups?: boolean }>({
    name: 'reset',
    summary: 'Remove the private server, its data and its WAL; backups stay',
    details: 'Tells first what will be lost, and asks.',
    example: 'structdb dev reset --yes',
    exitCodes: CODES,
    destructive: true,
    configure: (command) => void command.option('--with-backups', 'remove the backups too'),
    run: async (session, _args, { withBackups = false }) => {
      const { planReset, resetPrivateServer } = await import('../devdb/index.ts');
      const options = { ...(await placeOf(session)), withBackups };
      const losses = resetLosses(await planReset(options));
      if (losses.length > 0) await session.confirm({ losses, ask: 'Remove the private server?' });
      const result = await resetPrivateServer(options, session.context);
      return { result, human: (style) => renderReset(result, style) };
    },
  });
}

function psqlCommand(shell: Shell): Command {
  return shell.command({
    name: 'psql [args...]',
    summary: 'Open psql on the private server; further arguments are psql’s own',
    example: "structdb dev psql -c 'select count(*) from projects'",
    exitCodes: [EXIT.ok, EXIT.failed, EXIT.usage],
    configure: (command) => void command.allowUnknownOption().passThroughOptions(),
    run: async (session, [args]) => {
      if (session.output.json) {
        throw new StructdbError('USAGE', '--json wants all of stdout, and so does psql.', {
          hint: 'Leave --json out. In psql: select json_agg(t) from (select …) t',
        });
      }
      const { openPsql } = await import('../devdb/index.ts');
      const { exitCode } = await session.undisturbed(async () =>
        openPsql({ ...(await placeOf(session)), args: (args as string[] | undefined) ?? [] }),
      );
      return { result: null, human: () => '', exitCode };
    },
  });
}

async function placeOf(session: Session) {
  const { dev } = await session.config();
  return { projectRoot: session.project.root, places: await session.places(), dev };
}
