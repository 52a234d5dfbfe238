import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { type ErrorCode, StructdbError } from '../../core/errors.ts';
import { packageRoot } from '../../core/tool-version.ts';
import type { SuiteSources } from '../suite/query.ts';
import type { StationOptions, StationOutcome } from './station.ts';
import type { Share, Stretch } from './stretch.ts';

/** What a thread is started with; it loads the suite itself, since queries are functions. */
export type ThreadOptions = Omit<StationOptions, 'queries'> & { readonly sources: SuiteSources | undefined };

/** What a thread is told. `id` comes back with the answer. */
export type ThreadOrder =
  | { readonly id: number; readonly verb: 'run'; readonly stretch: Stretch; readonly share: Share }
  | { readonly id: number; readonly verb: 'drain' | 'close' }
  | { readonly verb: 'stop' };

/** What it answers; an error in parts, because a class does not pass between threads. */
export type ThreadAnswer =
  | { readonly id: number; readonly outcome: StationOutcome | null }
  | { readonly id: number; readonly error: ThreadError };

export interface ThreadError {
  /** Absent for a defect. */
  readonly code?: ErrorCode;
  readonly message: string;
  readonly hint?: string | undefined;
  readonly details?: readonly string[];
}

/** Answers the first message of a thread: its pool is open, or why not. */
const OPENED = 0;

/** A station in a thread of its own, with an event loop of its own. */
export class StationThread {
  readonly #thread: Worker;
  readonly #waiting = new Map<
    number,
    { resolve(outcome: StationOutcome | null): void; reject(error: unknown): void }
  >();
  #lastId = OPENED;
  #ended: unknown;

  private constructor(options: ThreadOptions) {
    this.#thread = new Worker(threadProgram(), { workerData: options, name: 'structdb bench' });
    this.#thread.on('message', (answer: ThreadAnswer) => this.#receive(answer));
    this.#thread.on('error', (error) => this.#fail(error));
    this.#thread.on('exit', (code) => this.#fail(new Error(`A worker of the benchmark ended with ${code}.`)));
  }

  static async open(options: ThreadOptions): Promise<StationThread> {
    const thread = new StationThread(options);
    try {
      await thread.#answerTo(OPENED);
    } catch (error) {
      await thread.#thread.terminate();
      throw error;
    }
    return thread;
  }

  async run(stretch: Stretch, share: Share, signal: AbortSignal): Promise<StationOutcome> {
    const stop = () => this.#thread.postMessage({ verb: 'stop' } satisfies ThreadOrder);
    signal.addEventListener('abort', stop, { once: true });
    try {
      const answer = this.#order((id) => ({ id, verb: 'run', stretch, share }));
      // After the order, so that it is this run that stops.
      if (signal.aborted) stop();
      return (await answer)!;
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  async drain(): Promise<void> {
    await this.#order((id) => ({ id, verb: 'drain' }));
  }

  async close(): Promise<void> {
    await this.#order((id) => ({ id, verb: 'close' })).catch(() => {});
    await this.#thread.terminate();
  }

  #order(message: (id: number) => ThreadOrder): Promise<StationOutcome | null> {
    this.#lastId += 1;
    const id = this.#lastId;
    const answer = this.#answerTo(id);
    this.#thread.postMessage(message(id));
    return answer;
  }

  #answerTo(id: number): Promise<StationOutcome | null> {
    return new Promise((resolve, reject) => {
      if (this.#ended === undefined) this.#waiting.set(id, { resolve, reject });
      else reject(this.#ended);
    });
  }

  #receive(answer: ThreadAnswer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if ('error' in answer) waiting?.reject(errorOf(answer.error));
    else waiting?.resolve(answer.outcome);
  }

  #fail(error: unknown): void {
    this.#ended ??= error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

function errorOf({ code, message, hint, details = [] }: ThreadError): Error {
  if (code === undefined) return new Error(message);
  return new StructdbError(code, message, { details, ...(hint === undefined ? {} : { hint }) });
}

/** The source in a checkout, else what is compiled of it: the command line is bundled, and this file not where it was. */
function threadProgram(): string {
  const here = fileURLToPath(import.meta.url);
  return here.endsWith('.ts')
    ? path.join(path.dirname(here), '..', '..', 'entries', 'bench-worker.ts')
    : path.join(packageRoot(), 'dist', 'src', 'entries', 'bench-worker.js');
}
