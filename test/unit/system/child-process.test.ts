/** Running other programs: where they are found, what they are given, and what comes back. */
import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { type ChildOptions, findExecutable, runChild } from '../../../src/system/child-process.ts';
import { isRunning } from '../running-process.ts';
import { makeRuntime } from '../runtime.ts';
import { useTemporaryFolder } from '../temporary-folder.ts';

const folder = useTemporaryFolder();
const PATIENCE_MS = 10_000;

const directoryBefore = process.cwd();
afterEach(() => {
  process.chdir(directoryBefore);
});

/** Writes a shell script as an executable file. */
function makeProgram(name: string, script = '', mode = 0o700): string {
  const file = folder.path(name);
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, mode);
  return file;
}

describe('findExecutable', () => {
  const find = (path: string | undefined, name = 'az') => findExecutable(makeRuntime({ PATH: path }), name);

  test('returns the first match in the order of PATH', () => {
    for (const name of ['one', 'two']) mkdirSync(folder.path(name));
    makeProgram('one/az');
    makeProgram('two/az');
    expect(find(`${folder.path('none')}:${folder.path('one')}:${folder.path('two')}`)).toBe(folder.path('one', 'az'));
    expect(find(`${folder.path('two')}:${folder.path('one')}`)).toBe(folder.path('two', 'az'));
  });

  test('returns a link to an executable', () => {
    makeProgram('real');
    symlinkSync(folder.path('real'), folder.path('az'));
    expect(find(folder.path())).toBe(folder.path('az'));
  });

  test('never returns a program in the working directory, whatever PATH says', () => {
    makeProgram('az');
    process.chdir(folder.path());
    for (const path of ['.', '', ':', '::', './', '..', 'bin', `.:${folder.path('none')}`, `${folder.path('none')}:`]) {
      expect(find(path)).toBeUndefined();
    }
    expect(find(undefined)).toBeUndefined();
  });

  test('returns nothing for a file that is not executable, a folder or a dangling link', () => {
    makeProgram('az', '', 0o600);
    mkdirSync(folder.path('folder', 'az'), { recursive: true });
    mkdirSync(folder.path('dangling'));
    symlinkSync('/there/is/nothing', folder.path('dangling', 'az'));
    expect(find([folder.path(), folder.path('folder'), folder.path('dangling')].join(':'))).toBeUndefined();
  });

  test('skips a file that is not executable and returns the next one that is', () => {
    makeProgram('az', '', 0o600);
    mkdirSync(folder.path('next'));
    makeProgram('next/az');
    expect(find(`${folder.path()}:${folder.path('next')}`)).toBe(folder.path('next', 'az'));
  });

  test('prefers an .exe file on Windows to a batch file in an earlier folder', () => {
    const runtime = (path: string) => makeRuntime({ PATH: path }, { platform: 'win32' });
    for (const name of ['one', 'two']) mkdirSync(folder.path(name));
    makeProgram('one/az.cmd');
    makeProgram('one/az');
    expect(findExecutable(runtime(`${folder.path('one')}:${folder.path('two')}`), 'az')).toBe(
      folder.path('one', 'az.cmd'),
    );
    makeProgram('two/az.exe');
    expect(findExecutable(runtime(`${folder.path('one')}:${folder.path('two')}`), 'az')).toBe(
      folder.path('two', 'az.exe'),
    );
  });
});

