import type { UserConfig } from './schema.ts';

/** Gives a structdb.config.ts its types; returns what it was given. */
export function defineConfig(config: UserConfig): UserConfig {
  return config;
}
