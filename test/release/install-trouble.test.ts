/** install.sh where downloads fail, archives are hostile, signatures are wrong or the run is interrupted: the place stays as it was. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { needParts, partOf } from '../e2e/world/parts.ts';
import { createCertificateAuthority } from '../emulator/certificates.ts';
import {
  type Behaviour,
  canMakeReleases,
  createInstallPlace,
  createReleaseFolder,
  type InstallPlace,
  makeShellRelease,
  type ShellRelease,
  serveFolder,
} from './world/install-place.ts';

const ARCHIVE = 'docker-credential-acr-0.1.0-linux-x64.tar.xz';
const WEB_PAGE = Buffer.from('<!DOCTYPE html>\n<HTML><body>Please sign in to the network</body></html>\n');

const releases = createReleaseFolder();
let release: ShellRelease;
beforeAll(async () => {
  if (!canMakeReleases()) return;
  release = await makeShellRelease(releases.below('release'));
});
afterAll(() => releases.remove());

const DOWNLOADERS = ['curl', 'wget', 'busybox'] as const;

/** A place with one of the programs that download. */
function createPlaceWith(context: Parameters<typeof createInstallPlace>[0], downloader: string): InstallPlace {
  if (downloader === 'curl') return createInstallPlace(context);
  if (downloader === 'wget') return createInstallPlace(context, '-curl', 'wget');
  const place = createInstallPlace(context, '-curl');
  needParts(context, 'busybox');
  place.addStandIn('wget', `exec '${partOf('busybox')}' wget "$@"`);
  return place;
}

describe.each(DOWNLOADERS)('with %s', (downloader) => {
  test('the archive is downloaded, past redirects', async (context) => {
    const place = createPlaceWith(context, downloader);
    const server = await serveFolder(context, release.folder);
    const args = ['--from', server.url, '--dir', place.dir];
    // A proxy is not asked for what is on the machine itself.
    const environment = { http_proxy: 'http://127.0.0.1:9', HTTP_PROXY: 'http://127.0.0.1:9' };
    const { exitCode, stderr } = await place.run(release.script, args, { environment });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(server.requests).toEqual([ARCHIVE]);
  });

  const rows: readonly (readonly [what: string, behave: Behaviour, error: RegExp])[] = [
    [
      'a wrong checksum',
      (response, content) => response.end(Buffer.concat([content, Buffer.of(0)])),
      /\/docker-credential-acr-0\.1\.0-linux-x64\.tar\.xz has the wrong checksum$/,
    ],
    [
      'half a file, though its length was told',
      (response, content) => {
        response.writeHead(200, { 'content-length': content.length });
        response.write(content.subarray(0, content.length / 2), () => response.destroy());
      },
      /^Cannot get .*|has the wrong checksum$/,
    ],
    [
      'half a file, without a length',
      (response, content) => {
        response.writeHead(200, { connection: 'close', 'content-length': content.length >> 1 });
        response.end(content.subarray(0, content.length >> 1));
      },
      /has the wrong checksum$/,
    ],
    ['no such file', (response) => response.writeHead(404).end('not found\n'), /^Cannot get .*\.tar\.xz: .*404/],
    ['an error of the server', (response) => response.writeHead(403).end('no\n'), /^Cannot get .*\.tar\.xz: .*403/],
    [
      'a web page instead of the file',
      (response) => response.writeHead(200, { 'content-type': 'text/html' }).end(WEB_PAGE),
      /has the wrong checksum\nhint: a web page came instead, perhaps from a proxy$/,
    ],
    [
      'a redirect to http',
      (response, content, url) => {
        if (url.endsWith('?again')) response.end(content);
        else response.writeHead(302, { location: `http://127.0.0.1:${response.socket?.localPort}${url}?again` }).end();
      },
      downloader === 'curl' ? /^Cannot get .*: curl: \(1\) / : /^Cannot get .*: the server redirects to http$/,
    ],
  ];
  test.for(rows)('%s: nothing is installed', async ([_what, behave, error], context) => {
    const place = createPlaceWith(context, downloader);
    const before = place.list();
    const server = await serveFolder(context, release.folder, { '.tar.xz': behave, '.tar.xz?again': behave });
    const result = await place.run(release.script, ['--from', server.url, '--dir', place.dir, '--timeout', '2']);
    const lines = result.stderr.trimEnd();
    expect(lines).toMatch(/^install\.sh: error: [^\n]*(?:\nhint: [^\n]*)?$/);
    expect(lines.replace('install.sh: error: ', '')).toMatch(error);
    expect(result.exitCode).toBe(1);
    expect(place.list()).toEqual(before);
  });
});

