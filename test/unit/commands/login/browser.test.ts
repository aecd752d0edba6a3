import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  type Browser,
  explainNoBrowser,
  findBrowser,
  openBrowser,
  readSurroundings,
  type Surroundings,
} from '../../../../src/commands/login/browser.ts';
import { makeRuntime } from '../../runtime.ts';
import { useTemporaryFolder } from '../../temporary-folder.ts';

const folder = useTemporaryFolder();
const PLAIN: Surroundings = { hasFile: () => false, kernel: '6.1.0-amd64' };
const WSL: Surroundings = { hasFile: () => false, kernel: '5.15.90.1-microsoft-standard-WSL2' };
const URL_TO_OPEN = "https://login.example.com/a?b=c&d=$(touch%20x)'%22;e";

function writeProgram(name: string, text = ''): string {
  const file = folder.path('bin', name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `#!/bin/sh\n${text}\n`);
  chmodSync(file, 0o700);
  return file;
}

describe('a person sees no browser', () => {
  const withDisplay = { DISPLAY: ':0' };
  test.each([
    ['over SSH', { ...withDisplay, SSH_CONNECTION: '1 2 3 4' }, PLAIN, 'this is an SSH session'],
    ['in a terminal of SSH', { ...withDisplay, SSH_TTY: '/dev/pts/1' }, PLAIN, 'this is an SSH session'],
    ['in Docker', withDisplay, { ...PLAIN, hasFile: (f: string) => f === '/.dockerenv' }, 'this is a container'],
    ['in podman', withDisplay, { ...PLAIN, hasFile: (f: string) => f === '/run/.containerenv' }, 'this is a container'],
    ['in a container that a variable names', { ...withDisplay, container: 'podman' }, PLAIN, 'this is a container'],
    ['in Kubernetes', { ...withDisplay, KUBERNETES_SERVICE_HOST: '10.0.0.1' }, PLAIN, 'this is a container'],
    ['without a display', {}, PLAIN, 'there is no display'],
    ['without a display, whatever BROWSER says', { BROWSER: '/bin/true' }, PLAIN, 'there is no display'],
    ['in WSL that starts no programs of Windows', { DISPLAY: ':0' }, WSL, 'WSL cannot start programs of Windows here'],
    ['in WSL with a known name', { WSL_DISTRO_NAME: 'Debian' }, PLAIN, 'WSL cannot start programs of Windows here'],
    [
      'without a program that opens one',
      { ...withDisplay, PATH: '/nowhere' },
      PLAIN,
      'there is neither xdg-open nor BROWSER',
    ],
  ])('%s', (_where, env, surroundings, reason) => {
    expect(explainNoBrowser(makeRuntime({ PATH: process.env['PATH'], ...env }), surroundings)).toBe(reason);
  });

  test('on macOS or Windows over SSH', () => {
    for (const platform of ['darwin', 'win32'] as const) {
      const env = { SystemRoot: 'C:\\Windows' };
      expect(explainNoBrowser(makeRuntime({ ...env, SSH_CLIENT: '1 2 3' }, { platform }), PLAIN)).toBe(
        'this is an SSH session',
      );
      expect(explainNoBrowser(makeRuntime(env, { platform }), PLAIN)).toBeUndefined();
    }
    expect(explainNoBrowser(makeRuntime({}, { platform: 'win32' }), PLAIN)).toBe('none was found');
  });
});

describe('a person sees the browser', () => {
  test.each([
    ['on X11', { DISPLAY: ':0' }, PLAIN],
    ['on Wayland', { WAYLAND_DISPLAY: 'wayland-0' }, PLAIN],
    ['in WSL', { WSL_INTEROP: '/run/WSL/1_interop' }, WSL],
  ])('%s', (_where, env, surroundings) => {
    writeProgram('xdg-open');
    expect(explainNoBrowser(makeRuntime({ PATH: folder.path('bin'), ...env }), surroundings)).toBeUndefined();
  });
});