describe('runChild', () => {
  const run = (
    script: string,
    { env = {}, ...options }: Partial<ChildOptions> & { readonly env?: Readonly<Record<string, string>> } = {},
  ) =>
    runChild(makeRuntime({ PATH: '/usr/bin:/bin', ...env }), {
      ...{ file: makeProgram('az', script), args: [], timeoutMs: PATIENCE_MS },
      ...options,
    });

  test('returns the output and the exit code', async () => {
    expect(await run('echo out; echo err >&2; exit 3')).toEqual({
      exitCode: 3,
      stdout: 'out\n',
      stderr: 'err\n',
      timedOut: false,
    });
  });

  test('passes the arguments unchanged', async () => {
    const args = ['account', 'get-access-token', '--resource', 'https://containerregistry.azure.net', 'a_b.c=d'];
    expect((await run('printf "%s\\n" "$@"', { args })).stdout).toBe(`${args.join('\n')}\n`);
  });

  test('gives the program an empty input where it is given none', async () => {
    expect((await run('cat; echo end')).stdout).toBe('end\n');
  });

  for (const input of ['', 'https://myregistry.azurecr.io', 'a\nb\0é\u{1F511}', 'x'.repeat(200_000)]) {
    test(`gives the program its input to the end: ${JSON.stringify(input).slice(0, 60)}`, async () => {
      const { stdout, stderr } = await run('cat; echo end >&2', { input });
      expect(stdout).toBe(input);
      expect(stderr).toBe('end\n');
    });
  }

  test('returns the exit code of a program that ends without reading its input', async () => {
    const result = await run('exec <&-; echo refused >&2; exit 4', { input: 'x'.repeat(1024 * 1024) });
    expect(result).toEqual({ exitCode: 4, stdout: '', stderr: 'refused\n', timedOut: false });
  });

  test('does not run the program in the working directory', async () => {
    mkdirSync(folder.path('project'));
    process.chdir(folder.path('project'));
    expect((await run('pwd')).stdout).not.toContain('project');
  });

  test('passes the environment without its secrets', async () => {
    const secrets = {
      AZURE_CLIENT_SECRET: 'hidden-1',
      AZURE_CLIENT_CERTIFICATE_PASSWORD: 'hidden-2',
      AZURE_PASSWORD: 'hidden-3',
      AZURE_FEDERATED_TOKEN: 'hidden-4',
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'hidden-5',
      SYSTEM_ACCESSTOKEN: 'hidden-6',
      IDENTITY_HEADER: 'hidden-7',
      MSI_SECRET: 'hidden-8',
    };
    const { stdout } = await run('env', { env: { ...secrets, HOME: '/home/someone', AZURE_TENANT_ID: 'the-tenant' } });
    expect(stdout).toContain('HOME=/home/someone');
    expect(stdout).toContain('AZURE_TENANT_ID=the-tenant');
    expect(stdout).not.toMatch(/hidden/);
  });

  test('does not pass a variable whose value is a known secret', async () => {
    const runtime = makeRuntime({ PATH: '/usr/bin:/bin', DEPLOY_SECRET: 'hidden-value' });
    runtime.secrets.add('hidden-value');
    const { stdout } = await runChild(runtime, { file: makeProgram('az', 'env'), args: [], timeoutMs: PATIENCE_MS });
    expect(stdout).not.toContain('hidden');
  });

  test('adds the variables of the call, which win over the environment', async () => {
    expect((await run('echo $QUIET', { env: { QUIET: 'no' } })).stdout).toBe('no\n');
    expect((await run('echo $QUIET', { env: { QUIET: 'no' }, variables: { QUIET: 'yes' } })).stdout).toBe('yes\n');
  });

  test('keeps at most 1 MiB of each output stream', async () => {
    const { exitCode, stdout, stderr } = await run('head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2; exit 0');
    expect(exitCode).toBe(0);
    for (const text of [stdout, stderr]) {
      expect(text.length).toBeGreaterThan(900_000);
      expect(text.length).toBeLessThanOrEqual(1024 * 1024);
    }
  });

  test('says that something of the output is missing', async () => {
    expect((await run('head -c 3000000 /dev/zero')).isOutputCut).toBe(true);
    expect((await run('head -c 3000 /dev/zero')).isOutputCut).toBeUndefined();
  });

  test('gives the program exactly the environment of the call, secrets included', async () => {
    const environment = { AZURE_CLIENT_SECRET: 'of-the-call', PATH: '/usr/bin:/bin' };
    const { stdout } = await run('env', { env: { HOME: '/home/someone' }, environment });
    expect(stdout).toContain('AZURE_CLIENT_SECRET=of-the-call\n');
    expect(stdout).not.toContain('HOME=');
  });

  test('replaces output bytes that are not UTF-8', async () => {
    expect((await run("printf '\\377\\000x'")).stdout).toBe('\uFFFD\0x');
  });

  test('returns when the program ends, even if a child process keeps its output open', async () => {
    const { exitCode, stdout, stderr, timedOut } = await run('sleep 60 & echo $! >&2; echo answer');
    process.kill(Number(stderr)); // or it would outlive the test
    expect({ exitCode, stdout, timedOut }).toEqual({ exitCode: 0, stdout: 'answer\n', timedOut: false });
  });

  test.each([
    ['holds its output', 'sleep 3 &', 200, true],
    ['does not hold it', 'sleep 3 >/dev/null 2>&1 &', 2_500, undefined],
    ['ends soon', 'sleep 0.05 &', 10_000, undefined],
  ])('says whether a child process that %s', async (_what, script, lastWordsMs, isHeld) => {
    expect((await run(script, { lastWordsMs })).isOutputHeld).toBe(isHeld);
  });

  test('returns no exit code for a program that was killed', async () => {
    expect(await run('kill -9 $$')).toMatchObject({ exitCode: undefined, timedOut: false });
  });

  test('rejects when the program cannot be started', async () => {
    await expect(run('', { file: folder.path('none') })).rejects.toThrow(/cannot be started \(.*ENOENT/);
    const broken = makeProgram('broken');
    writeFileSync(broken, '#!/there/is/no/shell\n');
    await expect(run('', { file: broken })).rejects.toThrow(/cannot be started/);
  });
});

describe('runChild passes unchanged, since no shell reads it, the argument', () => {
  const rows: readonly string[] = [
    '',
    ' ',
    'a b',
    'a;b',
    'a&b',
    'a|b',
    '$HOME',
    '$(id)',
    '`id`',
    '%PATH%',
    '^',
    '!x!',
    '"',
    "'",
    '\\',
    '<x',
    '>x',
    '(x)',
    '*',
    '?',
    '~',
    '#',
    'a\nb',
    'a\rb',
    'é',
    'a,b',
    '-x',
    '--',
    '@file',
    '{a}',
    '[a]',
  ];
  for (const arg of rows) {
    test(JSON.stringify(arg), async () => {
      const file = makeProgram('az', 'printf "%s|" "$@"');
      const { stdout } = await runChild(makeRuntime(), { file, args: ['account', arg], timeoutMs: PATIENCE_MS });
      expect(stdout).toBe(`account|${arg}|`);
    });
  }
});

describe('runChild refuses, before it runs anything,', () => {
  const rows: readonly (readonly [what: string, name: string, arg: string, platform: NodeJS.Platform, why: RegExp])[] =
    [
      ['an argument with a null character', 'az', 'a\0b', 'linux', /null bytes/],
      ['a path with a line end', 'a\nz', 'account', 'linux', /its path contains a control character/],
      ['a path with an escape sequence', 'a\u001B[2Jz', 'account', 'linux', /its path contains a control character/],
      [
        'an argument that a batch file could take for a command',
        'az.cmd',
        'a&b',
        'win32',
        /cannot be passed to a batch file safely/,
      ],
      [
        'a batch file whose path holds a variable',
        '%x%.cmd',
        'account',
        'win32',
        /its path contains characters that cmd/,
      ],
    ];
  for (const [what, name, arg, platform, why] of rows) {
    test(what, async () => {
      const marker = folder.path('it-ran');
      const file = makeProgram(name, `: > '${marker}'`);
      const runtime = makeRuntime({ SystemRoot: 'C:\\Windows' }, { platform });
      await expect(runChild(runtime, { file, args: [arg], timeoutMs: PATIENCE_MS })).rejects.toThrow(why);
      expect(existsSync(marker)).toBe(false);
    });
  }
});

test('runChild kills the program and its child processes after the timeout', async () => {
  // The process ids come on stderr first, since a killed program cannot report them.
  const script = 'sleep 300 & echo $! >&2; sleep 300 & echo $! >&2; echo $$ >&2; wait';
  const file = makeProgram('az', script);
  const result = await runChild(makeRuntime({ PATH: '/usr/bin:/bin' }), { file, args: [], timeoutMs: 300 });
  expect(result).toMatchObject({ exitCode: undefined, timedOut: true });
  const processIds = result.stderr.trim().split('\n').map(Number);
  expect(processIds).toHaveLength(3);
  await expect.poll(() => processIds.filter(isRunning), { timeout: 5_000 }).toEqual([]);
});

test('a run that is called off ends its program at once, with what that has started', async () => {
  const pidFile = folder.path('pid');
  const file = makeProgram('slow', `sleep 60 & echo $! > ${pidFile}; wait`);
  const controller = new AbortController();
  const running = runChild(makeRuntime({}, { signal: controller.signal }), { file, args: [], timeoutMs: PATIENCE_MS });
  while (!existsSync(pidFile) || readFileSync(pidFile, 'utf8') === '') await wait(5);
  controller.abort();
  expect(await running).toMatchObject({ exitCode: undefined, timedOut: true });
  const processId = Number(readFileSync(pidFile, 'utf8'));
  while (isRunning(processId)) await wait(5);
  const late = await runChild(makeRuntime({}, { signal: controller.signal }), {
    file,
    args: [],
    timeoutMs: PATIENCE_MS,
  });
  expect(late.timedOut).toBe(true);
});
