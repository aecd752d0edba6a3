/** install.sh on a place of its own: what it installs, replaces, configures and removes, in every shell. */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findProgram } from '../../scripts/parts/command.ts';
import { needNamespaces, OTHER_USER } from '../e2e/world/isolation.ts';
import { needParts, needRoot, partOf } from '../e2e/world/parts.ts';
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

const SHELLS: readonly (readonly string[])[] = [
  ['dash'],
  ['busybox', 'sh'],
  ['bash'],
  ['bash', '--posix'],
  ['mksh'],
  ['ksh93'],
  ['zsh', '--emulate', 'sh'],
];
/** What the script installs for the release of a few lines, below the prefix. */
const INSTALLED = [
  'bin/.docker-credential-acr.files 644',
  'bin/docker-credential-acr 755',
  'share/bash-completion/completions/docker-credential-acr 644',
  'share/fish/vendor_completions.d/docker-credential-acr.fish 644',
  'share/man/man1/docker-credential-acr.1 644',
  'share/zsh/site-functions/_docker-credential-acr 644',
];
const isFile = (line: string) => !line.includes('/ ');
const withoutContent = (line: string) => line.replace(/ [\da-f]{12}$/, '');
const NO_KEY = 'checksum verified; signature not checked: the release has no key';

const releases = createReleaseFolder();
let release: ShellRelease;
let next: ShellRelease;
beforeAll(async () => {
  if (!canMakeReleases()) return;
  release = await makeShellRelease(releases.below('first'));
  next = await makeShellRelease(releases.below('next'), { version: '0.2.0' });
});
afterAll(() => releases.remove());

describe('in any shell', () => {
  test.for(SHELLS.map((shell) => [shell.join(' '), shell] as const))(
    '%s installs, upgrades and uninstalls',
    async ([, shell], context) => {
      needParts(context, shell[0] ?? '');
      const place = createInstallPlace(context);
      const before = place.list();
      const server = await serveFolder(context, release.folder);
      const first = await place.run(release.script, ['--from', server.url, '--dir', place.dir], { shell });
      expect(first).toEqual({
        exitCode: 0,
        stdout: [
          `Getting docker-credential-acr 0.1.0 for linux-x64 from ${server.url}`,
          `Installed ${place.program} (${NO_KEY})`,
          'Next: docker-credential-acr configure myregistry.azurecr.io\n',
        ].join('\n'),
        stderr: '',
      });
      expect(server.requests).toEqual([`${release.name}.tar.xz`]);
      const installed = place.list().filter((line) => isFile(line) && !before.includes(line));
      expect(installed.map(withoutContent)).toEqual(INSTALLED.map((line) => `prefix/${line}`));
      expect(place.list()).toEqual(expect.arrayContaining(['prefix/bin/ 755', 'prefix/share/man/man1/ 755']));
      expect(readFileSync(place.program, 'utf8')).toContain('v0.1.0');

      const args = [`--from=${next.folder}`, `--dir=${place.dir}/`, '--configure', 'one.azurecr.io'];
      const second = await place.run(next.script, [...args, '--configure', 'https://two.azurecr.io/'], { shell });
      expect(second.stderr).toBe('');
      expect(second.stdout).toContain('called: configure one.azurecr.io https://two.azurecr.io/ --yes\n');
      expect(readFileSync(place.program, 'utf8')).toContain('v0.2.0');

      const third = await place.run(next.script, ['--uninstall', '--dir', place.dir], { shell });
      expect({ ...third, stdout: third.stdout.split('\n').length }).toEqual({ exitCode: 0, stdout: 6, stderr: '' });
      expect(place.list().filter((line) => isFile(line))).toEqual(before.filter(isFile));
    },
  );

  test('shellcheck finds nothing', (context) => {
    needParts(context, 'shellcheck');
    for (const shell of ['sh', 'dash', 'ksh']) {
      const args = ['--enable=quote-safe-variables,check-unassigned-uppercase', `--shell=${shell}`, release.script];
      const { status, stdout } = spawnSync(partOf('shellcheck'), args, { encoding: 'utf8' });
      expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
    }
  });

  test('a script that is cut off does nothing, wherever the cut is', { timeout: 60_000 }, (context) => {
    const place = createInstallPlace(context);
    const text = readFileSync(release.script, 'utf8').trimEnd();
    // Before that, there are only comments.
    const start = text.indexOf('{');
    const cuts = [...text.matchAll(/\n/g)].map(({ index }) => index + 1).filter((index) => index > start);
    for (let length = text.lastIndexOf('\n'); length < text.length; length += 1) cuts.push(length);
    // A part of a name may be a command: `set` tells all variables, and so all secrets.
    for (const { 0: word, index } of text.matchAll(/^[a-z]+/gm)) {
      for (let length = 1; length <= word.length; length += 1) cuts.push(index + length);
    }
    const folder = join(place.folder, 'cut');
    mkdirSync(folder);
    for (const [index, length] of cuts.entries()) writeFileSync(join(folder, `${index}.sh`), text.slice(0, length));
    // Any program that it runs leaves a mark; so does what it prints.
    for (const tool of ['uname', 'id', 'cat', 'find', 'last', 'mkdir', 'mktemp', 'curl', 'rm', 'say', 'w']) {
      place.addStandIn(tool, `echo "${tool} $*" >> "$MARKS"`);
    }
    const marks = join(place.folder, 'marks');
    for (const [shell, names] of [
      ['dash', '*.sh'],
      // It takes longer to start.
      ['bash', '*0.sh'],
    ] as const) {
      const loop = `for file in "$1"/${names}; do "$2" "$file" && echo "$file did not fail"; done`;
      const args = ['-c', loop, 'sh', folder, partOf(shell)];
      const { stdout } = spawnSync(partOf('sh'), args, {
        encoding: 'utf8',
        env: { ...place.environment, MARKS: marks },
      });
      expect(stdout).toBe('');
    }
    expect(existsSync(marks)).toBe(false);
    // The whole of it does leave one.
    spawnSync(partOf('dash'), [release.script], { env: { ...place.environment, MARKS: marks } });
    expect(existsSync(marks)).toBe(true);
  });

  test('it is read from a pipe, as behind curl', async (context) => {
    const place = createInstallPlace(context);
    const args = ['--from', release.folder, '--dir', place.dir, '--configure', 'one.azurecr.io'];
    const { exitCode, stdout } = await place.run(release.script, args, { isPiped: true });
    expect(exitCode).toBe(0);
    expect(stdout).toContain('called: configure one.azurecr.io --yes\n');
  });
});

