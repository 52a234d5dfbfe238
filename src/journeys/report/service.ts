import { get as getPlain } from 'node:http';
import { get as getSecure } from 'node:https';
import type { Config } from '../../config/schema.ts';
import { messageOf, StructdbError } from '../../core/errors.ts';
import type { ServiceEvidence } from './evidence.ts';

const ANSWER_MS = 3000;

/** Asks `monitor serve` where the configuration has it listen whether it lives. @throws when nobody answers */
export async function askService({ host, port }: Config['monitor'], signal: AbortSignal): Promise<ServiceEvidence> {
  if (port === 0) {
    throw new StructdbError('USAGE', 'monitor.port is 0: nobody knows where the monitor listens.', {
      hint: 'Name a port in structdb.config.ts.',
    });
  }
  const place = `${inUrl(host)}:${port}/healthz`;
  try {
    return await ask(`http://${place}`, signal);
  } catch (error) {
    // With a web configuration it may speak TLS only. Its certificate is not judged: nothing is told to it.
    const secured = await ask(`https://${place}`, signal).catch(() => undefined);
    if (secured) return secured;
    throw new StructdbError('CONNECTION_FAILED', `No monitor answers on http://${place}: ${messageOf(error)}.`, {
      cause: error,
      hint: 'Run: structdb monitor serve   (or have it started: structdb schedule install --systemd)',
    });
  }
}

async function ask(url: string, signal: AbortSignal): Promise<ServiceEvidence> {
  const status = await new Promise<number>((resolve, reject) => {
    const options = { signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]), agent: false as const };
    const request = url.startsWith('https:')
      ? getSecure(url, { ...options, rejectUnauthorized: false })
      : getPlain(url, options);
    request.on('response', (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    request.on('error', reject);
  });
  // Who it lets in is no matter of whether it lives.
  if (status === 200 || status === 401) return { url };
  throw new Error(`it answered ${status}`);
}

/** Of an address that means every interface, the one that can be asked here. */
function inUrl(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}
