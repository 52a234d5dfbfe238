import path from 'node:path';
import { renderSettings, serverSettings } from '../postgres/settings.ts';
import { baseProgramEnvironment } from '../programs/credentials.ts';
import { runProgram } from '../programs/run.ts';
import { writeWhole } from '../storage/whole-file.ts';
import type { ServerHome } from './home.ts';
import { SERVER_HOST } from './record.ts';

const FILE = 'structdb.conf';

/** What a new cluster's postgresql.conf says: the rest is in a file that every start writes anew. */
export const initialSettings = Object.freeze({ include_if_exists: FILE });

/** Where this start listens and how it archives, beside the settings that the schema is tuned for. */
export async function writeSettings(
  home: ServerHome,
  start: {
    readonly major: number;
    readonly port: number;
    readonly socketDirectory: string;
    readonly archiveCommand: string;
  },
): Promise<void> {
  const text = renderSettings({
    ...serverSettings(start.major),
    listen_addresses: SERVER_HOST,
    port: String(start.port),
    unix_socket_directories: start.socketDirectory,
    archive_command: start.archiveCommand,
    password_encryption: 'scram-sha-256',
  });
  await writeAsServerUser(
    home,
    path.join(home.dataDirectory, FILE),
    `# Written by structdb dev start; ALTER SYSTEM wins over it.\n${text}`,
  );
}

/** Root never writes into a directory of another user, who could have put a symbolic link there: that user writes. */
async function writeAsServerUser(home: ServerHome, file: string, content: string): Promise<void> {
  if (!home.user) return writeWhole(file, content, 0o600);
  const shell = Object.freeze({ name: 'sh', path: '/bin/sh', version: '', major: 0 });
  await runProgram(shell, ['-c', 'umask 077 && cat > "$1.new" && mv -f "$1.new" "$1"', 'sh', file], {
    env: baseProgramEnvironment,
    user: home.user,
    input: content,
    doing: `Writing ${file}`,
  });
}
