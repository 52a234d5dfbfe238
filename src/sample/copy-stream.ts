import { copyValue } from './copy-text.ts';
import { SAMPLE_CONSTANTS_VERSION } from './generate.ts';
import { isoTime } from './iso-time.ts';
import { type DesignSnapshot, designSnapshot } from './payload.ts';
import { type ProjectPlan, planProject } from './project.ts';
import type { SampleOptions } from './rows.ts';

/** Lines of COPY's text format, for the columns of the table of that name in `sampleTables`. */
export interface SampleChunk {
  readonly table: 'projects' | 'project_payloads' | 'project_events';
  readonly text: Buffer;
  readonly rows: number;
}

const CHUNK_CHARACTERS = 64 * 1024;

/**
 * The rows of all three tables in one pass, each project planned and each design made and hashed once: what
 * `copyText` gives for the tables one after the other, in less than half of the time. Chunks of about 64 KiB.
 */
export function* sampleChunks({ projects, seed }: SampleOptions): Generator<SampleChunk> {
  const lines = { projects: new Lines('projects'), payloads: new Lines('project_payloads') };
  const events = new Lines('project_events');
  for (let index = 0; index < projects; index += 1) {
    const plan = planProject(seed, index);
    let newest: DesignSnapshot | undefined;
    for (const event of plan.events) {
      const at = isoTime(event.at);
      let data = '{}';
      if (event.payloadVersion > 0) {
        newest = designSnapshot(seed, index, event.payloadVersion);
        data = `{"version":${event.payloadVersion}}`;
        lines.payloads.add(
          `${plan.id}\t${event.payloadVersion}\t${newest.module}\t${copyValue(newest.text)}\t${event.actor}\t${at}\t${SAMPLE_CONSTANTS_VERSION}\t${newest.sha256}\t${newest.confidence}\n`,
        );
        if (lines.payloads.isFull) yield lines.payloads.take();
      }
      events.add(`${plan.id}\t${event.type}\t${event.actor}\t${at}\t${data}\n`);
    }
    if (events.isFull) yield events.take();
    lines.projects.add(projectLine(plan, newest));
    if (lines.projects.isFull) yield lines.projects.take();
  }
  for (const rest of [lines.projects, lines.payloads, events]) if (!rest.isEmpty) yield rest.take();
}

function projectLine(plan: ProjectPlan, newest: DesignSnapshot | undefined): string {
  const { id, account, name, customer, site, status, events } = plan;
  const last = events.at(-1)!;
  const design = newest ? `${SAMPLE_CONSTANTS_VERSION}\t${newest.sha256}\t${newest.confidence}` : '\\N\t\\N\t\\N';
  return `${id}\t${account.id}\t${name}\t${customer}\t${site}\t${status}\t${events[0]!.actor}\t${last.actor}\t${isoTime(plan.createdAt)}\t${isoTime(last.at)}\t${events.length}\t${design}\n`;
}

/** Of one table, gathered until they fill a chunk. */
class Lines {
  readonly #table: SampleChunk['table'];
  #text = '';
  #rows = 0;

  constructor(table: SampleChunk['table']) {
    this.#table = table;
  }

  get isFull(): boolean {
    return this.#text.length >= CHUNK_CHARACTERS;
  }

  get isEmpty(): boolean {
    return this.#rows === 0;
  }

  add(line: string): void {
    this.#text += line;
    this.#rows += 1;
  }

  take(): SampleChunk {
    const chunk = { table: this.#table, text: Buffer.from(this.#text), rows: this.#rows };
    this.#text = '';
    this.#rows = 0;
    return chunk;
  }
}