describe('where to', () => {
  test('an ordinary user gets it below the home folder', async (context) => {
    const place = createInstallPlace(context);
    const { exitCode, stderr } = await place.run(release.script, ['--from', release.folder], {
      starter: asOrdinaryUser(context),
    });
    const dir = join(place.environment['HOME'] ?? '', '.local/bin');
    expect({ exitCode, stderr }).toEqual({
      exitCode: 0,
      stderr: `install.sh: warning: ${dir} is not on the PATH: clients will not find the program there
hint: add it to PATH in ~/.profile, or in ~/.zprofile for zsh, and log in again
`,
    });
    expect(statSync(join(dir, 'docker-credential-acr')).uid).toBe(OTHER_USER);
  });

  test('root gets it in /usr/local/bin; --dry-run only says so', async (context) => {
    needRoot(context);
    const place = createInstallPlace(context);
    const before = place.list();
    const args = ['--dry-run', '--from', release.folder, '--configure', 'one.azurecr.io'];
    expect(await place.run(release.script, args)).toEqual({
      exitCode: 0,
      stdout: `Would install docker-credential-acr 0.1.0 for linux-x64 in /usr/local/bin, from ${release.folder}/${release.name}.tar.xz
Would configure one.azurecr.io
`,
      stderr: '',
    });
    expect(place.list()).toEqual(before);
  });

  test('without a home folder, it asks for one', async (context) => {
    const place = createInstallPlace(context);
    const options = { starter: asOrdinaryUser(context), environment: { HOME: '' } };
    expect(await place.run(release.script, ['--from', release.folder], options)).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: `install.sh: error: There is no home folder to install into: HOME is not set
hint: name a folder with --dir
`,
    });
  });

  test('a folder that the user cannot write to stays as it is', async (context) => {
    const place = createInstallPlace(context);
    const server = await serveFolder(context, release.folder);
    const args = ['--from', server.url, '--dir', place.dir];
    const { exitCode, stderr } = await place.run(release.script, args, { starter: asOrdinaryUser(context) });
    expect({ exitCode, stderr }).toEqual({
      exitCode: 1,
      stderr: `install.sh: error: You cannot write to ${place.folder}
hint: name another folder with --dir, or run the script as root
`,
    });
    expect(server.requests).toEqual([]);
  });

  test('a folder that is not named bin gets the program alone', async (context) => {
    const place = createInstallPlace(context);
    const args = ['--from', release.folder, '--dir', 'tools of mine'];
    expect((await place.run(release.script, args)).exitCode).toBe(0);
    expect(
      place
        .list()
        .filter((line) => line.startsWith('tools') && isFile(line))
        .map(withoutContent),
    ).toEqual(['tools of mine/.docker-credential-acr.files 644', 'tools of mine/docker-credential-acr 755']);
  });

  test('a folder or a link in its place is not replaced', async (context) => {
    const place = createInstallPlace(context);
    const args = ['--from', release.folder, '--dir', place.dir];
    mkdirSync(place.program, { recursive: true });
    expect((await place.run(release.script, args)).stderr).toBe(`install.sh: error: ${place.program} is a folder\n`);
    const linked = join(place.folder, 'linked');
    mkdirSync(linked);
    symlinkSync('/nowhere', join(linked, 'docker-credential-acr'));
    const { exitCode, stderr } = await place.run(release.script, ['--from', release.folder, '--dir', linked]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('is a link, which something else has made\n');
  });

  test('another program that comes first on the PATH is named', async (context) => {
    const place = createInstallPlace(context);
    place.addStandIn('docker-credential-acr', 'true');
    const dir = join(place.folder, 'late');
    const PATH = `${place.environment['PATH']}:${dir}`;
    const { stderr } = await place.run(release.script, ['--from', release.folder, '--dir', dir], {
      environment: { PATH },
    });
    expect(stderr).toMatch(
      /^install\.sh: warning: clients find another program of this name first: \S.*stand-ins\/docker-credential-acr\n$/,
    );
  });

  test('documents that cannot be written do not stop the program', async (context) => {
    const place = createInstallPlace(context);
    mkdirSync(place.dir, { recursive: true });
    chmodSync(place.dir, 0o777);
    const args = ['--from', release.folder, '--dir', place.dir];
    const starter = asOrdinaryUser(context);
    const { exitCode, stderr } = await place.run(release.script, args, { starter });
    expect(stderr).toMatch(/^install\.sh: warning: no manual page and no completions: mkdir: .*: Permission denied\n$/);
    expect(exitCode).toBe(0);
    expect(existsSync(place.program)).toBe(true);
    expect((await place.run(release.script, ['--uninstall', '--dir', place.dir], { starter })).exitCode).toBe(0);
  });

  test('a folder on the PATH whose name is a pattern is only that folder', async (context) => {
    const place = createInstallPlace(context);
    const other = join(place.folder, 'another');
    mkdirSync(other);
    writeFileSync(join(other, 'docker-credential-acr'), '', { mode: 0o755 });
    const PATH = `${place.folder}/*:${place.environment['PATH']}`;
    const args = ['--from', release.folder, '--dir', place.dir];
    expect((await place.run(release.script, args, { environment: { PATH } })).stderr).toBe('');
  });
});

