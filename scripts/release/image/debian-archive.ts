/**
 * Downloads packages of Debian for any processor, with apt, which checks Debian's signature and the sum of each package.
 * apt gets a folder and sources of its own: the packages of this machine, and what it is, play no part.
 */

import { access, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sumFile } from '../../build/checksums.ts';
import { DEBIAN_RELEASE, type DebianPackage } from '../debian-package.ts';
import { runTool, type Tool } from '../packing-tool.ts';

const APT: Tool = { name: 'apt-get', debianPackage: 'apt' };
const DPKG_DEB: Tool = { name: 'dpkg-deb', debianPackage: 'dpkg' };
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

export type DebianArchitecture = 'amd64' | 'arm64';

const ARCHITECTURES: readonly DebianArchitecture[] = ['amd64', 'arm64'];

/** After this time the lists are fetched again. Two releases in a row are made from the same packages. */
const LISTS_MAX_AGE_MS = 24 * 60 * 60_000;

export interface FetchedPackage extends DebianPackage {
  /** The package's file. */
  readonly path: string;
  /** What the package says about itself, in the format of Debian's control files. */
  readonly control: string;
}

export interface FetchOptions {
  /** Keeps apt's lists and the packages. */
  readonly folder: string;
  /** By name, with the processor for which it is meant: `libc6:arm64`. Without one, it is the same for all. */
  readonly packages: readonly string[];
  /** Whether Debian is asked for newer packages when the lists are a day old. */
  readonly wantsNewest: boolean;
}

/** @throws when a package cannot be fetched, and says what to install. */
export async function fetchPackages(options: FetchOptions): Promise<readonly FetchedPackage[]> {
  const { folder, packages, wantsNewest } = options;
  const apt = await prepareApt(folder);
  const isFresh = await hasLists(folder, wantsNewest);
  if (!isFresh) await updateLists(folder, apt);
  try {
    return await download(folder, apt, packages);
  } catch (error) {
    if (!isFresh) throw error;
    // Debian removes a package when there is a newer one.
    await updateLists(folder, apt);
    return await download(folder, apt, packages);
  }
}

/** Unpacks the files of a package. */
export async function unpackPackage({ path }: FetchedPackage, folder: string): Promise<void> {
  await runTool(DPKG_DEB, ['--extract', path, folder]);
}

type Apt = (args: readonly string[], folder?: string) => Promise<string>;

async function prepareApt(folder: string): Promise<Apt> {
  await access(KEYRING).catch((cause: unknown) => {
    throw new Error(`Cannot check Debian’s signatures without ${KEYRING}: install debian-archive-keyring`, { cause });
  });
  for (const name of ['lists/partial', 'cache/archives/partial', 'packages']) {
    await mkdir(join(folder, name), { recursive: true });
  }
  const settings = [
    ...[`Dir::State=${folder}`, `Dir::State::status=${join(folder, 'status')}`],
    ...[`Dir::Cache=${join(folder, 'cache')}`, 'Dir::Cache::pkgcache=packages.bin'],
    ...[`Dir::Etc::SourceList=${join(folder, 'sources.list')}`, 'Dir::Etc::SourceParts=/dev/null'],
    ...['APT::Architecture=amd64', ...ARCHITECTURES.map((name) => `APT::Architectures::=${name}`)],
    ...['Acquire::Languages=none', 'APT::Sandbox::User=root'],
  ].flatMap((setting) => ['-o', setting]);
  const environment = readProxies(process.env);
  return (args, workingFolder = folder) => {
    return runTool(APT, [...settings, '-qq', ...args], { folder: workingFolder, environment });
  };
}

/** The lines of Debian's release, its updates and its security updates. */
function formatSources(): string {
  const { codename } = DEBIAN_RELEASE;
  return [
    `http://deb.debian.org/debian ${codename}`,
    `http://deb.debian.org/debian ${codename}-updates`,
    `http://deb.debian.org/debian-security ${codename}-security`,
  ]
    .map((source) => `deb [signed-by=${KEYRING}] ${source} main\n`)
    .join('');
}

