import { rm } from 'node:fs/promises';
import path from 'node:path';
import { StructdbError } from '../../core/errors.ts';
import type { Store } from '../../storage/store.ts';
import { receiveWal } from '../../wal/index.ts';
import { recoverFromStore } from './recover.ts';
import type { Scenario, Stage } from './stage.ts';

/** Only what reached the store counts: the open segment is there up to about a second ago, if somebody streams it. */
export const serverAndReceiverLost: Scenario = {
  name: 'server-and-receiver-lost',
  title: 'the server and the host that receives its WAL are lost together, with both their directories',
  protection: 'wal receive: the open segment is in the store within a second of a change',
  limitMs: 2000,
  async run(stage, { unprotected }) {
    const { cluster, writer } = stage;
    await stage.begin();
    const receiver = unprotected ? undefined : await startReceiver(stage);
    await writer.more(20);
    await stage.secure();
    // Longer than the limit: without a receiver, all of this is in the open segment.
    await writer.more(60);
    await stage.breaks(async () => {
      receiver?.cutOff();
      await cluster.destroy();
    });
    await receiver?.lost();
    const { endLsn: archivedEnd, partial } = await stage.reach();
    if (partial) stage.said.push(`the store has the open segment ${partial.name} too`);
    return { connection: await recoverFromStore(stage), archivedEnd };
  },
};

interface Receiver {
  /** From now on nothing that it sends arrives. */
  cutOff(): void;
  /** It is gone, and its directory with it. */
  lost(): Promise<void>;
}

async function startReceiver(stage: Stage): Promise<Receiver> {
  const { cluster, template, context } = stage;
  const { environment } = template.options.places;
  const spoolDirectory = path.join(stage.directory, 'receiver');
  const link = { isCut: false };
  const stop = new AbortController();
  const receiving = receiveWal(
    {
      connection: cluster.connection,
      store: throughLink(stage.store, link),
      places: template.options.places,
      actor: { host: environment.hostName, user: environment.userName, command: 'dr-test' },
      slot: 'structdb_scenario',
      spoolDirectory,
      heartbeat: false,
    },
    { ...context, signal: AbortSignal.any([context.signal, stop.signal]) },
  ).catch(() => {});
  const lost = async () => {
    stop.abort();
    await receiving;
    await rm(spoolDirectory, { recursive: true, force: true });
  };
  stage.onClose(lost);
  await stage.until('the receiver streams', async () => {
    const [found] = await stage.query<{ streams: boolean }>(
      cluster.connection,
      'select exists (select from pg_stat_replication) as streams',
    );
    return found!.streams;
  });
  return {
    cutOff: () => {
      link.isCut = true;
    },
    lost,
  };
}

/** The store as a host sees it whose cable can be pulled: afterwards no call of it does anything. */
function throughLink(store: Store, link: { readonly isCut: boolean }): Store {
  return new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => {
        if (link.isCut) throw new StructdbError('STORE_FAILED', `${store.location} cannot be reached.`);
        return (value as (...args: unknown[]) => unknown).apply(target, args);
      };
    },
  });
}