describe('the program', () => {
  test('is tried before it replaces the old one', async (context) => {
    const place = createInstallPlace(context);
    await place.run(release.script, ['--from', release.folder, '--dir', place.dir]);
    const before = place.list();
    const program = writeProgram('0.3.0', 'echo "version GLIBC_2.99 not found" >&2; exit 1');
    const broken = await makeShellRelease(releases.below('broken'), { version: '0.3.0', program });
    const { exitCode, stderr } = await place.run(broken.script, ['--from', broken.folder, '--dir', place.dir]);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 1,
      stderr: `install.sh: error: docker-credential-acr 0.3.0 does not start here: version GLIBC_2.99 not found
hint: with Node.js 20 or later: npm install --global docker-credential-acr
`,
    });
    expect(place.list()).toEqual(before);
  });

  test('that is of another version than its archive is not installed', async (context) => {
    const place = createInstallPlace(context);
    const before = place.list();
    const other = await makeShellRelease(releases.below('other'), { program: writeProgram('0.0.9') });
    const { exitCode } = await place.run(other.script, ['--from', other.folder, '--dir', place.dir]);
    expect(exitCode).toBe(1);
    expect(place.list()).toEqual(before);
  });

  test('brings the library where it does not start without, and takes it away', async (context) => {
    const place = createInstallPlace(context);
    const before = place.list().filter(isFile);
    // As the loader does, it looks beside itself.
    const program = writeProgram(
      '0.1.0',
      '[ -f "$(dirname "$0")/libatomic.so.1" ] || { echo "libatomic.so.1: cannot open" >&2; exit 127; }',
    );
    const needy = await makeShellRelease(releases.below('needy'), { program });
    expect((await place.run(needy.script, ['--from', needy.folder, '--dir', place.dir])).exitCode).toBe(0);
    expect(place.list().map(withoutContent)).toContain('prefix/bin/libatomic.so.1 644');
    expect((await place.run(needy.script, ['--uninstall', '--dir', place.dir])).exitCode).toBe(0);
    expect(place.list().filter(isFile)).toEqual(before);
  });

  test('that runs at the moment is not disturbed', async (context) => {
    const place = createInstallPlace(context);
    await place.run(release.script, ['--from', release.folder, '--dir', place.dir]);
    const { ino } = statSync(place.program);
    await place.run(next.script, ['--from', next.folder, '--dir', place.dir]);
    expect(statSync(place.program).ino).not.toBe(ino);
  });

  test('that cannot be configured is installed all the same, and the script fails', async (context) => {
    const place = createInstallPlace(context);
    const program = writeProgram('0.1.0', '[ "$1" != configure ] || { echo "error: no" >&2; exit 1; }');
    const stubborn = await makeShellRelease(releases.below('stubborn'), { program });
    const args = ['--from', stubborn.folder, '--dir', place.dir, '--configure', 'one.azurecr.io'];
    const { exitCode, stderr } = await place.run(stubborn.script, args);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 1,
      stderr: 'error: no\ninstall.sh: error: docker-credential-acr is installed, but not configured\n',
    });
    expect(existsSync(place.program)).toBe(true);
  });
});

