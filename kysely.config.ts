import { defineConfig } from 'kysely-ctl';
import { takeEnvironment } from './src/cli/environment.ts';
import { loadConfig } from './src/config/load.ts';
import { findProject } from './src/config/project.ts';
import { resolveConnection } from './src/config/resolve.ts';
import { readPrivateServer } from './src/devdb/address.ts';
import { createKyselyForCtl, createMigratorForCtl } from './src/migrate/kysely-ctl.ts';

/**
 * `npx kysely migrate …` and `npx kysely seed run` on the database that structdb would choose, with structdb's Migrator
 * and the limits of its connections: both tools leave the same books.
 */
export default defineConfig({
  kysely: async () => {
    const project = await findProject(process.cwd());
    const environment = await takeEnvironment(project.root);
    const config = await loadConfig(project.configFile);
    const connection = await resolveConnection({
      environment,
      configuredUrl: config.database.url,
      privateServer: () => readPrivateServer(project.root),
    });
    return createKyselyForCtl(connection);
  },
  migrations: { migrator: createMigratorForCtl },
  seeds: { seedFolder: 'seeds' },
});
