/** What was measured of one query, in the order in which the requests began (or were to begin). Times in milliseconds. */
export interface Samples {
  /** From the start (closed loop) or the scheduled start (open loop) until the rows are read. */
  readonly latencies: Float64Array;
  /** The part of it that was waiting for a connection of the pool. */
  readonly waits: Float64Array;
  /** When it began, since its crew was opened: a run that went on has several, so that it compares within a block. */
  readonly starts: Float64Array;
  /** Which block of the run it belongs to, from 0 on. */
  readonly blocks: Uint16Array;
}

/** Where each block begins among the samples, ascending from 0. */
export function blockStarts({ blocks }: Pick<Samples, 'blocks'>): number[] {
  return Array.from(blocks.keys()).filter((row) => row === 0 || blocks[row] !== blocks[row - 1]);
}

/** Requests of all queries of one stretch, in columns: they pass between threads as they are. */
export interface Records {
  readonly count: number;
  /** The query, by its place in the suite. */
  readonly places: Uint16Array;
  readonly blocks: Uint16Array;
  readonly starts: Float64Array;
  readonly waits: Float64Array;
  readonly latencies: Float64Array;
}

export function emptyRecords(capacity: number): Records {
  return {
    count: 0,
    places: new Uint16Array(capacity),
    blocks: new Uint16Array(capacity),
    starts: new Float64Array(capacity),
    waits: new Float64Array(capacity),
    latencies: new Float64Array(capacity),
  };
}

/** The samples of each query of a suite; room for the expected number is made beforehand. */
export class SampleStore {
  readonly #columns: Samples[];
  readonly #counts: number[];

  constructor(queries: number, expected: number) {
    this.#columns = Array.from({ length: queries }, () => columns(expected));
    this.#counts = new Array<number>(queries).fill(0);
  }

  /** What several workers measured at the same time, sorted together by when each request began. */
  add(parts: readonly Records[]): void {
    const order = parts.flatMap((part, from) => Array.from({ length: part.count }, (_, row) => [from, row] as const));
    if (parts.length > 1) order.sort((a, b) => parts[a[0]]!.starts[a[1]]! - parts[b[0]]!.starts[b[1]]!);
    for (const [from, row] of order) this.#addOne(parts[from]!, row);
  }

  /** Of the query at that place, without a copy. */
  of(place: number): Samples {
    const count = this.#counts[place]!;
    const { latencies, waits, starts, blocks } = this.#columns[place]!;
    return {
      latencies: latencies.subarray(0, count),
      waits: waits.subarray(0, count),
      starts: starts.subarray(0, count),
      blocks: blocks.subarray(0, count),
    };
  }

  #addOne(records: Records, row: number): void {
    const place = records.places[row]!;
    const count = this.#counts[place]!;
    let room = this.#columns[place]!;
    if (count === room.latencies.length) {
      room = widened(room);
      this.#columns[place] = room;
    }
    room.latencies[count] = records.latencies[row]!;
    room.waits[count] = records.waits[row]!;
    room.starts[count] = records.starts[row]!;
    room.blocks[count] = records.blocks[row]!;
    this.#counts[place] = count + 1;
  }
}

function columns(capacity: number): Samples {
  return {
    latencies: new Float64Array(capacity),
    waits: new Float64Array(capacity),
    starts: new Float64Array(capacity),
    blocks: new Uint16Array(capacity),
  };
}

function widened(old: Samples): Samples {
  const room = columns(Math.max(64, old.latencies.length * 2));
  room.latencies.set(old.latencies);
  room.waits.set(old.waits);
  room.starts.set(old.starts);
  room.blocks.set(old.blocks);
  return room;
}