describe('uninstalling', () => {
  test('leaves what the script did not install', async (context) => {
    const place = createInstallPlace(context);
    mkdirSync(place.dir, { recursive: true });
    writeFileSync(place.program, 'of somebody else');
    const before = place.list();
    expect(await place.run(release.script, ['--uninstall', '--dir', place.dir])).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: `install.sh: error: Nothing in ${place.dir} was installed by this script\n`,
    });
    expect(place.list()).toEqual(before);
  });

  test('removes nothing else, whatever the list names', async (context) => {
    const place = createInstallPlace(context);
    await place.run(release.script, ['--from', release.folder, '--dir', place.dir]);
    const mine = join(place.folder, 'home/mine');
    writeFileSync(mine, 'mine');
    const library = join(place.dir, 'libatomic.so.1');
    writeFileSync(library, 'of something else');
    const lines = [
      mine,
      'old libatomic.so.1',
      '../../home/mine',
      'docker-credential-acr/../../../home/mine',
      'docker-credential-acr',
    ];
    writeFileSync(join(place.dir, '.docker-credential-acr.files'), `${lines.join('\n')}\n`);
    const { stdout } = await place.run(release.script, ['--uninstall', '--dir', place.dir]);
    expect(stdout).toBe(`Removed ${place.program}\n`);
    expect([mine, library].map((path) => existsSync(path))).toEqual([true, true]);
  });

  test('with --dry-run names the files', async (context) => {
    const place = createInstallPlace(context);
    await place.run(release.script, ['--from', release.folder, '--dir', place.dir]);
    const before = place.list();
    const { stdout } = await place.run(release.script, ['--uninstall', '--dry-run', '--dir', place.dir]);
    expect(stdout.match(/^Would remove /gm)).toHaveLength(5);
    expect(place.list()).toEqual(before);
  });
});

