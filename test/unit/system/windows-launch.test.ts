/** How a program is started on Windows, as far as another system can tell. */
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
  test('is run by the interpreter of the system, quoted so that no part of it is a command', () => {
    const args = ['account', 'get-access-token', '--resource', 'https://containerregistry.azure.net'];
    expect(launch(AZ, args)).toEqual({
      file: 'C:\\Windows\\System32\\cmd.exe',
      args: ['/d', '/s', '/v:off', '/c', `""${AZ}" ${args.join(' ')}"`],
      cwd: SYSTEM,
      env: { SystemRoot: SYSTEM, ComSpec: 'C:\\Windows\\System32\\cmd.exe' },
      isVerbatim: true,
    });
  });

  test.each(['C:\\tools\\az.CMD', 'C:\\tools\\az.bat', '\\\\server\\share\\az.cmd'])('may be %s', (file) => {
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
  ])('gets the argument %j as %s', (arg, quoted) => {
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
  ])('never gets the argument %j', (arg) => {
    expect(() => launch(AZ, ['account', arg])).toThrow('one of its arguments cannot be passed to a batch file safely');
  });

  test.each(['C:\\%TEMP%\\az.cmd', 'C:\\a!b!\\az.cmd', 'C:\\a"b\\az.cmd', 'C:\\a\nb\\az.cmd', 'C:\\a\0b\\az.cmd'])(
    'is not started from the path %j',
    (file) => {
      expect(() => launch(file, [])).toThrow('its path contains characters that cmd.exe interprets');
    },
  );
});

describe('an executable', () => {
  test.each(['C:\\tools\\azd.exe', 'C:\\tools\\pwsh.com'])('such as %s starts directly, with any argument', (file) => {
    const args = ['-Command', 'if ($x) { "%y%" } | a & b'];
    expect(launch(file, args)).toMatchObject({ file, args, cwd: SYSTEM, isVerbatim: false });
  });
});

describe('findSystemFolder', () => {
  test.each([
    ['C:\\Windows', 'C:\\Windows'],
    ['c:\\WINDOWS\\', 'c:\\WINDOWS'],
    ['D:/Win', 'D:\\Win'],
    ['C:\\Windows\\.', 'C:\\Windows'],
  ])('reads SystemRoot=%s as %s', (named, folder) => {
    expect(findSystemFolder(windows({ SystemRoot: named }))).toBe(folder);
  });

  test.each(['SYSTEMROOT', 'systemroot', 'SystemRoot'])('reads %s, as case does not matter', (name) => {
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
  ])('rejects %j, which anybody may have planted', (named) => {
    const error = new Error('SystemRoot is not a folder on a local drive');
    expect(() => findSystemFolder(windows({ SystemRoot: named }))).toThrow(error);
    expect(() => launch(AZ, [], { SystemRoot: named })).toThrow(error);
    expect(() => launch('C:\\az.exe', [], { SystemRoot: named })).toThrow(error);
  });

  test('rejects a missing or empty SystemRoot', () => {
    expect(() => findSystemFolder(windows({}))).toThrow('SystemRoot is not set');
    expect(() => findSystemFolder(windows({ SystemRoot: '' }))).toThrow('SystemRoot is not set');
  });
});

test('prepareWindowsLaunch sets ComSpec to the interpreter of the system, whatever it was', () => {
  for (const name of ['ComSpec', 'COMSPEC', 'comspec']) {
    const { env, file } = launch(AZ, [], { systemRoot: SYSTEM, [name]: 'C:\\project\\evil.exe', Path: 'C:\\x' });
    expect(env).toEqual({ Path: 'C:\\x', SystemRoot: SYSTEM, ComSpec: 'C:\\Windows\\System32\\cmd.exe' });
    expect(file).toBe('C:\\Windows\\System32\\cmd.exe');
  }
});

describe('listExecutableFiles', () => {
  const list = (path: string) => listExecutableFiles(windows({ PATH: path }), 'az', win32);

  test('lists executables in every folder of PATH before batch files in any', () => {
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

  test.each(['"C:\\one"', ' C:\\one ', 'C:/one', 'C:\\one;C:\\one', ';C:\\one;;'])('uses one folder: %j', (path) => {
    expect(list(path)).toHaveLength(4);
    expect(list(path)[0]).toBe('C:\\one\\az.exe');
  });

  test.each(['', '.', '..', 'bin', '.\\bin', 'C:', 'C:bin', '\\bin', '/bin', '~', '"bin"', 'C:\\a\nb', 'C:\\a\0b'])(
    'uses no folder of PATH %j, which is empty, relative or invalid',
    (path) => {
      expect(list(path)).toEqual([]);
    },
  );
});
