import { renderSettings, serverSettings } from '../../src/postgres/settings.ts';
import { archiveCommandIn } from '../../src/repository/archive-program.ts';

/** The major version of the image in infra/Dockerfile. */
export const IMAGE_MAJOR = 17;
/** Where infra/postgres/prepare.sh lays down the archive program in the container: beside PGDATA, on its disk. */
const ARCHIVE_DIRECTORY = '/var/lib/postgresql/data/structdb';

/** What the server of infra/compose.yaml includes into its postgresql.conf: what the private server has, and the archive. */
export function serverConf(major = IMAGE_MAJOR, archiveDirectory = ARCHIVE_DIRECTORY): string {
  return `# Written by scripts/write-infra.ts from src/postgres/settings.ts.\n${renderSettings({
    ...serverSettings(major),
    archive_command: archiveCommandIn(archiveDirectory),
  })}`;
}
