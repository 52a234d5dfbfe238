import { createHash } from 'node:crypto';
import { createServer } from 'node:net';
import { codeOf, StructdbError } from '../core/errors.ts';
import { SERVER_HOST } from './record.ts';

/** Below the range from which systems take ports for outgoing connections (32768 on Linux, 49152 elsewhere). */
const FIRST = 15_000;
const COUNT = 15_000;

/**
 * The port of a private server: the one it had or a number of its checkout's own, else the next free one after that.
 * @throws PORT_TAKEN when all of the next hundred are in use
 */
export async function choosePort(checkout: string, former: number | undefined): Promise<number> {
  const preferred = former ?? FIRST + (createHash('sha256').update(checkout).digest().readUInt32BE(0) % COUNT);
  for (let step = 0; step < 100; step += 1) {
    const port = step === 0 ? preferred : FIRST + ((preferred - FIRST + step + COUNT) % COUNT);
    if ((await whyNot(port)) === undefined) return port;
  }
  throw new StructdbError('PORT_TAKEN', `No free port was found from ${preferred} on.`, {
    hint: 'Name one in structdb.config.ts: dev: { port: … }',
  });
}

/** Makes sure that the port which the configuration names can be had. @throws PORT_TAKEN, SERVER_START_FAILED */
export async function requirePort(port: number): Promise<number> {
  const why = await whyNot(port);
  if (why === undefined) return port;
  if (why === 'EACCES') {
    throw new StructdbError('SERVER_START_FAILED', `This user may not listen on port ${port} of ${SERVER_HOST}.`, {
      hint: 'Name a port from 1024 on in structdb.config.ts: dev: { port: … }',
    });
  }
  throw new StructdbError('PORT_TAKEN', `Port ${port} of ${SERVER_HOST} is in use by another program.`, {
    hint: 'Stop that program, or name another port in structdb.config.ts: dev: { port: … }',
  });
}

/** The system's code for why nobody can listen there (EADDRINUSE, EACCES); undefined when the port is free. */
async function whyNot(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', (error) => resolve(codeOf(error) ?? error.message));
    probe.listen({ port, host: SERVER_HOST, exclusive: true }, () => probe.close(() => resolve(undefined)));
  });
}
