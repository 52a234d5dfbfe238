import { type Command, Option } from 'commander';
import type { UnitSystem } from '../catalog/index.ts';
import { ENCODINGS, type Encoding } from '../catalog/reading/encodings.ts';

/** How files are to be read: what their content does not prove. */
export interface ReadingFlags {
  readonly complete?: boolean;
  readonly skipBadRows?: boolean;
  readonly edition?: string;
  readonly unitSystem?: UnitSystem;
  readonly encoding?: Encoding;
  readonly sheet?: string;
}

/** Adds the options that say what a file does not prove. */
export function addReadingOptions(command: Command): Command {
  return command
    .option('--edition <edition>', 'the edition of an AISC file that does not prove it (v16.0)')
    .addOption(
      new Option('--unit-system <system>', 'the units of an AISC file that does not prove them').choices(['US', 'SI']),
    )
    .addOption(new Option('--encoding <name>', 'the encoding of a text file that does not prove it').choices(ENCODINGS))
    .option('--sheet <name>', 'the sheet of a workbook that has several tables');
}

/** Those of the named options that were given. */
export function given<Flags extends object, Name extends keyof Flags>(
  flags: Flags,
  names: readonly Name[],
): Partial<Pick<Flags, Name>> {
  return Object.fromEntries(
    names.filter((name) => flags[name] !== undefined).map((name) => [name, flags[name]]),
  ) as Partial<Pick<Flags, Name>>;
}

/** The names of what `ReadingFlags` has. */
export const READING_FLAGS = ['complete', 'skipBadRows', 'edition', 'unitSystem', 'encoding', 'sheet'] as const;
