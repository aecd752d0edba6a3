/** install.sh in folders with several names, with planted links, or that other programs use as well. */
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { needNamespaces } from '../e2e/world/isolation.ts';
import { needRoot, partOf } from '../e2e/world/parts.ts';
import {
  asOrdinaryUser,
  canMakeReleases,
  createInstallPlace,
  createReleaseFolder,
  makeShellRelease,
  type ShellRelease,
  serveFolder,
  writeProgram,
} from './world/install-place.ts';

const LIST = '.docker-credential-acr.files';

const releases = createReleaseFolder();
let release: ShellRelease;
beforeAll(async () => {
  if (!canMakeReleases()) return;
  release = await makeShellRelease(releases.below('release'));
});
afterAll(() => releases.remove());

const isFile = (line: string) => !line.includes('/ ');

describe('uninstalling', () => {
  test.for([
    ['prefix/../prefix/bin', 'prefix/bin'],
    ['prefix/bin', './prefix/./bin'],
    ['prefix/bin', 'link'],
    ['link', 'prefix/bin'],
    ['new/../prefix/bin/.', 'prefix/bin'],
  ] as const)(
    'removes from one name of a folder what was installed by another: %s, %s',
    async ([first, second], context) => {
      const place = createInstallPlace(context);
      symlinkSync('prefix/bin', join(place.folder, 'link'));
      if (first === 'link') mkdirSync(place.dir, { recursive: true });
      const before = place.list().filter(isFile);
      const installed = await place.run(release.script, ['--from', release.folder, '--dir', first]);
      expect(installed.exitCode).toBe(0);
      expect(existsSync(place.program)).toBe(true);
      const { exitCode, stdout } = await place.run(release.script, ['--uninstall', '--dir', second]);
      expect(exitCode).toBe(0);
      expect(stdout).toContain('Removed ');
      expect(place.list().filter(isFile)).toEqual(before);
    },
  );

  test('leaves a link that something else has made since', async (context) => {
    const place = createInstallPlace(context);
    await place.run(release.script, ['--from', release.folder, '--dir', place.dir]);
    unlinkSync(place.program);
    symlinkSync('/bin/true', place.program);
    const { exitCode, stdout } = await place.run(release.script, ['--uninstall', '--dir', place.dir]);
    expect(exitCode).toBe(0);
    expect(stdout).not.toContain(`${place.program}\n`);
    expect(lstatSync(place.program).isSymbolicLink()).toBe(true);
  });

  test('where the program is not, says how to name its folder', async (context) => {
    const place = createInstallPlace(context);
    const { stderr } = await place.run(release.script, ['--uninstall'], { starter: asOrdinaryUser(context) });
    expect(stderr).toBe(`install.sh: error: Nothing in ${place.folder}/home/.local/bin was installed by this script
hint: if the program is in another folder, name that with --dir
`);
  });
});

describe('a planted link', () => {
  test('under the name of a half file is not followed', async (context) => {
    const place = createInstallPlace(context);
    mkdirSync(place.dir, { recursive: true });
    const victim = join(place.folder, 'victim');
    writeFileSync(victim, 'untouched');
    // The shell keeps its number when it becomes the one that installs.
    const plant = `ln -s '${join(place.folder, 'victim').replaceAll("'", String.raw`'\''`)}' "$1/${LIST}.$$"; shift; exec "$@"`;
    const starter = [partOf('sh'), '-c', plant, 'sh', place.dir];
    const environment = { PATH: `${place.environment['PATH']}:/usr/bin:/bin` };
    const args = ['--from', release.folder, '--dir', place.dir];
    expect((await place.run(release.script, args, { starter, environment })).exitCode).toBe(0);
    expect(readFileSync(victim, 'utf8')).toBe('untouched');
  });

  test('in place of the list gives nothing away', async (context) => {
    const place = createInstallPlace(context);
    mkdirSync(place.dir, { recursive: true });
    const secret = join(place.folder, 'home/secret');
    writeFileSync(secret, 'a secret of root\n', { mode: 0o600 });
    symlinkSync(secret, join(place.dir, LIST));
    expect((await place.run(release.script, ['--from', release.folder, '--dir', place.dir])).exitCode).toBe(0);
    expect(readFileSync(join(place.dir, LIST), 'utf8')).not.toContain('secret');
    expect(readFileSync(secret, 'utf8')).toBe('a secret of root\n');
  });

  test('in place of a document is replaced, not followed', async (context) => {
    const place = createInstallPlace(context);
    const folder = join(place.folder, 'prefix/share/man/man1');
    mkdirSync(folder, { recursive: true });
    const victim = join(place.folder, 'home/victim');
    mkdirSync(victim);
    symlinkSync(victim, join(folder, 'docker-credential-acr.1'));
    await place.run(release.script, ['--from', release.folder, '--dir', place.dir]);
    expect(place.list().filter((line) => line.startsWith('home/victim/') && isFile(line))).toEqual([]);
  });
});

test('a folder in place of the list stops it before anything is downloaded', async (context) => {
  const place = createInstallPlace(context);
  mkdirSync(join(place.dir, LIST), { recursive: true });
  const before = place.list();
  const server = await serveFolder(context, release.folder);
  const { exitCode, stderr } = await place.run(release.script, ['--from', server.url, '--dir', place.dir]);
  expect({ exitCode, stderr }).toEqual({
    exitCode: 1,
    stderr: `install.sh: error: ${join(place.dir, LIST)} is a folder\n`,
  });
  expect(server.requests).toEqual([]);
  expect(place.list()).toEqual(before);
});

