/** What structdb does by itself: lines of cron or units of systemd, shown, put in place and taken away. */
export { type CronSettings, renderBlock } from './crontab.ts';
export {
  type Changes,
  findFlock,
  installBlock,
  installUnits,
  removeBlock,
  removeUnits,
  systemdVersion,
  systemTimeZone,
} from './install.ts';
export { type Job, jobsOf, type Program } from './jobs.ts';
export { renderUnits, type Unit, type UnitScope, type UnitSettings } from './units.ts';
