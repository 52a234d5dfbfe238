import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { plan } from '../../src/migrate/index.ts';

const run = promisify(execFile);

const INI = `[alembic]
script_location = %(here)s
`;

const ENV = `import os
from alembic import context
from sqlalchemy import create_engine

engine = create_engine(os.environ["DATABASE_URL"])
with engine.connect() as connection:
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
`;

/** As text, without SQLAlchemy looking for parameters in it. */
const REVISION = `import json
import pathlib
from alembic import op

revision = {revision}
down_revision = {down}
branch_labels = None
depends_on = None


def statements():
    file = pathlib.Path(__file__).with_name(revision + ".json")
    return json.loads(file.read_text())


def run():
    connection = op.get_bind().execution_options(no_parameters=True)
    for statement in statements():
        connection.exec_driver_sql(statement)


def upgrade():
    {body}


def downgrade():
    raise NotImplementedError()
`;

/**
 * An Alembic project of six revisions that builds the same schema as structdb's migrations: each executes what
 * `structdb migrate plan` prints for its namesake.
 */
export class AlembicProject {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async create(folder: string): Promise<AlembicProject> {
    const versions = path.join(folder, 'versions');
    mkdirSync(versions, { recursive: true });
    writeFileSync(path.join(folder, 'alembic.ini'), INI);
    writeFileSync(path.join(folder, 'env.py'), ENV);
    let down = 'None';
    for (const { name, statements, transactional } of await plan()) {
      const revision = name.slice(0, 3);
      // structdb makes the schema before its first migration.
      const all = down === 'None' ? ['create schema if not exists structdb', ...statements] : statements;
      const body = transactional ? 'run()' : 'with op.get_context().autocommit_block():\n        run()';
      writeFileSync(path.join(versions, `${revision}.json`), JSON.stringify(all));
      writeFileSync(
        path.join(versions, `${name}.py`),
        REVISION.replace('{revision}', `"${revision}"`).replace('{down}', down).replace('{body}', body),
      );
      down = `"${revision}"`;
    }
    return new AlembicProject(folder);
  }

  /** Runs Alembic on the database; returns what it prints. */
  async run(connection: ConnectionSettings, ...args: string[]): Promise<string> {
    const login = `${encodeURIComponent(connection.user)}:${encodeURIComponent(connection.password ?? '')}`;
    const url = `postgresql+psycopg2://${login}@${connection.host}:${connection.port}/${connection.database}`;
    const { stdout } = await run('alembic', args, {
      cwd: this.#folder,
      env: { PATH: process.env.PATH, HOME: process.env.HOME, DATABASE_URL: url },
    });
    return stdout;
  }
}
