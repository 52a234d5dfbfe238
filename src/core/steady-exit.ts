import { setFlagsFromString } from 'node:v8';

/**
 * Keeps the end of the process from hanging. Node waits there for V8's compiling threads, and one of Sparkplug or Maglev
 * may itself wait for a garbage collection that never comes any more (nodejs/node#54918): on a busy machine about one of
 * a hundred short commands never ended, and one of fifteen that had its compile cache still to write. A cron line or
 * archive_command that does is worse than one that fails. Sparkplug compiles on the main thread instead. Maglev can only
 * be told so at the start of a process, so it is left out: what is hot long enough is compiled by Turbofan all the same,
 * which makes its code on the main thread. Neither took time that could be measured.
 */
export function steadyExit(): void {
  setFlagsFromString('--no-concurrent-sparkplug');
  setFlagsFromString('--no-maglev');
}
