/**
 * Puts this program and its configuration on a node. It can be repeated, and be killed at any moment: the kubelet finds
 * the old program or the new one.
 */

import { lstatSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { MISSING_IS_UNDEFINED } from '../../system/folders.ts';
import { VERSION } from '../../version.ts';
import { type InstallPlan, type InstallRequest, type Place, PROGRAM_NAME, planInstallation } from './install-plan.ts';
import {
  formatInstallation,
  type Installation,
  type InstalledPlace,
  isInstalled,
  RECORD_NAME,
  readInstallation,
} from './installation.ts';
import { withNodeFile } from './node-failure.ts';
import {
  bytesOf,
  identify,
  identifyFile,
  isInPlace,
  isKept,
  KEPT_SUFFIX,
  keepBefore,
  makeNodeFolder,
  putInPlace,
} from './node-files.ts';
import { locateOnNode } from './node-path.ts';
import { readText } from './node-text.ts';
import { restorePlace } from './restore-place.ts';

/** What is installed now, and what this run did for it. Paths are paths on the node. */
export interface InstallResult {
  readonly program: string;
  readonly sha256: string;
  readonly names: readonly string[];
  readonly configPath: string | undefined;
  /** What was filled or restored. Empty when there was nothing to do. */
  readonly changed: readonly string[];
  /** Where what was there before is kept. */
  readonly kept: readonly string[];
}

/** It says which files there are, and the sums of those that hold secrets. */
const RECORD_MODE = 0o600;

/** A place, and what is known about what was there before. */
interface PlannedPlace extends Place {
  readonly installed: InstalledPlace;
  /** Whether there is something to keep that is not kept yet. */
  readonly mustKeep: boolean;
}

/**
 * Installs the program.
 * @throws UsageError when the kubelet could not call it under a name; INSTALL_FAILED when a file cannot be read,
 * understood or written, or the executable has another sum.
 */
export function installOnNode(request: InstallRequest): InstallResult {
  const { runtime, hostRoot, binFolder, config } = request;
  const recordPath = join(binFolder, RECORD_NAME);
  const { record, old } = withNodeFile(runtime, recordPath, 'read', () => {
    const { file } = locateOnNode(hostRoot, recordPath);
    return { record: file, old: readInstallation(file) };
  });
  const plan = planInstallation(request, old);
  const places = plan.places.map((place) =>
    withNodeFile(runtime, place.path, 'read', () => comparePlace(place, old?.places.find(isAt(place)))),
  );
  const unfilled = places.filter((one) => one.mustKeep || !isInPlace(one.file, one.content));
  const stale = (old?.places ?? []).filter((one) => !places.some(isAt(one)));
  const installation = describeInstallation(hostRoot, plan, places, old);
  const writeRecord = (text: string) =>
    withNodeFile(runtime, recordPath, 'write', () => {
      makeNodeFolder(dirname(record));
      if (readText(record) !== text) putInPlace(record, bytesOf(Buffer.from(text), RECORD_MODE));
    });
  if (old !== undefined || unfilled.length > 0) {
    // First what will be there: if this process is killed in between, the next one knows what is its own.
    if (unfilled.length > 0 || stale.length > 0) writeRecord(formatIntention(installation, stale, old));
    for (const place of unfilled) withNodeFile(runtime, place.path, 'write', () => fill(place));
    for (const place of stale.toReversed()) {
      withNodeFile(runtime, place.path, 'restore', () => restorePlace({ hostRoot, place, installation: old }));
    }
  }
  writeRecord(formatInstallation(installation));
  return {
    program: join(binFolder, PROGRAM_NAME),
    sha256: plan.sha256,
    names: plan.names,
    configPath: config?.path,
    changed: [...unfilled, ...stale].map(({ path }) => path),
    kept: places.filter(({ installed }) => installed.isKept).map(({ path }) => `${path}${KEPT_SUFFIX}`),
  };
}

function isAt({ path }: { readonly path: string }): (other: { readonly path: string }) => boolean {
  return (other) => other.path === path;
}

/** Decides whether what is in a place now was there before this program, and must be kept. */
function comparePlace(place: Place, earlier: InstalledPlace | undefined): PlannedPlace {
  const { path, file, role } = place;
  const now = identifyFile(file);
  const content = identify(place.content);
  const isChanged = earlier !== undefined && earlier.content !== content;
  const installed: InstalledPlace = {
    ...{ path, role, content },
    formerContent: isChanged ? earlier.content : earlier?.formerContent,
    isKept: earlier?.isKept === true || isKept(file),
  };
  const isForeign = now !== undefined && (earlier === undefined || !isInstalled(earlier, now));
  // In a configuration of this program, the changes of others are merged.
  const mustKeep =
    isForeign && !isKept(file) && (earlier?.isKept === true || earlier === undefined || role !== 'config');
  return { ...place, installed: { ...installed, isKept: installed.isKept || mustKeep }, mustKeep };
}

function describeInstallation(
  hostRoot: string,
  { providers, configBefore }: InstallPlan,
  places: readonly PlannedPlace[],
  old: Installation | undefined,
): Installation {
  const missing = places.flatMap(({ file }) => listMissingFolders(dirname(file)));
  const folders = missing.map((folder) => `/${relative(hostRoot, folder)}`);
  return {
    version: VERSION,
    places: places.map(({ installed }) => ({ ...installed, formerContent: undefined })),
    folders: [...new Set([...(old?.folders ?? []), ...folders])],
    providers,
    configBefore,
  };
}

/** The record while the places are being filled: it also knows what may be there from the installation before. */
function formatIntention(
  installation: Installation,
  stale: readonly InstalledPlace[],
  old: Installation | undefined,
): string {
  const places = installation.places.map((place) => {
    const earlier = old?.places.find(isAt(place));
    const former = earlier?.content === place.content ? earlier.formerContent : earlier?.content;
    return { ...place, formerContent: former };
  });
  const providers = [...new Set([...installation.providers, ...(old?.providers ?? [])])];
  return formatInstallation({ ...installation, places: [...places, ...stale], providers });
}

function fill({ file, content, mustKeep }: PlannedPlace): void {
  makeNodeFolder(dirname(file));
  if (mustKeep) keepBefore(file);
  if (!isInPlace(file, content)) putInPlace(file, content);
}

function listMissingFolders(folder: string): readonly string[] {
  if (lstatSync(folder, MISSING_IS_UNDEFINED) !== undefined || dirname(folder) === folder) return [];
  return [...listMissingFolders(dirname(folder)), folder];
}
