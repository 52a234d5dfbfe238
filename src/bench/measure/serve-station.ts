import type { MessagePort } from 'node:worker_threads';
import { messageOf, StructdbError } from '../../core/errors.ts';
import { translateDatabaseError } from '../../postgres/errors.ts';
import { loadSuite } from '../suite/load-suite.ts';
import { Station, type StationOutcome } from './station.ts';
import type { ThreadAnswer, ThreadError, ThreadOptions, ThreadOrder } from './station-thread.ts';

/** The inside of a `StationThread`: opens a station and does what it is told, one order after the other. */
export async function serveStation(options: ThreadOptions, port: MessagePort): Promise<void> {
  const errorOf = (thrown: unknown): ThreadError => {
    const error = translateDatabaseError(thrown, options.connection);
    if (!(error instanceof StructdbError)) return { message: messageOf(error) };
    const { code, message, hint, details } = error;
    return { code, message, hint, details };
  };
  const answer = async (id: number, work: () => Promise<StationOutcome | null>) => {
    try {
      const outcome = await work();
      port.postMessage({ id, outcome } satisfies ThreadAnswer, outcome ? buffersOf(outcome) : []);
    } catch (error) {
      port.postMessage({ id, error: errorOf(error) } satisfies ThreadAnswer);
    }
  };
  let station: Station | undefined;
  await answer(0, async () => {
    const { queries } = await loadSuite(options.sources);
    station = await Station.open({ ...options, queries });
    return null;
  });
  if (!station) return port.close();
  const opened = station;
  let stop = new AbortController();
  port.on('message', (order: ThreadOrder) => {
    if (order.verb === 'stop') stop.abort();
    else if (order.verb === 'run') {
      stop = new AbortController();
      void answer(order.id, () => opened.run(order.stretch, order.share, stop.signal));
    } else {
      void answer(order.id, async () => {
        if (order.verb === 'drain') await opened.drain();
        else await opened.close();
        return null;
      });
    }
  });
}

/** Handed over instead of copied. */
function buffersOf({ records }: StationOutcome): ArrayBuffer[] {
  const { places, blocks, starts, waits, latencies } = records;
  return [places, blocks, starts, waits, latencies].map(({ buffer }) => buffer as ArrayBuffer);
}