test('what a killed run left a day ago is removed, and what is newer stays', async (context) => {
  const place = createInstallPlace(context);
  const [old, fresh] = ['AAAAAA', 'BBBBBB'].map((ending) => join(place.dir, `.docker-credential-acr.${ending}`));
  for (const path of [old, fresh]) mkdirSync(path ?? '', { recursive: true });
  const twoDaysAgo = new Date(Date.now() - 48 * 3_600_000);
  utimesSync(old ?? '', twoDaysAgo, twoDaysAgo);
  await place.run(release.script, ['--from', release.folder, '--dir', place.dir]);
  expect([old, fresh].map((path) => existsSync(path ?? ''))).toEqual([false, true]);
});

describe('systems', () => {
  const NPM = 'hint: with Node.js 20 or later: npm install --global docker-credential-acr\n';
  const rows: readonly (readonly [what: string, standIns: Readonly<Record<string, string>>, stderr: string])[] = [
    [
      'with musl',
      { getconf: 'exit 1', ldd: 'echo "musl libc (x86_64)" >&2; exit 1' },
      `install.sh: error: The executable needs glibc, and this system has musl\n${NPM}`,
    ],
    [
      'with an old glibc',
      { getconf: '[ "$1" = GNU_LIBC_VERSION ] && echo "glibc 2.17"' },
      `install.sh: error: The executable needs glibc 2.28, and this system has 2.17\n${NPM}`,
    ],
    [
      'with 32 bits on a processor of 64',
      { getconf: 'echo 32' },
      `install.sh: error: There is no executable for a 32-bit system\n${NPM}`,
    ],
    [
      'with another processor',
      { uname: '[ "$1" = -s ] && echo Linux || echo riscv64' },
      `install.sh: error: There is no executable for Linux on riscv64\n${NPM}`,
    ],
    ['of another kind', { uname: 'echo FreeBSD' }, `install.sh: error: There is no executable for FreeBSD\n${NPM}`],
    [
      'for which the release has no archive',
      { uname: '[ "$1" = -s ] && echo Linux || echo aarch64' },
      `install.sh: error: The release 0.1.0 has no docker-credential-acr-0.1.0-linux-arm64.tar.xz\n${NPM}`,
    ],
    [
      'without xz and unzip',
      { tar: 'echo "tar (GNU tar)"' },
      'install.sh: error: Nothing here can unpack the archive\nhint: install xz (xz-utils on Debian and Ubuntu) or unzip\n',
    ],
  ];
  test.for(rows)('%s: it says why it does not install', async ([what, standIns, stderr], context) => {
    const place = createInstallPlace(context, ...(what.includes('xz') ? ['-xz'] : []));
    for (const [name, script] of Object.entries(standIns)) place.addStandIn(name, script);
    const before = place.list();
    const server = await serveFolder(context, release.folder);
    const result = await place.run(release.script, ['--from', server.url, '--dir', place.dir]);
    expect({ ...result, stdout: '' }).toEqual({ exitCode: 1, stdout: '', stderr });
    expect(place.list()).toEqual(before);
    expect(server.requests).toEqual([]);
  });

  const targets: readonly (readonly [what: string, uname: readonly [string, string], target: string])[] = [
    ['an ARM processor', ['Linux', 'aarch64'], 'linux-arm64'],
    ['a Mac', ['Darwin', 'arm64'], 'macos-arm64'],
    ['an older Mac', ['Darwin', 'x86_64'], 'macos-x64'],
    ['a Mac whose shell is translated', ['Darwin', 'x86_64'], 'macos-arm64'],
    ['Git Bash', ['MINGW64_NT-10.0-26100', 'x86_64'], 'windows-x64'],
    ['Git Bash that is emulated', ['MINGW64_NT-10.0-26100-ARM64', 'x86_64'], 'windows-arm64'],
  ];
  test.for(targets)('%s: the right archive', async ([what, [system, processor], target], context) => {
    const place = createInstallPlace(context, 'unzip');
    place.addStandIn('uname', `[ "$1" = -s ] && echo ${system} || echo ${processor}`);
    if (what.includes('translated')) place.addStandIn('sysctl', '[ "$*" = "-n sysctl.proc_translated" ] && echo 1');
    const args = ['--dry-run', '--from', release.folder, '--dir', place.dir];
    const { stdout } = await place.run(release.script, args);
    const ending = target.startsWith('windows') ? 'zip' : 'tar.xz';
    expect(stdout).toContain(`for ${target} in `);
    expect(stdout).toContain(`/docker-credential-acr-0.1.0-${target}.${ending}\n`);
  });

  test('Git Bash on Windows installs into a folder that is named', async (context) => {
    const place = createInstallPlace(context, 'unzip');
    place.addStandIn('uname', '[ "$1" = -s ] && echo MINGW64_NT-10.0-26100 || echo x86_64');
    const windows = await makeShellRelease(releases.below('windows'), { target: 'windows-x64' });
    expect(await place.run(windows.script, ['--from', windows.folder])).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: `install.sh: error: On Windows, this script installs only into a folder that you name
hint: use Scoop or winget, or name one with --dir
`,
    });
    expect((await place.run(windows.script, ['--from', windows.folder, '--dir', place.dir])).exitCode).toBe(0);
    const { stdout } = await place.run(windows.script, ['--uninstall', '--dir', place.dir]);
    expect(stdout).toBe(`Removed ${place.program}.exe\n`);
  });
});

