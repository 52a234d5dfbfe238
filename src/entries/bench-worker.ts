import { parentPort, workerData } from 'node:worker_threads';
import { serveStation } from '../bench/measure/serve-station.ts';
import type { ThreadOptions } from '../bench/measure/station-thread.ts';

/** A thread of `structdb bench`: one event loop with its share of the clients. */
await serveStation(workerData as ThreadOptions, parentPort!);
