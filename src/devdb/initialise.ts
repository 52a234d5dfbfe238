import { randomBytes, randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import type { RunContext } from '../core/context.ts';
import { asStep } from '../core/progress.ts';
import { initCluster } from '../postgres/cluster.ts';
import { writeWhole } from '../storage/whole-file.ts';
import { readSystemIdentifier } from './cluster-files.ts';
import type { ServerHome } from './home.ts';
import { type ChosenPrograms, programsOf } from './programs.ts';
import { SERVER_ROLE, type ServerRecord, writeRecord } from './record.ts';
import { initialSettings } from './settings-file.ts';

/**
 * Makes the cluster of a private server: data checksums, SCRAM, a generated password in a 0600 file. Interrupted or
 * failed, it leaves nothing; killed, it leaves a record without system identifier, which the next start clears away.
 */
export async function initialise(home: ServerHome, chosen: ChosenPrograms, context: RunContext): Promise<ServerRecord> {
  const password = randomBytes(24).toString('base64url');
  const unfinished: ServerRecord = {
    format: 1,
    id: randomUUID(),
    checkout: home.checkout,
    port: 0,
    socketDirectory: '',
    ...programsOf(chosen),
    systemUser: home.user?.name ?? null,
    systemIdentifier: null,
  };
  // Written first: what a killed initialisation leaves is thereby known to be worth nothing.
  await writeRecord(home.directory, unfinished);
  await writeWhole(home.passwordFile, `${password}\n`, 0o600);
  const { version } = chosen.programs.postgres;
  try {
    await asStep(context, 'dev.init', `Initialising a PostgreSQL ${version} cluster`, async () => {
      await initCluster(
        {
          programs: chosen.programs,
          dataDirectory: home.dataDirectory,
          user: home.user,
          superuser: SERVER_ROLE,
          password,
          settings: initialSettings,
        },
        context,
      );
    });
    return { ...unfinished, systemIdentifier: await readSystemIdentifier(home.dataDirectory) };
  } catch (error) {
    for (const left of [home.dataDirectory, home.passwordFile, path.join(home.directory, 'server.json')]) {
      await rm(left, { recursive: true, force: true });
    }
    throw error;
  }
}
