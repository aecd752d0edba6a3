import { describe, expect, test } from 'vitest';
import { formatDiff } from '../../../../src/commands/clients/config-diff.ts';
import type { FileEdit } from '../../../../src/commands/clients/edit-files.ts';
import { createQuote } from '../../../../src/redact.ts';
import { makeRuntime } from '../../runtime.ts';

const quote = createQuote(makeRuntime());

describe('a difference', () => {
  const edit = (before: string | undefined, after: string | undefined): FileEdit => ({
    ...{ file: '/c.json', clients: ['docker'], before, after, added: [], replaced: [], refused: [] },
    ...{ removed: [], restored: [], clearedAuths: [], problem: undefined },
  });
  const plain = (_format: unknown, text: string) => text;

  test('is a unified one', () => {
    expect(
      formatDiff(edit('{\n "a": "secret"\n}\n', '{\n "a": "secret",\n "credHelpers": {}\n}\n'), plain, quote),
    ).toBe('--- /c.json\n+++ /c.json\n@@ -1,3 +1,4 @@\n {\n- "a": "***"\n+ "a": "***",\n+ "credHelpers": {}\n }\n');
  });

  test('of a new or a removed file names no file on the other side', () => {
    expect(formatDiff(edit(undefined, '{}'), plain, quote)).toContain('--- /dev/null\n+++ /c.json\n');
    expect(formatDiff(edit('{}', undefined), plain, quote)).toContain('--- /c.json\n+++ /dev/null\n');
    expect(formatDiff(edit('{}', '{}'), plain, quote)).toBe('');
  });

  test('of a long line shows what changes in it', () => {
    const auths = (count: number) =>
      `"auths":{${Array.from({ length: count }, (_, index) => `"r${index}.example.com":{"auth":"c2VjcmV0"}`).join(',')}}`;
    const added = formatDiff(edit(`{${auths(50)}}`, `{${auths(50)},"credHelpers":{"a":"b"}}`), plain, quote);
    expect(added).toMatch(/^-….*"\*\*\*"\}\}\}$/m);
    expect(added).toMatch(/^\+….*"\*\*\*"\}\},"credHelpers":\{"a":"b"\}\}$/m);
    const removed = formatDiff(edit(`{${auths(50)},"n":[]}`, '{"auths":{},"n":[]}'), plain, quote);
    expect(removed).toMatch(/^-\{"auths":\{"r0\.example.*….*"r49\.example.com":\{"auth":"\*\*\*"\}\},"n":\[\]\}$/m);
    expect(removed).toMatch(/^\+\{"auths":\{\},"n":\[\]\}$/m);
    const isolated = formatDiff(edit(`{\n${auths(50)}\n}`, undefined), plain, quote);
    expect(isolated).toMatch(/^-"auths":\{"r0\..*….*"r49\./m);
    for (const shown of [added, removed, isolated]) {
      expect(shown).not.toContain('c2VjcmV0');
      expect(Math.max(...shown.split('\n').map(({ length }) => length))).toBeLessThan(300);
    }
  });

  test('has no control characters and no secrets in it', () => {
    const text = (more: string) => `{"\u009B2J\u202E":{"auth":"c2VjcmV0"},"n":12345${more}}`;
    const shown = formatDiff(edit(text(''), text(',"credHelpers":{"a":"b"}')), plain, quote);
    expect(shown).not.toMatch(/[\u009B\u202E]|c2VjcmV0|12345/);
    expect(shown).toContain('"credHelpers":{"a":"b"}');
  });
});