describe('the program that opens a URL', () => {
  test.each<
    readonly [string, readonly string[], Readonly<Record<string, string>>, Surroundings, string, readonly string[]]
  >([
    ['xdg-open on Linux', ['xdg-open', 'wslview'], {}, PLAIN, 'xdg-open', []],
    ['wslview in WSL', ['xdg-open', 'wslview', 'rundll32.exe'], {}, WSL, 'wslview', []],
    [
      'rundll32 of Windows in WSL',
      ['xdg-open', 'rundll32.exe'],
      {},
      WSL,
      'rundll32.exe',
      ['url.dll,FileProtocolHandler'],
    ],
    ['xdg-open in WSL', ['xdg-open'], {}, WSL, 'xdg-open', []],
    ['BROWSER', ['xdg-open', 'firefox'], { BROWSER: 'firefox' }, PLAIN, 'firefox', []],
    [
      'the first of BROWSER that exists',
      ['b'],
      { BROWSER: 'a:b --new-tab %s:xdg-open' },
      PLAIN,
      'b',
      ['--new-tab', '%s'],
    ],
    ["the system's own, if none of BROWSER exists", ['xdg-open'], { BROWSER: 'a::b' }, PLAIN, 'xdg-open', []],
  ])('is %s', (_what, programs, env, surroundings, name, args) => {
    for (const program of programs) writeProgram(program);
    const found = findBrowser(makeRuntime({ PATH: folder.path('bin'), ...env }), surroundings);
    expect(found).toEqual({ file: folder.path('bin', name), args });
  });

  test('is never in the working directory', () => {
    writeProgram('xdg-open');
    expect(findBrowser(makeRuntime({ PATH: '.:bin:' }), PLAIN)).toBeUndefined();
    expect(findBrowser(makeRuntime({ PATH: '.', BROWSER: './xdg-open' }), PLAIN)).toBeUndefined();
  });

  test("is the system's on macOS and Windows", () => {
    expect(findBrowser(makeRuntime({}, { platform: 'darwin' }), PLAIN)).toEqual({ file: '/usr/bin/open', args: [] });
    const found = findBrowser(makeRuntime({ SystemRoot: 'C:\\Windows' }, { platform: 'win32' }), PLAIN);
    expect(found?.file).toMatch(/rundll32\.exe$/);
    expect(found?.args).toEqual(['url.dll,FileProtocolHandler']);
    const batch = makeRuntime({ SystemRoot: 'C:\\Windows', BROWSER: '/x.cmd' }, { platform: 'win32' });
    expect(findBrowser(batch, PLAIN)?.file).toMatch(/rundll32\.exe$/);
  });
});

describe('openBrowser', () => {
  async function open(browser: Browser, env: Readonly<Record<string, string>> = {}) {
    const failures: string[] = [];
    const runtime = makeRuntime({ PATH: '/usr/bin:/bin', ...env });
    openBrowser(runtime, browser, URL_TO_OPEN, (reason) => failures.push(reason));
    for (let tries = 0; tries < 200; tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      const text = readText(folder.path('opened'));
      if (failures.length > 0 || text?.endsWith('end\n')) return { failures, text };
    }
    throw new Error('nothing happened');
  }

  const record = () =>
    writeProgram(
      'browser',
      `{ for one in "$@"; do echo "[$one]"; done; pwd; env; echo end; } > '${folder.path('opened')}'`,
    );

  test('passes the URL as one argument, which no shell reads, and no secret', async () => {
    const file = record();
    const { failures, text } = await open({ file, args: [] }, { AZURE_CLIENT_SECRET: 'the-secret', KEPT: 'yes' });
    expect(failures).toEqual([]);
    expect(text?.split('\n').slice(0, 2)).toEqual([`[${URL_TO_OPEN}]`, '/']);
    expect(text).toContain('KEPT=yes');
    expect(text).not.toContain('the-secret');
  });

  test('puts the URL where BROWSER wants it', async () => {
    const { text } = await open({ file: record(), args: ['--app=%s', 'x'] });
    expect(text?.split('\n').slice(0, 2)).toEqual([`[--app=${URL_TO_OPEN}]`, '[x]']);
  });

  test('says when the program fails or does not start', async () => {
    expect((await open({ file: writeProgram('fails', 'exit 3'), args: [] })).failures).toEqual([
      'it ended with exit code 3',
    ]);
    expect((await open({ file: folder.path('none'), args: [] })).failures).toEqual([expect.stringContaining('ENOENT')]);
  });
});

test('reads where this process runs', () => {
  const { hasFile, kernel } = readSurroundings();
  expect(hasFile(import.meta.filename)).toBe(true);
  expect(hasFile('/no/such/file')).toBe(false);
  if (process.platform === 'linux') expect(kernel).toMatch(/^\d+\.\d+/);
});

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
