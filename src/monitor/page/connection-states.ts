import type { LiveSample } from '../live.ts';
import type { Layer } from './history.ts';

/** What does harm first: work, then what holds locks without working, then what only waits. */
const ORDER = ['active', 'idle in transaction', 'idle in transaction (aborted)', 'idle'];

/** One state of pg_stat_activity in the picture, with how many there are now. */
export interface ConnectionLayer extends Layer {
  readonly now: number;
}

/** The states that any connection was ever seen in, in an order that does not change; what no state names is `other`. */
export function connectionLayers(samples: readonly LiveSample[]): ConnectionLayer[] {
  const named = ORDER.filter((state) => samples.some(({ connections }) => (connections.byState[state] ?? 0) > 0));
  const layers = named.map((state) =>
    layerOf(state, kindOf(state), ({ connections }) => connections.byState[state] ?? 0),
  );
  const other = ({ connections }: LiveSample) =>
    Math.max(0, connections.used - named.reduce((sum, state) => sum + (connections.byState[state] ?? 0), 0));
  if (samples.some((sample) => other(sample) > 0)) layers.push(layerOf('other', 'other', other));
  return layers;

  function layerOf(state: string, kind: string, read: Layer['read']): ConnectionLayer {
    return { name: state, kind, read, now: read(samples.at(-1)!) };
  }
}

function kindOf(state: string): string {
  return state.replace(/[^a-z]+/g, '-').replace(/-$/, '');
}
