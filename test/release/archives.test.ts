/** The archives of a release, as tar, unzip and others unpack them. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { makeArchives } from '../../scripts/release/archives.ts';
import { runTool } from '../../scripts/release/packing-tool.ts';
import { PROGRAM } from '../../scripts/release/project.ts';
import { parseJsonObject } from '../../src/json.ts';
import { needParts, partOf } from '../e2e/world/parts.ts';
import { runProcess } from '../e2e/world/process.ts';
import { createTemporaryFolder } from '../e2e/world/temporary-folder.ts';
import { withSettings } from './world/settings.ts';
import { EPOCH_SECONDS, makeTinyRelease } from './world/tiny-release.ts';
import { findReleased } from './world/trial.ts';

const { path: folder, remove } = createTemporaryFolder('acr-archives-');
afterAll(remove);
const ENVIRONMENT = { PATH: '/usr/bin:/bin', HOME: folder, LANG: 'C.UTF-8' };

/** Prints what is in an archive as an independent reader finds it. */
const LIST = `
import json, sys, tarfile, zipfile
entries = {}
if sys.argv[1].endswith('.zip'):
    with zipfile.ZipFile(sys.argv[1]) as archive:
        assert archive.testzip() is None
        for entry in archive.infolist():
            entries[entry.filename] = [oct(entry.external_attr >> 16), list(entry.date_time), len(entry.extra)]
else:
    with tarfile.open(sys.argv[1]) as archive:
        for entry in archive:
            who = [entry.uid, entry.gid, entry.uname, entry.gname]
            entries[entry.name] = [oct(entry.mode), entry.mtime, who, entry.pax_headers]
print(json.dumps(entries))
`;

async function listArchive(path: string): Promise<object | undefined> {
  const { stdout, stderr } = await runProcess('python3', ['-c', LIST, path], { environment: ENVIRONMENT });
  expect(stderr).toBe('');
  return parseJsonObject(stdout);
}

const FILES = [
  'LICENSE',
  'README.txt',
  'THIRD-PARTY-LICENSES.txt',
  'completions/_docker-credential-acr',
  'completions/docker-credential-acr.bash',
  'completions/docker-credential-acr.fish',
  'completions/docker-credential-acr.ps1',
  'docker-credential-acr',
  'libatomic.so.1',
  'man/docker-credential-acr.1',
];

type Unpacker = readonly [
  ending: string,
  program: string,
  args: (archive: string, folder: string) => readonly string[],
];

const UNPACKERS: readonly Unpacker[] = [
  ['.tar.xz', 'tar', (archive, to) => ['-xf', archive, '-C', to]],
  ['.tar.xz', 'bsdtar', (archive, to) => ['-xf', archive, '-C', to]],
  ['.zip', 'unzip', (archive, to) => ['-q', archive, '-d', to]],
  ['.zip', 'bsdtar', (archive, to) => ['-xf', archive, '-C', to]],
];

/** What each shell prints when it has loaded the script. */
const COMPLETED = {
  bash: expect.stringMatching(/^complete .* docker-credential-acr\n$/),
  zsh: '_docker-credential-acr\n',
  fish: expect.stringMatching(/^completion(\t.*)?\n$/),
};

describe('archives of tiny executables', () => {
  it('have the same bytes in another folder, at another time, with another umask and other settings', async (context) => {
    needParts(context, 'tar', 'xz', 'zip');
    const one = makeTinyRelease(mkdtempSync(join(folder, 'one-')), { mode: 0o644 });
    const other = makeTinyRelease(mkdtempSync(join(folder, 'other-')), { mode: 0o700 });
    const { files } = await makeArchives(one);
    const settings = { TZ: 'Asia/Tokyo', XZ_OPT: '-1', XZ_DEFAULTS: '--threads=1', TAR_OPTIONS: '-v', ZIPOPT: '-1' };
    expect(await withSettings(settings, () => makeArchives(other))).toEqual({ files });
    expect(files).toHaveLength(12);
    for (const file of files) {
      const [first, second] = [one, other].map(({ output }) => readFileSync(join(output, file)));
      expect(second?.equals(first ?? Buffer.of()), file).toBe(true);
    }
  });

  it('hold every file with its mode, one time and no owner', async (context) => {
    needParts(context, 'tar', 'xz', 'zip', 'python3');
    const release = makeTinyRelease(mkdtempSync(join(folder, 'list-')), { mode: 0o600 });
    await makeArchives(release);
    const stem = 'docker-credential-acr-0.1.0-linux-x64';
    const mode = (name: string) => (name === 'docker-credential-acr' ? '755' : '644');
    const root = [0, 0, 'root', 'root'];
    const inTar = (name: string, octal: string) => [name, [`0o${octal}`, EPOCH_SECONDS, root, {}]] as const;
    const folders = ['', '/completions', '/man'].map((name) => inTar(`${stem}${name}`, '755'));
    expect(await listArchive(join(release.output, `${stem}.tar.xz`))).toEqual(
      Object.fromEntries([...folders, ...FILES.map((name) => inTar(`${stem}/${name}`, mode(name)))]),
    );
    // A zip has even seconds only.
    const time = [2020, 9, 13, 12, 26, 42];
    expect(await listArchive(join(release.output, `${stem}.zip`))).toEqual(
      Object.fromEntries(FILES.map((name) => [`${stem}/${name}`, [`0o100${mode(name)}`, time, 0]])),
    );
    const onWindows = Object.keys(
      (await listArchive(join(release.output, 'docker-credential-acr-0.1.0-windows-arm64.zip'))) ?? {},
    );
    expect(onWindows).toHaveLength(FILES.length - 1);
    expect(onWindows).toContain('docker-credential-acr-0.1.0-windows-arm64/docker-credential-acr.exe');
  });

  for (const [ending, program, listArguments] of UNPACKERS) {
    it(`${program} unpacks a ${ending} into a program that runs`, async (context) => {
      needParts(context, 'tar', 'xz', 'zip', program);
      const here = mkdtempSync(join(folder, 'unpack-'));
      const release = makeTinyRelease(here, { targets: ['linux-x64'] });
      await makeArchives(release);
      const stem = 'docker-credential-acr-0.1.0-linux-x64';
      const unpacked = join(here, 'unpacked');
      mkdirSync(unpacked);
      const args = listArguments(join(release.output, `${stem}${ending}`), unpacked);
      const { exitCode, stderr } = await runProcess(partOf(program), args, { environment: ENVIRONMENT });
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
      expect(listFiles(join(unpacked, stem))).toEqual(FILES);
      const run = await runProcess(join(unpacked, stem, 'docker-credential-acr'), [], { environment: ENVIRONMENT });
      expect(run.stdout).toBe('docker-credential-acr 0.1.0 of linux-x64\n');
    });
  }

  it('cannot be made where a tool is missing, and the error says what to install', async () => {
    await expect(runTool({ name: 'no-such-tool', debianPackage: 'no-such-package' }, [])).rejects.toThrow(
      'Cannot run no-such-tool: install it, on Debian with the package no-such-package',
    );
  });
});