test.concurrent.for(['curl', 'wget'])('%s gives up when nothing arrives', async (downloader, context) => {
  const place = createPlaceWith(context, downloader);
  const before = place.list();
  const server = await serveFolder(context, release.folder, { '.tar.xz': () => undefined });
  const args = ['--from', server.url, '--dir', place.dir, '--timeout', '1'];
  const { exitCode, stderr } = await place.run(release.script, args);
  context.expect(stderr).toMatch(/^install\.sh: error: Cannot get \S+\.tar\.xz: [^\n]*(?:time|too slow)[^\n]*\n$/);
  context.expect(exitCode).toBe(1);
  context.expect(place.list()).toEqual(before);
});

describe.each(['curl', 'wget'])('by https with %s', (downloader) => {
  /** Tells both programs where the certificate of the authority is. */
  function trust(place: InstallPlace, pem: string): Readonly<Record<string, string>> {
    const [file, settings] = [join(place.folder, 'home/ca.pem'), join(place.folder, 'home/wgetrc')];
    writeFileSync(file, pem);
    writeFileSync(settings, `ca_certificate = ${file}\n`);
    return { CURL_CA_BUNDLE: file, WGETRC: settings };
  }

  test('the archive is downloaded from a server with a valid certificate', async (context) => {
    const place = createPlaceWith(context, downloader);
    const authority = await createCertificateAuthority();
    const server = await serveFolder(context, release.folder, {}, authority);
    const environment = trust(place, authority.pem);
    const result = await place.run(release.script, ['--from', server.url, '--dir', place.dir], { environment });
    expect({ exitCode: result.exitCode, stderr: result.stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(server.requests).toEqual([ARCHIVE]);
  });

  test('a certificate that nobody vouches for stops it', async (context) => {
    const place = createPlaceWith(context, downloader);
    const before = place.list();
    const server = await serveFolder(context, release.folder, {}, await createCertificateAuthority());
    const { exitCode, stderr } = await place.run(release.script, ['--from', server.url, '--dir', place.dir]);
    expect(stderr).toMatch(/^install\.sh: error: Cannot get https:\S+: [^\n]+\n$/);
    expect({ exitCode, requests: server.requests }).toEqual({ exitCode: 1, requests: [] });
    expect(place.list()).toEqual(before);
  });

  test('a redirect to http stops it', async (context) => {
    const place = createPlaceWith(context, downloader);
    const authority = await createCertificateAuthority();
    const plain = await serveFolder(context, release.folder);
    const server = await serveFolder(
      context,
      release.folder,
      { '.tar.xz': (response) => response.writeHead(302, { location: `${plain.url}/${ARCHIVE}` }).end() },
      authority,
    );
    const environment = trust(place, authority.pem);
    const result = await place.run(release.script, ['--from', server.url, '--dir', place.dir], { environment });
    expect(result.stderr).toMatch(/^install\.sh: error: Cannot get https:\S+: .*(?:"?http"? |redirects to http)/);
    expect(result.exitCode).toBe(1);
    expect(existsSync(place.program)).toBe(false);
    // curl does not even follow it.
    if (downloader === 'curl') expect(plain.requests).toEqual([]);
  });
});

test.for(['dash', 'bash', 'zsh'])('a download without an end is cut off, in %s', async (shell, context) => {
  needParts(context, shell);
  const place = createInstallPlace(context);
  place.addStandIn('curl', 'ulimit -f; exit 22');
  const args = ['--from', 'https://mirror.example.com', '--dir', place.dir];
  const options = { shell: shell === 'zsh' ? ['zsh', '--emulate', 'sh'] : [shell] };
  const { stderr } = await place.run(release.script, args, options);
  // In blocks of 512 bytes. Bash has taken them for blocks of 1024.
  expect(stderr).toMatch(/: (?:2000000|4000000)\n$/);
});

test('without curl and wget, it says what to do', async (context) => {
  const place = createInstallPlace(context, '-curl');
  const { exitCode, stderr } = await place.run(release.script, ['--dir', place.dir]);
  expect({ exitCode, stderr }).toEqual({
    exitCode: 1,
    stderr: `install.sh: error: There is neither curl nor wget
hint: install curl, or download the release and name its folder with --from
`,
  });
});

describe('from a server of its own', () => {
  test('curl is held to https and to its certificates', async (context) => {
    const place = createInstallPlace(context);
    place.addStandIn('curl', `printf '%s\\n' "$@" >'${place.folder.replaceAll("'", `'\\''`)}/home/called'; exit 60`);
    const args = ['--dir', place.dir, '--from', 'https://me:secret@mirror.example.com:8443/acr/'];
    const { stdout, stderr } = await place.run(release.script, args);
    const called = readFileSync(join(place.folder, 'home/called'), 'utf8').trimEnd().split('\n');
    expect(called).toEqual(expect.arrayContaining(['--fail', '--proto', '=https', '--proto-redir', '--tlsv1.2']));
    expect(called).not.toContain('--insecure');
    expect(called.at(-1)).toBe(`https://me:secret@mirror.example.com:8443/acr/${ARCHIVE}`);
    // A password in the URL is not repeated.
    expect(`${stdout}${stderr}`).not.toContain('secret');
    expect(stdout).toBe('Getting docker-credential-acr 0.1.0 for linux-x64 from https://mirror.example.com:8443/acr\n');
  });

  test('by default, the release of the version is asked', async (context) => {
    const place = createInstallPlace(context);
    place.addStandIn('curl', 'exit 6');
    const { stdout } = await place.run(release.script, ['--dir', place.dir, '--version', 'v0.0.9']);
    expect(stdout).toContain(
      'docker-credential-acr 0.0.9 for linux-x64 from https://releases.example.com/download/v0.0.9\n',
    );
  });
});

describe('another version than that of the script', () => {
  test('is checked against the checksums of its release', async (context) => {
    const place = createInstallPlace(context);
    const other = await makeShellRelease(releases.below('other'), { version: '0.2.0-rc.1' });
    const server = await serveFolder(context, other.folder);
    const args = ['--from', server.url, '--dir', place.dir, '--version', '0.2.0-rc.1'];
    expect((await place.run(release.script, args)).exitCode).toBe(0);
    expect(server.requests).toEqual(['SHA256SUMS', 'docker-credential-acr-0.2.0-rc.1-linux-x64.tar.xz']);
  });

  const sum = '0'.repeat(64);
  const name = 'docker-credential-acr-0.2.0-linux-x64.tar.xz';
  const rows: readonly (readonly [what: string, text: string, error: string])[] = [
    ['no line', `${sum}  ${name}.minisig\n`, 'does not name'],
    ['two lines', `${sum}  ${name}\n${sum.replace('0', '1')}  ${name}\n`, 'does not name'],
    ['a sum that is too short', `${sum.slice(1)}  ${name}\n`, 'does not name'],
    ['a sum that is none', `${sum.replace('0', '$')}  ${name}\n`, 'does not name'],
    ['another sum', `${sum}  ${name}\n`, 'has the wrong checksum'],
    ['a web page', WEB_PAGE.toString(), 'hint: a web page came instead'],
  ];
  test.for(rows)('%s for it: nothing is installed', async ([what, text, error], context) => {
    const place = createInstallPlace(context);
    const before = place.list();
    const mirror = releases.below(`mirror with ${what}`);
    writeFileSync(join(mirror, 'SHA256SUMS'), text);
    writeFileSync(join(mirror, name), 'archive');
    const args = ['--from', mirror, '--dir', place.dir, '--version', '0.2.0'];
    const { exitCode, stderr } = await place.run(release.script, args);
    expect(stderr).toContain(error);
    expect(exitCode).toBe(1);
    expect(place.list()).toEqual(before);
  });

  test('is not trusted to a wget that checks no certificates', async (context) => {
    const place = createPlaceWith(context, 'busybox');
    const server = await serveFolder(context, release.folder);
    const args = ['--from', server.url, '--dir', place.dir, '--version', '0.2.0'];
    expect((await place.run(release.script, args)).stderr).toBe(
      "install.sh: error: BusyBox's wget does not check certificates: it can only install 0.1.0\nhint: install curl\n",
    );
    expect(server.requests).toEqual([]);
  });
});

describe('a hostile archive', () => {
  const link = (to: string) => (_packed: string, top: string) => {
    spawnSync('rm', [join(top, 'docker-credential-acr')]);
    symlinkSync(to, join(top, 'docker-credential-acr'));
  };
  const NAME = 'docker-credential-acr-0.1.0-linux-x64';
  const rows = [
    ['with another top folder', { members: ['--transform', 's,^docker-credential-acr-0.1.0,other,', NAME] }],
    ['with a file beside its folder', { members: [NAME, 'beside'] }],
    ['with a path out of its folder', { members: ['--transform', 's,^beside,../../../../evil,', NAME, 'beside'] }],
    [
      'with a path out of its folder, further down',
      { members: ['--transform', `s,^beside,${NAME}/../../evil,`, NAME, 'beside'] },
    ],
    ['with an absolute path', { members: ['--transform', 's,^beside,/tmp/acr-evil,', NAME, 'beside'] }],
    ['with a link as the program', { change: link('/bin/true') }],
    [
      'with a link out of its folder',
      { change: (_packed: string, top: string) => symlinkSync('/etc', join(top, 'etc')) },
    ],
    ['with a pipe', { change: (_packed: string, top: string) => spawnSync('mkfifo', [join(top, 'pipe')]) }],
    [
      'without the program',
      { change: (_packed: string, top: string) => spawnSync('rm', [join(top, 'docker-credential-acr')]) },
    ],
    [
      'with a folder as the program',
      {
        change: (_packed: string, top: string) => {
          spawnSync('rm', [join(top, 'docker-credential-acr')]);
          mkdirSync(join(top, 'docker-credential-acr'));
        },
      },
    ],
  ] as const;
  test.for(rows)('%s: nothing is installed', async ([what, options], context) => {
    if (!canMakeReleases()) context.skip('zip or xz is missing');
    const hostile = await makeShellRelease(releases.below(`hostile ${what}`), {
      members: [NAME],
      ...options,
      change: (packed, top) => {
        writeFileSync(join(packed, 'beside'), 'evil');
        if ('change' in options) options.change(packed, top);
      },
    });
    // The readers differ in what they do with paths and links. zip has no way to rename what it packs.
    const isTarOnly = /path|top folder|pipe/.test(what);
    for (const tar of [
      'tar',
      ...(/path|link/.test(what) ? ['bsdtar', 'busybox'] : []),
      ...(isTarOnly ? [] : ['unzip']),
    ]) {
      needParts(context, tar);
      const place = createInstallPlace(context, ...(tar === 'unzip' ? ['-xz', 'unzip'] : []));
      if (tar === 'bsdtar') place.addStandIn('tar', `exec '${partOf('bsdtar')}' "$@"`);
      if (tar === 'busybox') place.addStandIn('tar', `exec '${partOf('busybox')}' tar "$@"`);
      const before = place.list();
      const { exitCode, stderr } = await place.run(hostile.script, ['--from', hostile.folder, '--dir', place.dir]);
      expect(stderr, tar).toMatch(
        /^install\.sh: error: (?:docker-credential-acr-0\.1\.0-linux-x64\.(?:tar\.xz|zip) is not an archive of docker-credential-acr|Cannot unpack [^\n]*)\n$/,
      );
      expect(exitCode, tar).toBe(1);
      expect(place.list(), tar).toEqual(before);
    }
  });

  test('that is none, though its checksum is right: nothing is installed', async (context) => {
    const place = createInstallPlace(context);
    const before = place.list();
    const mirror = releases.below('none');
    writeFileSync(join(mirror, ARCHIVE.replace('0.1.0', '0.2.0')), WEB_PAGE);
    const sums = spawnSync('sha256sum', [ARCHIVE.replace('0.1.0', '0.2.0')], { cwd: mirror, encoding: 'utf8' });
    writeFileSync(join(mirror, 'SHA256SUMS'), sums.stdout);
    const { exitCode, stderr } = await place.run(release.script, [
      '--from',
      mirror,
      '--dir',
      place.dir,
      '--version=0.2.0',
    ]);
    expect({ exitCode, stderr: stderr.split(': ').slice(0, 3) }).toEqual({
      exitCode: 1,
      stderr: ['install.sh', 'error', `Cannot unpack ${ARCHIVE.replace('0.1.0', '0.2.0')}`],
    });
    expect(place.list()).toEqual(before);
  });
});

describe('a signature', () => {
  /** A release whose checksums are signed by minisign, and its key. */
  async function makeSigned(name: string): Promise<ShellRelease> {
    const folder = releases.below(name);
    const keyFile = join(folder, 'key.pub');
    const minisign = (...args: readonly string[]) => {
      const { status, stderr } = spawnSync(partOf('minisign'), args, { encoding: 'utf8' });
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    };
    minisign('-G', '-W', '-p', keyFile, '-s', join(folder, 'key'));
    const [, minisignKey = ''] = readFileSync(keyFile, 'utf8').split('\n');
    const signed = await makeShellRelease(folder, { facts: { minisignKey } });
    minisign('-S', '-s', join(folder, 'key'), '-m', join(folder, 'SHA256SUMS'));
    return signed;
  }

  test('by minisign is checked where minisign is there', async (context) => {
    needParts(context, 'minisign');
    const signed = await makeSigned('signed');
    const place = createInstallPlace(context, 'minisign');
    const { exitCode, stdout } = await place.run(signed.script, ['--from', signed.folder, '--dir', place.dir]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('(checksum and signature verified)\n');

    const without = createInstallPlace(context);
    const unchecked = await without.run(signed.script, ['--from', signed.folder, '--dir', without.dir]);
    expect(unchecked.stdout).toContain('(checksum verified; signature not checked: that takes minisign or cosign)\n');
  });

  test.for([
    [
      'of other checksums',
      (folder: string) => {
        const file = join(folder, 'SHA256SUMS');
        writeFileSync(file, `${readFileSync(file, 'utf8')}${'0'.repeat(64)}  another-file\n`);
      },
      /The signature of .+\/SHA256SUMS is not valid: Signature verification failed\n$/,
    ],
    [
      'of another key',
      (folder: string) => {
        const file = join(folder, 'SHA256SUMS.minisig');
        writeFileSync(
          file,
          readFileSync(file, 'utf8').replace(/^RU[^\n]{10}/m, (text) => text.split('').reverse().join('')),
        );
      },
      /The signature of .+\/SHA256SUMS is not valid: \S/,
    ],
    [
      'that is missing',
      (folder: string) => spawnSync('rm', [join(folder, 'SHA256SUMS.minisig')]),
      /Cannot get .+\/SHA256SUMS\.minisig: \S/,
    ],
  ] as const)('%s stops it', async ([what, spoil, error], context) => {
    needParts(context, 'minisign');
    const signed = await makeSigned(`spoiled ${what}`);
    spoil(signed.folder);
    const place = createInstallPlace(context, 'minisign');
    const before = place.list();
    const { exitCode, stderr } = await place.run(signed.script, ['--from', signed.folder, '--dir', place.dir]);
    expect(stderr).toMatch(error);
    expect(exitCode).toBe(1);
    expect(place.list()).toEqual(before);
  });

  test('of checksums that are not those of the script stops it', async (context) => {
    needParts(context, 'minisign');
    const signed = await makeSigned('other sums');
    const script = join(signed.folder, 'older.sh');
    writeFileSync(script, readFileSync(signed.script, 'utf8').replace(/[\da-f]{64}/, 'f'.repeat(64)));
    const place = createInstallPlace(context, 'minisign');
    const { exitCode, stderr } = await place.run(script, ['--from', signed.folder, '--dir', place.dir]);
    expect(stderr).toMatch(/SHA256SUMS has another checksum for \S+ than this script\n$/);
    expect(exitCode).toBe(1);
  });

  test('by cosign is checked with the key of the release', async (context) => {
    const cosignKey = `-----BEGIN PUBLIC KEY-----\n${'A'.repeat(64)}\nAAAA==\n-----END PUBLIC KEY-----`;
    const signed = await makeShellRelease(releases.below('cosign'), { facts: { cosignKey } });
    writeFileSync(join(signed.folder, 'SHA256SUMS.sigstore.json'), '{}');
    for (const [exit, outcome] of [
      [0, 0],
      [1, 1],
    ] as const) {
      const place = createInstallPlace(context);
      // The real one takes minutes to build: this one notes what it is asked.
      place.addStandIn(
        'cosign',
        `for word; do last=$word; done
echo "$1 $2 $4 $5" >"$HOME/called"; cat "$3" >>"$HOME/called"; head -c 64 "$last" >>"$HOME/called"; echo bad; exit ${exit}`,
      );
      const { exitCode } = await place.run(signed.script, ['--from', signed.folder, '--dir', place.dir]);
      expect(exitCode).toBe(outcome);
      const sum = readFileSync(join(signed.folder, 'SHA256SUMS'), 'utf8').slice(0, 64);
      const called = readFileSync(join(place.folder, 'home/called'), 'utf8');
      expect(called).toBe(`verify-blob --key --insecure-ignore-tlog --bundle\n${cosignKey}\n${sum}`);
    }
  });
});

describe('an interrupted run', () => {
  /** Interrupts it while the archive is on its way. */
  async function interrupt(place: InstallPlace, url: string, arrived: Promise<void>, signal: NodeJS.Signals) {
    const child = spawn(partOf('dash'), [release.script, '--from', url, '--dir', place.dir], {
      env: { ...place.environment },
      detached: true,
      stdio: 'ignore',
    });
    const closed = once(child, 'close');
    await arrived;
    if (child.pid === undefined) throw new Error('The script did not start');
    process.kill(-child.pid, signal);
    const [exitCode] = await closed;
    return exitCode;
  }

  test.for([
    ['SIGHUP', 129],
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGKILL', null],
  ] as const)('%s leaves the old program', async ([signal, exitCode], context) => {
    const place = createInstallPlace(context);
    mkdirSync(place.dir, { recursive: true });
    writeFileSync(place.program, 'old');
    const before = place.list();
    const { promise, resolve } = Promise.withResolvers<void>();
    const server = await serveFolder(context, release.folder, {
      '.tar.xz': (response, content) => {
        response.writeHead(200, { 'content-length': content.length });
        response.write(content.subarray(0, 10), () => resolve());
      },
    });
    expect(await interrupt(place, server.url, promise, signal)).toBe(exitCode);
    // Nobody can clean up after SIGKILL.
    const after = place.list().filter((line) => signal !== 'SIGKILL' || !line.startsWith('tmp/d'));
    expect(after).toEqual(before);
    expect((await place.run(release.script, ['--from', release.folder, '--dir', place.dir])).exitCode).toBe(0);
    expect(readFileSync(place.program, 'utf8')).toContain('v0.1.0');
  });

  test('a reader that goes away leaves no half of it', async (context) => {
    const place = createInstallPlace(context);
    const before = place.list();
    const script = `{ sleep 0.3; '${partOf('dash')}' "$@"; echo "exit $?" >&2; } | true`;
    const args = ['-c', script, 'sh', release.script, '--from', release.folder, '--dir', place.dir];
    const { stderr } = spawnSync(partOf('sh'), args, {
      env: { ...place.environment, PATH: '/usr/bin:/bin' },
      encoding: 'utf8',
    });
    expect(stderr).toMatch(/^exit 141$/m);
    expect(place.list()).toEqual(before);
  });
});
