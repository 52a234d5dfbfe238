import { pathToFileURL } from 'node:url';

const waiting = new Set<() => void>();

/**
 * Imports a module that users wrote. One that awaits at its top what never comes fails as any other that cannot be
 * imported: Node would end the process, with an exit code and words of its own.
 */
export async function importModule(file: string): Promise<Readonly<Record<string, unknown>>> {
  const { promise: never, reject } = Promise.withResolvers<never>();
  const giveUp = () => reject(new Error('its top-level await waits for something that never comes'));
  if (waiting.size === 0) process.on('beforeExit', nothingComes);
  waiting.add(giveUp);
  try {
    return await Promise.race([import(pathToFileURL(file).href) as Promise<Record<string, unknown>>, never]);
  } finally {
    waiting.delete(giveUp);
    if (waiting.size === 0) process.off('beforeExit', nothingComes);
  }
}

/** Node has nothing left to do, so that nobody ends what is awaited. */
function nothingComes(): void {
  for (const giveUp of waiting) giveUp();
}