describe("this machine's archives", () => {
  const [tar, zip] = [join(folder, 'tar'), join(folder, 'zip')];
  const home = join(folder, 'home');
  let unpacked = '';
  beforeAll(async () => {
    for (const path of [tar, zip, home]) mkdirSync(path);
    const archive = findReleased(/^docker-credential-acr-[\d.]+-[a-z]+-[a-z\d]+\.tar\.xz$/);
    await runProcess(partOf('tar'), ['-xf', archive, '-C', tar], { environment: ENVIRONMENT });
    unpacked = join(tar, basename(archive, '.tar.xz'));
  });

  it('hold the same files', async (context) => {
    needParts(context, 'unzip', 'diff');
    const archive = findReleased(/^docker-credential-acr-[\d.]+-[a-z]+-[a-z\d]+\.zip$/);
    await runProcess(partOf('unzip'), ['-q', archive, '-d', zip], { environment: ENVIRONMENT });
    const compared = await runProcess(partOf('diff'), ['-r', tar, zip], { environment: ENVIRONMENT });
    expect(compared).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    const files = FILES.filter((name) => name !== 'libatomic.so.1' || process.platform === 'linux');
    expect(listFiles(unpacked)).toEqual(files);
  });

  it('hold a program that runs, and its licences', async () => {
    const run = await runProcess(join(unpacked, PROGRAM), ['version'], { environment: { ...ENVIRONMENT, HOME: home } });
    expect(run).toEqual({ exitCode: 0, stdout: expect.stringContaining(manifest.version), stderr: '' });
    expect(readFileSync(join(unpacked, 'LICENSE'), 'utf8')).toMatch(/^MIT License\n/);
    expect(readFileSync(join(unpacked, 'THIRD-PARTY-LICENSES.txt'), 'utf8')).toContain('TJ Holowaychuk');
  });

  it('hold a manual page that man shows', async (context) => {
    needParts(context, 'man');
    const page = ['-l', join(unpacked, `man/${PROGRAM}.1`)];
    const shown = await runProcess(partOf('man'), page, { environment: { ...ENVIRONMENT, MANWIDTH: '80' } });
    expect(shown).toEqual({ exitCode: 0, stdout: expect.stringContaining(`${PROGRAM} - sign docker`), stderr: '' });
  });

  it.for([
    ['bash', ['--norc', '-c', 'source "$0/docker-credential-acr.bash" && complete -p docker-credential-acr']],
    [
      'zsh',
      ['-f', '-c', 'fpath=("$0" $fpath); autoload -Uz compinit; compinit -u -D; print $_comps[docker-credential-acr]'],
    ],
    [
      'fish',
      ['--no-config', '-c', 'source $argv[1]/docker-credential-acr.fish; complete -C "docker-credential-acr compl"'],
    ],
  ] as const)('hold the completions of %s', async ([shell, args], context) => {
    needParts(context, shell);
    const environment = { ...ENVIRONMENT, PATH: `${unpacked}:${ENVIRONMENT.PATH}`, HOME: home };
    const completed = await runProcess(partOf(shell), [...args, join(unpacked, 'completions')], { environment });
    expect(completed).toEqual({ exitCode: 0, stdout: COMPLETED[shell], stderr: '' });
  });
});

/** The files below a folder, sorted. */
function listFiles(path: string): readonly string[] {
  const entries = readdirSync(path, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(path, join(entry.parentPath, entry.name)))
    .sort();
}
