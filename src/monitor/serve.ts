import { setTimeout as sleep } from 'node:timers/promises';
import type { RunContext } from '../core/context.ts';
import { keepBeating } from '../database/keep-beating.ts';
import { listen } from './http/server.ts';
import { Monitor, type MonitorOptions } from './monitor.ts';

export interface ServeOptions extends MonitorOptions {
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  /** The absolute path of a web configuration; undefined: neither TLS nor passwords. */
  readonly webConfig: string | undefined;
  /** Writes structdb.heartbeat into the configured database every 10 s, where the role may. */
  readonly heartbeat: boolean;
}

export interface ServeResult {
  readonly url: string;
  readonly requests: number;
}

/**
 * Serves metrics, the status page and probes until it is told to stop. The server of the database may be down, now or
 * later: that is what it tells.
 * @throws PORT_TAKEN, USAGE, WEB_CONFIG_INVALID, FILE_MISSING, FILE_UNREADABLE, PERMISSION_DENIED: before it listens
 */
export async function serveMonitor(options: ServeOptions, context: RunContext): Promise<ServeResult> {
  const { config, targets, heartbeat } = options;
  const monitor = new Monitor(options, context);
  try {
    const service = await listen(monitor, { ...options, answerMs: config.monitor.scrapeTimeout }, context);
    context.report({
      kind: 'notice',
      message: `Listening on ${service.url} for ${targets.length === 1 ? '1 database' : `${targets.length} databases`}.`,
    });
    await Promise.all([
      every(config.monitor.factsEvery, context, () => monitor.gather()),
      every(config.monitor.sampleEvery, context, () => monitor.sample()),
      ...(heartbeat ? [keepBeating(targets[0], context)] : []),
    ]);
    await service.stop();
    return Object.freeze({ url: service.url, requests: service.requests });
  } finally {
    await monitor.close();
  }
}

/** Does it now and every so often, from begin to begin; never twice at a time. */
async function every(ms: number, { signal, clock }: RunContext, work: () => Promise<void>): Promise<void> {
  while (!signal.aborted) {
    const began = clock.monotonicMs();
    await work();
    const left = Math.max(0, ms - (clock.monotonicMs() - began));
    await sleep(left, undefined, { signal }).catch(() => {});
  }
}