test.for([
  ['unzip instead of xz', ['-xz', 'unzip'], 'zip'],
  ['bsdtar, as on a Mac, without xz', ['-xz', '-tar'], 'tar.xz'],
  ['shasum', ['-sha256sum', 'shasum'], 'tar.xz'],
  ['openssl', ['-sha256sum', 'openssl'], 'tar.xz'],
] as const)('%s is good enough', async ([what, tools, ending], context) => {
  const place = createInstallPlace(context, ...tools);
  if (what.startsWith('bsdtar')) {
    needParts(context, 'bsdtar');
    place.addStandIn('tar', `exec '${partOf('bsdtar')}' "$@"`);
  }
  if (what === 'shasum') place.addStandIn('perl', `exec '${findProgram('perl')}' "$@"`);
  const server = await serveFolder(context, release.folder);
  const { exitCode, stderr } = await place.run(release.script, ['--from', server.url, '--dir', place.dir]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(server.requests).toEqual([`${release.name}.${ending}`]);
});

test('without any program that computes a SHA-256, nothing is installed', async (context) => {
  const place = createInstallPlace(context, '-sha256sum');
  const before = place.list();
  const { exitCode, stderr } = await place.run(release.script, ['--from', release.folder, '--dir', place.dir]);
  expect({ exitCode, stderr }).toEqual({
    exitCode: 1,
    stderr: 'install.sh: error: Nothing here can compute a SHA-256\nhint: install sha256sum, shasum or openssl\n',
  });
  expect(place.list()).toEqual(before);
});

describe('arguments', () => {
  const rows: readonly (readonly [args: readonly string[], error: string])[] = [
    [['--dirr', 'x'], 'there is no option --dirr'],
    [['x'], 'there is no option x'],
    [['--dir'], '--dir needs a value'],
    [['--dir='], '--dir needs a value'],
    [['--dir', 'one\ntwo'], 'the value of --dir has more than one line'],
    [['--version', '1/../2'], '1/../2 is not a version'],
    [['--version', '-1'], '-1 is not a version'],
    [['--timeout', '1s'], '1s is not a number of seconds'],
    [['--timeout', '0'], '0 is not a number of seconds'],
    [['--configure', '--all'], '--all is not a registry'],
    [['--configure', 'a b'], 'a b is not a registry'],
    [['--configure', '*'], '* is not a registry'],
    [['--from', 'http://mirror.example.com/acr'], '--from must be an https URL or a folder'],
    [['--from', 'http://localhost.example.com/acr'], '--from must be an https URL or a folder'],
    [['--from', 'http://localhost.example.com:80/acr'], '--from must be an https URL or a folder'],
    [['--from', 'http://127.0.0.1.example.com:80/acr'], '--from must be an https URL or a folder'],
    [['--from', 'http://127.0.0.1:80@mirror.example.com/acr'], '--from must be an https URL or a folder'],
    [['--from', 'http://127.0.0.1:80:90/acr'], '--from must be an https URL or a folder'],
    [['--from', 'ftp://mirror.example.com/acr'], '--from must be an https URL or a folder'],
    [['--from', 'https://mirror.example.com/acr?x=1'], 'the URL of --from must name a folder, without ? and #'],
  ];
  test.for(rows)('%j are refused', async ([args, error], context) => {
    const place = createInstallPlace(context);
    const before = place.list();
    expect(await place.run(release.script, ['--dir', place.dir, ...args])).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: `install.sh: error: ${error}\nhint: --help tells the options\n`,
    });
    expect(place.list()).toEqual(before);
  });

  test.for([
    'http://localhost/acr',
    'http://127.0.0.1:8080/acr',
    'http://[::1]:8080/acr',
    'https://mirror.example.com/',
  ])('--from %s is accepted', async (from, context) => {
    const place = createInstallPlace(context);
    const { stdout } = await place.run(release.script, ['--dry-run', '--dir', place.dir, '--from', from]);
    expect(stdout).toContain(`, from ${from.replace(/\/$/, '')}/${release.name}.tar.xz\n`);
  });

  test('--from accepts a folder as a URL', async (context) => {
    const place = createInstallPlace(context);
    const args = ['--dir', place.dir, '--from', `file://${release.folder}/`];
    expect((await place.run(release.script, args)).exitCode).toBe(0);
    const missing = await place.run(release.script, ['--dir', place.dir, '--from', `${release.folder}/missing`]);
    expect({ exitCode: missing.exitCode, stderr: missing.stderr }).toEqual({
      exitCode: 1,
      stderr: `install.sh: error: There is no folder ${release.folder}/missing\n`,
    });
  });

  test('--help tells each option, and does nothing', async (context) => {
    const place = createInstallPlace(context);
    const { exitCode, stdout } = await place.run(release.script, ['--help']);
    expect(exitCode).toBe(0);
    for (const option of ['dir', 'configure', 'version', 'from', 'timeout', 'dry-run', 'uninstall', 'help']) {
      expect(stdout).toMatch(new RegExp(`^ {2}--${option}\\b`, 'm'));
    }
  });

  test('the template itself installs nothing', async (context) => {
    const place = createInstallPlace(context);
    const template = join(import.meta.dirname, '../../scripts/release/install.sh');
    expect((await place.run(template, ['--dir', place.dir])).stderr).toBe(
      'install.sh: error: This is only the template of the script\nhint: get the one of a release\n',
    );
  });
});