describe('a libatomic of something else in the folder', () => {
  const LIBRARY = 'libatomic.so.1';
  /** Starts with the library beside itself, whoever has put it there, unless it is no library. */
  const makeNeedy = (name: string) =>
    makeShellRelease(releases.below(name), {
      program: writeProgram(
        '0.1.0',
        `grep -q library "$(dirname "$0")/${LIBRARY}" || { echo "no ${LIBRARY}"; exit 127; }`,
      ),
    });

  test('is used, and stays when the program goes', async (context) => {
    const place = createInstallPlace(context);
    mkdirSync(place.dir, { recursive: true });
    writeFileSync(join(place.dir, LIBRARY), 'library of something else');
    const before = place.list().filter(isFile);
    const needy = await makeNeedy('needy');
    expect((await place.run(needy.script, ['--from', needy.folder, '--dir', place.dir])).exitCode).toBe(0);
    expect((await place.run(needy.script, ['--uninstall', '--dir', place.dir])).exitCode).toBe(0);
    expect(place.list().filter(isFile)).toEqual(before);
  });

  test('that is of no use is not replaced', async (context) => {
    const place = createInstallPlace(context);
    mkdirSync(place.dir, { recursive: true });
    writeFileSync(join(place.dir, LIBRARY), 'something else');
    const before = place.list();
    const needy = await makeNeedy('needier');
    expect(await place.run(needy.script, ['--from', needy.folder, '--dir', place.dir])).toMatchObject({
      exitCode: 1,
      stderr: `install.sh: error: docker-credential-acr does not start with the ${LIBRARY} that something else has put into ${place.dir}: no ${LIBRARY}
hint: name another folder with --dir
`,
    });
    expect(place.list()).toEqual(before);
  });

  test('that this script has put there is replaced', async (context) => {
    const place = createInstallPlace(context);
    const needy = await makeNeedy('neediest');
    await place.run(needy.script, ['--from', needy.folder, '--dir', place.dir]);
    writeFileSync(join(place.dir, LIBRARY), 'an old one');
    expect((await place.run(needy.script, ['--from', needy.folder, '--dir', place.dir])).exitCode).toBe(0);
    expect(readFileSync(join(place.dir, LIBRARY), 'utf8')).toBe('library');
  });
});

describe('the PATH', () => {
  test.for([
    ['a slash at its end', (dir: string) => `${dir}/`],
    ['another name', (dir: string) => join(dir, '../../link')],
  ] as const)('may name the folder with %s', async ([, rename], context) => {
    const place = createInstallPlace(context);
    symlinkSync('prefix/bin', join(place.folder, 'link'));
    const PATH = `${rename(place.dir)}:${place.environment['PATH']?.replace(`${place.dir}:`, '')}`;
    const args = ['--from', release.folder, '--dir', place.dir];
    expect(await place.run(release.script, args, { environment: { PATH } })).toMatchObject({ exitCode: 0, stderr: '' });
  });
});

describe('the home folder', () => {
  test.for(['~/tools', '~'])('is meant by %s, though the shell has left it as it is', async (dir, context) => {
    const place = createInstallPlace(context);
    const { exitCode, stdout } = await place.run(release.script, ['--from', release.folder, `--dir=${dir}`]);
    expect(exitCode).toBe(0);
    const home = place.environment['HOME'] ?? '';
    expect(stdout).toContain(`Installed ${dir.replace('~', home)}/docker-credential-acr (`);
    expect(existsSync(join(place.folder, '~'))).toBe(false);
  });

  test('with a line end in its name is refused', async (context) => {
    const place = createInstallPlace(context);
    const HOME = `${place.environment['HOME']}/a\nb`;
    mkdirSync(HOME);
    chmodSync(HOME, 0o777);
    const options = { environment: { HOME }, starter: asOrdinaryUser(context) };
    const { exitCode, stderr } = await place.run(release.script, ['--from', release.folder], options);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('install.sh: error: The name of the folder has more than one line');
  });
});

test('the temporary folder may be named from the current one', async (context) => {
  const place = createInstallPlace(context);
  const args = ['--from', release.folder, '--dir', place.dir];
  const { exitCode, stderr } = await place.run(release.script, args, { environment: { TMPDIR: 'tmp' } });
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
});

test('a full temporary folder is named as the reason', async (context) => {
  needRoot(context);
  needNamespaces(context, '--mount');
  const place = createInstallPlace(context);
  const server = await serveFolder(context, release.folder, {
    '.tar.xz': (response) => response.end(Buffer.alloc(4 << 20)),
  });
  const mounts = 'mount -t tmpfs -o size=1m none "$TMPDIR" && exec "$@"';
  const { exitCode, stderr } = await place.run(release.script, ['--from', server.url, '--dir', place.dir], {
    starter: [partOf('unshare'), '--mount', partOf('sh'), '-c', mounts, 'sh'],
    environment: { PATH: `${place.environment['PATH']}:/usr/bin:/bin` },
  });
  expect(stderr).toMatch(/^install\.sh: error: Cannot get \S+: (?:curl: .*[Ww]rit|.*No space)/m);
  expect(exitCode).toBe(1);
});

test('a system without find gets the program without complaints', async (context) => {
  const place = createInstallPlace(context, '-find');
  const { exitCode, stderr } = await place.run(release.script, ['--from', release.folder, '--dir', place.dir]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
});
