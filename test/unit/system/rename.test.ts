/** Replacing a file that somebody else has open. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { renameOver } from '../../../src/system/rename.ts';
import { useTemporaryFolder } from '../temporary-folder.ts';

const folder = useTemporaryFolder();

/** A system that refuses some times with a code. */
function refuse(platform: NodeJS.Platform, code: string, times: number) {
  const calls: string[] = [];
  const rename = (from: string, to: string) => {
    calls.push(`${from} > ${to}`);
    if (calls.length <= times) throw Object.assign(new Error(`${code}: refused`), { code });
  };
  return { calls, system: { platform, rename } };
}

test('replaces a file', () => {
  writeFileSync(folder.path('new'), 'new');
  writeFileSync(folder.path('old'), 'old');
  renameOver(folder.path('new'), folder.path('old'));
  expect(readFileSync(folder.path('old'), 'utf8')).toBe('new');
  expect(existsSync(folder.path('new'))).toBe(false);
});

describe('on Windows', () => {
  test.each(['EPERM', 'EACCES', 'EBUSY'])('waits while the file is in use (%s)', (code) => {
    const { calls, system } = refuse('win32', code, 2);
    renameOver('a', 'b', system);
    expect(calls).toEqual(['a > b', 'a > b', 'a > b']);
  });

  test('gives up after a third of a second, with the error of the system', () => {
    const { calls, system } = refuse('win32', 'EPERM', 100);
    const startedAt = performance.now();
    expect(() => renameOver('a', 'b', system)).toThrow('EPERM: refused');
    expect(performance.now() - startedAt).toBeGreaterThan(300);
    expect(calls).toHaveLength(7);
  });

  test('does not repeat what cannot succeed', () => {
    const { calls, system } = refuse('win32', 'ENOENT', 1);
    expect(() => renameOver('a', 'b', system)).toThrow('ENOENT');
    expect(calls).toHaveLength(1);
  });
});

test.each(['linux', 'darwin'] as const)('does not wait on %s, where an open file can be replaced', (platform) => {
  const { calls, system } = refuse(platform, 'EPERM', 1);
  expect(() => renameOver('a', 'b', system)).toThrow('EPERM');
  expect(calls).toHaveLength(1);
});

test('fails at once where the file is gone', () => {
  const gone = { platform: 'win32', rename: renameSync } as const;
  expect(() => renameOver(folder.path('gone'), folder.path('old'), gone)).toThrow('ENOENT');
});
