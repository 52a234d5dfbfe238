import { access, lstat, mkdir, readdir, readlink, rename, rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import { StructdbError } from '../core/errors.ts';
import { findServerPrograms, type ServerPrograms } from '../postgres/cluster.ts';
import {
  embeddedServerDirectory,
  findAll,
  findProgram,
  installHint,
  onlyIn,
  type SearchPlaces,
} from '../programs/find.ts';
import { reaches } from '../programs/system-user.ts';
import { linkOrCopy } from '../storage/whole-file.ts';
import type { ServerHome } from './home.ts';
import type { ServerRecord } from './record.ts';

export interface ChosenPrograms {
  readonly programs: ServerPrograms;
  readonly directory: string;
  /** npm's embedded server: no client tools, so no backups. */
  readonly embedded: boolean;
}

/** What the record of a server says about its programs. */
export function programsOf(chosen: ChosenPrograms): Pick<ServerRecord, 'programs' | 'version' | 'embedded'> {
  return { programs: chosen.directory, version: chosen.programs.postgres.version, embedded: chosen.embedded };
}

/**
 * The server programs of a private server: of exactly `major` when a cluster exists, else the newest installed ones
 * whose databases an installed pg_dump can dump, else any installed, else npm's embedded server.
 * @throws PROGRAM_MISSING, PROGRAM_TOO_OLD
 */
export async function chooseServerPrograms(
  places: SearchPlaces,
  home: ServerHome,
  major: number | undefined,
): Promise<ChosenPrograms> {
  const embedded = embeddedServerDirectory(places.environment.platform, process.arch);
  const installed = (await findAll('initdb', places)).filter(
    (program) => major === undefined || program.major === major,
  );
  const dumpable = await Promise.all(installed.map((program) => canDump(places, program.major)));
  const chosen = installed[dumpable.indexOf(true)] ?? installed[0];
  if (chosen) {
    const directory = path.dirname(chosen.path);
    return withReach(places, home, directory, directory === embedded);
  }
  if (embedded && (await holdsMajor(onlyIn(places, embedded), major))) return withReach(places, home, embedded, true);
  // Nothing fits: let the search say what is missing and how it is installed.
  return {
    programs: await findServerPrograms(places, major === undefined ? {} : { major }),
    directory: '',
    embedded: false,
  };
}

async function canDump(places: SearchPlaces, atLeast: number): Promise<boolean> {
  return findProgram('pg_dump', places, { atLeast }).then(
    () => true,
    () => false,
  );
}

async function holdsMajor(places: SearchPlaces, major: number | undefined): Promise<boolean> {
  const all = await findAll('initdb', places);
  return all.some((program) => major === undefined || program.major === major);
}

async function withReach(
  places: SearchPlaces,
  home: ServerHome,
  directory: string,
  embedded: boolean,
): Promise<ChosenPrograms> {
  const reachable = home.user === undefined || (await reaches(home.user, path.join(directory, 'postgres')));
  if (!reachable && !embedded) {
    throw new StructdbError(
      'PROGRAM_MISSING',
      `The server runs as "${home.user?.name}", who cannot reach PostgreSQL's programs in ${directory}.`,
      { hint: `Make ${directory} readable for that user. ${installHint(places.environment.platform)}` },
    );
  }
  const used = reachable ? directory : await copyPrograms(directory, home);
  return { programs: await findServerPrograms(onlyIn(places, used)), directory: used, embedded };
}

/** Copies the embedded server (bin, lib, share) out of a checkout that the server's user cannot enter. */
async function copyPrograms(directory: string, home: ServerHome): Promise<string> {
  const target = path.join(home.directory, 'programs');
  const bin = path.join(target, 'bin');
  if (
    await access(bin).then(
      () => true,
      () => false,
    )
  )
    return bin;
  const unfinished = `${target}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  await copyTree(path.dirname(directory), unfinished);
  await rename(unfinished, target);
  return bin;
}

async function copyTree(from: string, to: string): Promise<void> {
  await mkdir(to, { mode: 0o755 });
  for (const name of await readdir(from)) {
    const source = path.join(from, name);
    const target = path.join(to, name);
    const found = await lstat(source);
    if (found.isDirectory()) await copyTree(source, target);
    else if (found.isSymbolicLink()) await symlink(await readlink(source), target);
    else await linkOrCopy(source, target);
  }
}
