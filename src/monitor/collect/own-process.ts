import { readdir, readFile } from 'node:fs/promises';
import type { Sample } from '../metrics/metric.ts';

/** The exporter's own process, by the names that Prometheus' libraries have for it. What a platform does not tell is absent. */
export async function processSamples(): Promise<Sample[]> {
  const { user, system } = process.cpuUsage();
  const { rss } = process.memoryUsage();
  const values: Record<string, number | undefined> = {
    process_cpu_seconds_total: (user + system) / 1e6,
    process_resident_memory_bytes: rss,
    process_start_time_seconds: performance.timeOrigin / 1000,
    process_virtual_memory_bytes: await virtualMemory(),
    ...(await descriptors()),
  };
  return Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [{ name, labels: {}, value }]));
}

async function virtualMemory(): Promise<number | undefined> {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '');
  const [, kilobytes] = /^VmSize:\s+(\d+) kB/m.exec(status) ?? [];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}

async function descriptors(): Promise<Record<string, number | undefined>> {
  const open = await readdir('/proc/self/fd').catch(() => undefined);
  const limits = await readFile('/proc/self/limits', 'utf8').catch(() => '');
  const [, most] = /^Max open files\s+(\d+)/m.exec(limits) ?? [];
  return { process_open_fds: open?.length, process_max_fds: most === undefined ? undefined : Number(most) };
}
