/** How a program is started on Windows, as far as that can be told without one. */
import { win32 } from 'node:path';
import { describe, expect, test } from 'vitest';
import { listExecutableFiles } from '../../../src/system/child-process.ts';
import { findSystemFolder, prepareWindowsLaunch } from '../../../src/system/windows-launch.ts';
import { makeRuntime } from '../runtime.ts';

const AZ = 'C:\\Program Files (x86)\\Microsoft SDKs\\Azure\\CLI2\\wbin\\az.cmd';
const SYSTEM = 'C:\\Windows';

const windows = (env: Readonly<Record<string, string>>) => makeRuntime(env, { platform: 'win32' });
const launch = (
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = { SystemRoot: SYSTEM },
) => prepareWindowsLaunch(windows(env), file, args, env);

describe('a batch file', () => {
  test('is read by the interpreter of the system, quoted so that nothing of it is a command', () => {
    const args = ['account', 'get-access-token', '--resource', 'https://containerregistry.azure.net'];
    expect(launch(AZ, args)).toEqual({
      file: 'C:\\Windows\\System32\\cmd.exe',
      args: ['/d', '/s', '/v:off', '/c', `""${AZ}" ${args.join(' ')}"`],
      cwd: SYSTEM,
      env: { SystemRoot: SYSTEM, ComSpec: 'C:\\Windows\\System32\\cmd.exe' },
      isVerbatim: true,
    });
  });

  test.each(['C:\\tools\\az.CMD', 'C:\\tools\\az.bat', '\\\\server\\share\\az.cmd'])('is also %s', (file) => {
    expect(launch(file, []).args.at(-1)).toBe(`""${file}""`);
  });

  test.each([
    ['a b', '"a b"'],
    ['--name=value', '"--name=value"'],
    ['a;b,c', '"a;b,c"'],
    ["it's", '"it\'s"'],
    ['é', '"é"'],
    ['', '""'],
    ['C:\\folder\\file', 'C:\\folder\\file'],
    ['C:\\folder\\', 'C:\\folder\\'],
  ])('is given %j as %s', (arg, quoted) => {
    expect(launch(AZ, [arg]).args.at(-1)).toBe(`""${AZ}" ${quoted}"`);
  });

  test.each([
    '%PATH%',
    '!x!',
    '^',
    'a&b',
    'a|b',
    'a<b',
    'a>b',
    '(a',
    'a)',
    '"',
    'a" & calc "',
    'a\nb',
    'a\rb',
    'a\0b',
    'a\tb',
    'a\u007Fb',
    'a b\\',
  ])('is never given %j', (arg) => {
    expect(() => launch(AZ, ['account', arg])).toThrow('a batch file cannot be given one of its arguments safely');
  });

  test.each(['C:\\%TEMP%\\az.cmd', 'C:\\a!b!\\az.cmd', 'C:\\a"b\\az.cmd', 'C:\\a\nb\\az.cmd', 'C:\\a\0b\\az.cmd'])(
    'is not started from %j',
    (file) => {
      expect(() => launch(file, [])).toThrow('its path has characters');
    },
  );
});

describe('an executable', () => {
  test.each(['C:\\tools\\azd.exe', 'C:\\tools\\pwsh.com'])('%s is started itself, with any argument', (file) => {
    const args = ['-Command', 'if ($x) { "%y%" } | a & b'];
    expect(launch(file, args)).toMatchObject({ file, args, cwd: SYSTEM, isVerbatim: false });
  });
});

describe('the folder of the system', () => {
  test.each([
    ['C:\\Windows', 'C:\\Windows'],
    ['c:\\WINDOWS\\', 'c:\\WINDOWS'],
    ['D:/Win', 'D:\\Win'],
    ['C:\\Windows\\.', 'C:\\Windows'],
  ])('of SystemRoot=%s is %s', (named, folder) => {
    expect(findSystemFolder(windows({ SystemRoot: named }))).toBe(folder);
  });

  test.each(['SYSTEMROOT', 'systemroot', 'SystemRoot'])('is named by %s, since case means nothing', (name) => {
    expect(findSystemFolder(windows({ [name]: SYSTEM }))).toBe(SYSTEM);
  });

  test.each([
    'Windows',
    '.',
    '\\Windows',
    'C:',
    'C:Windows',
    '\\\\server\\share\\Windows',
    '//server/share',
    '\\\\?\\C:\\Windows',
    'C:\\%TEMP%',
    'C:\\Win"dows',
    'C:\\Win\ndows',
    'C:\\a|b',
    '/usr',
  ])('is not %j, which anybody may have planted', (named) => {
    expect(() => findSystemFolder(windows({ SystemRoot: named }))).toThrow('SystemRoot is not a folder on a local');
    expect(() => launch(AZ, [], { SystemRoot: named })).toThrow();
    expect(() => launch('C:\\az.exe', [], { SystemRoot: named })).toThrow();
  });

  test('is not guessed', () => {
    expect(() => findSystemFolder(windows({}))).toThrow('SystemRoot is not set');
    expect(() => findSystemFolder(windows({ SystemRoot: '' }))).toThrow('SystemRoot is not set');
  });
});

test('the program gets the interpreter of the system, whatever ComSpec said and however it was written', () => {
  for (const name of ['ComSpec', 'COMSPEC', 'comspec']) {
    const { env, file } = launch(AZ, [], { systemRoot: SYSTEM, [name]: 'C:\\project\\evil.exe', Path: 'C:\\x' });
    expect(env).toEqual({ Path: 'C:\\x', SystemRoot: SYSTEM, ComSpec: 'C:\\Windows\\System32\\cmd.exe' });
    expect(file).toBe('C:\\Windows\\System32\\cmd.exe');
  }
});

describe('PATH', () => {
  const list = (path: string) => listExecutableFiles(windows({ PATH: path }), 'az', win32);

  test('is searched for an executable in all its folders before a batch file in any', () => {
    expect(list('C:\\one;D:\\two')).toEqual([
      'C:\\one\\az.exe',
      'D:\\two\\az.exe',
      'C:\\one\\az.com',
      'D:\\two\\az.com',
      'C:\\one\\az.cmd',
      'D:\\two\\az.cmd',
      'C:\\one\\az.bat',
      'D:\\two\\az.bat',
    ]);
  });

  test.each(['"C:\\one"', ' C:\\one ', 'C:/one', 'C:\\one;C:\\one', ';C:\\one;;'])('%j has one folder', (path) => {
    expect(list(path)).toHaveLength(4);
    expect(list(path)[0]).toBe('C:\\one\\az.exe');
  });

  test.each(['', '.', '..', 'bin', '.\\bin', 'C:', 'C:bin', '\\bin', '/bin', '~', '"bin"', 'C:\\a\nb', 'C:\\a\0b'])(
    '%j has no folder, since that would depend on the working directory',
    (path) => {
      expect(list(path)).toEqual([]);
    },
  );
});
