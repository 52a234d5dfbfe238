import { setFlagsFromString } from 'node:v8';

/**
 * Keeps the end of the process from hanging. Node waits there for V8's compiling threads, and the one of Sparkplug may
 * itself wait for a garbage collection that never comes any more (nodejs/node#54918): on a busy machine about one of a
 * hundred short commands never ended. A cron line or archive_command that does is worse than one that fails. Compiling on
 * the main thread instead took no time that could be measured.
 */
export function steadyExit(): void {
  setFlagsFromString('--no-concurrent-sparkplug');
}
