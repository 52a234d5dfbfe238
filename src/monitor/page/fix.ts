/** A part of what mends a promise: what to do in words, and the command or query that does it, which a reader copies. */
export interface FixStep {
  /** `and see:`; empty where the command says it all. */
  readonly lead: string;
  /** null where there are only words. */
  readonly command: string | null;
}

const COMMAND = /^(?:(.*?:) +)?((?:structdb|psql|sudo|systemctl|select|alter|create|grant|vacuum|drop) .+)$/;

/** Steps stand in lines, or with three spaces between them; a command may follow the words that introduce it. */
export function fixSteps(fix: string): FixStep[] {
  const parts = fix.split(/\n| {3,}/).filter((part) => part.trim() !== '');
  return parts.map((part) => {
    const [, lead = '', command] = COMMAND.exec(part.trim()) ?? [];
    return command === undefined ? { lead: part.trim(), command: null } : { lead, command };
  });
}
