import type { Config } from './schema.ts';

/**
 * The configuration without a file. The published command line has it as a constant (scripts/build.mjs): to load the
 * validator for it takes as long as to ask a server.
 */
export async function defaultConfig(): Promise<Config> {
  const { configSchema } = await import('./schema.ts');
  return configSchema.parse({});
}
