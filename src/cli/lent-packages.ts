import { registerHooks } from 'node:module';
import { codeOf } from '../core/errors.ts';

/** What a configuration, suite or migration imports: structdb itself, and what it writes SQL with. */
const LENT = /^(structdb|kysely)(\/|$)/;
const NOT_FOUND: readonly (string | undefined)[] = ['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND'];

/** A checkout runs its sources: what was built of it last is older, or not there. */
function ownName(specifier: string): string {
  const [, entry] = /^structdb(\/.+)?$/.exec(specifier) ?? ['', undefined];
  const ofSource = import.meta.url.endsWith('.ts') && specifier.startsWith('structdb');
  return ofSource ? new URL(`..${entry ?? ''}/index.ts`, import.meta.url).href : specifier;
}

/**
 * Lets users' files import these packages where their project has none, as of a structdb that is installed for the whole
 * machine: they get structdb's own. A project's own packages come first.
 */
export function lendPackages(): void {
  registerHooks({
    resolve(specifier, context, nextResolve) {
      try {
        return nextResolve(specifier, context);
      } catch (error) {
        if (!LENT.test(specifier) || !NOT_FOUND.includes(codeOf(error))) throw error;
        return nextResolve(ownName(specifier), { ...context, parentURL: import.meta.url });
      }
    },
  });
}
