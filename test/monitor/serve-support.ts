import { mkdtemp } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { afterAll } from '@jest/globals';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { configSchema, type UserConfig } from '../../src/config/schema.ts';
import { registry } from '../../src/migrate/index.ts';
import type { FactSources } from '../../src/monitor/facts/gatherer.ts';
import { type ServeOptions, type ServeResult, serveMonitor } from '../../src/monitor/index.ts';
import { openDirectoryStore } from '../../src/storage/directory-store.ts';
import { type TestContext, testContext } from '../support/context.ts';
import { testPlaces } from '../support/environment.ts';
import { scratchDirectory } from '../support/scratch.ts';

export interface Served {
  readonly url: string;
  readonly context: TestContext;
  /** Stops it as SIGTERM does. */
  stop(): Promise<ServeResult>;
}

const running: Served[] = [];
const closing: (() => void)[] = [];

afterAll(async () => {
  for (const served of running) await served.stop();
  for (const close of closing) close();
});

/** A way to a port of loopback on which nothing listens. */
export async function nowhere(): Promise<ConnectionSettings> {
  const { port, close } = await accepting();
  await close();
  return wayTo(port);
}

/** A server that takes connections and never says a word; `taken` resolves with the first one. */
export async function silent(): Promise<{ readonly connection: ConnectionSettings; readonly taken: Promise<void> }> {
  const { port, close, taken } = await accepting();
  closing.push(() => void close());
  return { connection: wayTo(port), taken };
}

async function accepting() {
  const sockets: net.Socket[] = [];
  const taken = Promise.withResolvers<void>();
  const server = net.createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    taken.resolve();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () => {
    for (const socket of sockets) socket.destroy();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  };
  return { port: (server.address() as net.AddressInfo).port, close, taken: taken.promise };
}

function wayTo(port: number): ConnectionSettings {
  return {
    host: '127.0.0.1',
    port,
    database: 'app',
    user: 'ada',
    password: 'not-a-secret',
    tls: { mode: 'disable' },
    connectTimeoutMs: 10_000,
    source: 'the test',
  };
}

/** What is looked at beside the server: an empty store and an empty project below a scratch folder. */
export async function emptySources(
  config: UserConfig = {},
): Promise<Omit<FactSources, 'connection'> & Pick<ServeOptions, 'config'>> {
  const root = await mkdtemp(path.join(await scratchDirectory(), 'm-'));
  return {
    config: configSchema.parse(config),
    places: testPlaces(),
    migrations: async () => registry,
    openStore: async (name) => openDirectoryStore({ path: path.join(root, name), uid: process.geteuid?.() }),
    root,
  };
}

/** A monitor on a free port of loopback, stopped after the tests of the file. */
export async function serve(
  targets: ServeOptions['targets'],
  options: Partial<Omit<ServeOptions, 'config'>> & { readonly config?: UserConfig } = {},
): Promise<Served> {
  const { config, ...rest } = options;
  const context = testContext();
  const sources = await emptySources(config);
  const own = { ...sources, targets, host: '127.0.0.1', port: 0, webConfig: undefined, heartbeat: false, ...rest };
  const serving = serveMonitor(own, context);
  const failure = serving.then(
    () => undefined,
    (error: unknown) => error,
  );
  for (;;) {
    const told = context.events.find((event) => event.kind === 'notice' && event.message.startsWith('Listening on'));
    if (told && 'message' in told) {
      const served = {
        url: /https?:\S+/.exec(told.message)![0],
        context,
        stop: () => {
          context.interrupt();
          return serving;
        },
      };
      running.push(served);
      return served;
    }
    const failed = await Promise.race([failure, new Promise<'wait'>((resolve) => setTimeout(resolve, 5, 'wait'))]);
    if (failed !== 'wait') throw failed;
  }
}