test('a full disk leaves the old program', async (context) => {
  needRoot(context);
  needNamespaces(context, '--mount');
  const place = createInstallPlace(context);
  const large = await makeShellRelease(releases.below('large'), {
    version: '0.4.0',
    change: (_packed, top) => {
      writeFileSync(join(top, 'large'), '');
      truncateSync(join(top, 'large'), 4 << 20);
    },
  });
  mkdirSync(place.dir, { recursive: true });
  const mounts = `mount -t tmpfs -o size=1m none "$1" && echo old >"$1/docker-credential-acr" && dir=$1 && shift
"$@"; code=$?; ls -A "$dir"; cat "$dir/docker-credential-acr"; exit $code`;
  const { exitCode, stdout, stderr } = await place.run(large.script, ['--from', large.folder, '--dir', place.dir], {
    starter: [partOf('unshare'), '--mount', partOf('sh'), '-c', mounts, 'sh', place.dir],
    environment: { PATH: `${place.environment['PATH']}:/usr/bin:/bin` },
  });
  const reason = 'Cannot unpack docker-credential-acr-0.4.0-linux-x64.tar.xz: ';
  expect(stderr).toContain(`install.sh: error: ${reason}`);
  expect(stdout.split('\n').slice(1)).toEqual(['docker-credential-acr', 'old', '']);
  expect(exitCode).toBe(1);
});