/** Whether the lists of these sources are there, and new enough. */
async function hasLists(folder: string, wantsNewest: boolean): Promise<boolean> {
  const stamp = join(folder, 'updated');
  const sources = await readFile(stamp, 'utf8').catch(() => undefined);
  if (sources !== formatSources()) return false;
  return !wantsNewest || Date.now() - (await stat(stamp)).mtimeMs < LISTS_MAX_AGE_MS;
}

async function updateLists(folder: string, apt: Apt): Promise<void> {
  await writeFile(join(folder, 'sources.list'), formatSources());
  // Nothing is installed.
  await writeFile(join(folder, 'status'), '');
  await apt(['update', '-o', 'APT::Update::Error-Mode=any']);
  await writeFile(join(folder, 'updated'), formatSources());
}

async function download(folder: string, apt: Apt, wanted: readonly string[]): Promise<readonly FetchedPackage[]> {
  // It leaves out what is in the working folder already.
  const offered = parseUris(await apt(['download', '--print-uris', ...wanted]));
  if (offered.length !== wanted.length) throw new Error(`Debian does not have all of ${wanted.join(', ')}`);
  const files = offered.map(({ name, sha256 }) => ({ path: join(folder, 'packages', name), sha256 }));
  const kept = await Promise.all(files.map(isIntact));
  if (kept.includes(false)) {
    // A file that is not whole would be in the way.
    await Promise.all(files.map(({ path }, index) => (kept[index] === true ? undefined : rm(path, { force: true }))));
    await apt(['download', ...wanted], join(folder, 'packages'));
  }
  return await Promise.all(files.map(readPackage));
}

interface OfferedFile {
  readonly name: string;
  readonly sha256: string;
}

/** Reads what `apt-get download --print-uris` prints: `'http://…/libc6_2.36_amd64.deb' libc6_2.36_amd64.deb 2759320 SHA256:…`. */
export function parseUris(text: string): readonly OfferedFile[] {
  return text.split('\n').flatMap((line) => {
    const [, name, sha256] = /^'[^']+' ([^\s/]+\.deb) \d+ SHA256:([0-9a-f]{64})$/.exec(line) ?? [];
    return name === undefined || sha256 === undefined ? [] : [{ name, sha256 }];
  });
}

async function isIntact({ path, sha256 }: { readonly path: string; readonly sha256: string }): Promise<boolean> {
  return await sumFile(path).then(
    ({ sum }) => sum === sha256,
    () => false,
  );
}

async function readPackage(file: { readonly path: string; readonly sha256: string }): Promise<FetchedPackage> {
  if (!(await isIntact(file))) throw new Error(`${file.path} is not the package that Debian’s list names`);
  const control = await runTool(DPKG_DEB, ['--field', file.path]);
  return { ...parseControl(control), ...file, control };
}

/** Reads the fields that name a package. @see https://www.debian.org/doc/debian-policy/ch-controlfields.html */
export function parseControl(control: string): Omit<DebianPackage, 'sha256'> {
  const [name, version, architecture, source] = ['Package', 'Version', 'Architecture', 'Source'].map((field) => {
    return control
      .split('\n')
      .find((line) => line.startsWith(`${field}: `))
      ?.slice(field.length + 2)
      .trim();
  });
  if (name === undefined || version === undefined || architecture === undefined) {
    throw new Error(`A package of Debian does not name itself: ${control}`);
  }
  // The version of the source stands behind its name where it differs, as in `gcc (12.2)`.
  return { name, version, architecture, source: source?.replace(/ .*/, '') ?? name };
}

function readProxies(env: NodeJS.ProcessEnv): Readonly<Record<string, string>> {
  const proxies = Object.entries(env).filter(([name]) => /^(?:https?|no)_proxy$/i.test(name));
  return Object.fromEntries(proxies.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}
