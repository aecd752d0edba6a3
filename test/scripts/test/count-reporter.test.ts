/** The count of runs that vitest's own summary would let pass for better than they are. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readTextFile, runCommand } from '../../../scripts/parts/command.ts';
import { parseCount } from '../../../scripts/test/count.ts';

const ROOT = join(import.meta.dirname, '../../..');
const IMPORTS = "import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'count-'));
  mkdirSync(join(folder, 'tests'));
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  const reporter = JSON.stringify(join(ROOT, 'scripts/test/count-reporter.ts'));
  const options = `{ reporters: [new CountReporter(${JSON.stringify(join(folder, 'count.json'))})] }`;
  writeFileSync(
    join(folder, 'vitest.config.ts'),
    `import { CountReporter } from ${reporter};\nexport default { test: ${options} };\n`,
  );
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Runs vitest on a file of this text. */
async function count(text: string) {
  writeFileSync(join(folder, 'tests', 'a.test.ts'), `${IMPORTS}\n${text}\n`);
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
  // It writes neither into the project's node_modules, as the run around it does, nor into a home.
  const args = [vitest, 'run', '--root', folder, '--configLoader', 'runner', '--no-cache'];
  await runCommand(process.execPath, args, { PATH: process.env['PATH'], HOME: folder });
  return parseCount(readTextFile(join(folder, 'count.json')) ?? '');
}

describe('a run is counted', () => {
  it.each([
    ['tests that pass and fail', "it('a', () => {}); it('b', () => expect(1).toBe(2));", 1, 1, []],
    [
      'tests that are skipped, with the reason where there is one',
      "it.skip('a', () => {}); it.todo('b'); describe('c', () => { it('d', ({ skip }) => skip('why')); });",
      0,
      0,
      ['a', 'b', 'c > d (why)'],
    ],
    [
      'tests that a hook skips, with its reason',
      "beforeEach(({ skip }) => skip('not installed: x')); it('a', () => { throw new Error(); });",
      0,
      0,
      ['a (not installed: x)'],
    ],
    [
      'tests that never ran because a hook failed, as failures',
      "it('a', () => {}); describe('b', () => { beforeAll(() => { throw new Error(); }); it('c', () => {}); it.skip('d', () => {}); });",
      1,
      1,
      ['b > d'],
    ],
    [
      'a hook that fails after tests that pass, as a failure',
      "afterAll(() => { throw new Error(); }); it('a', () => {});",
      1,
      1,
      [],
    ],
    ['a file that cannot be loaded, as a failure', "import './none.ts'; it('a', () => {});", 0, 1, []],
    ['an error outside of every test, as a failure', "it('a', () => { Promise.reject(new Error()); });", 1, 1, []],
    // Both tests, and the process that ended.
    [
      'tests whose process ends, as failures',
      "it('a', () => process.kill(process.pid, 'SIGKILL')); it('b', () => {});",
      0,
      3,
      [],
    ],
  ])(
    'with %s',
    async (_what, text, passed, failed, skipped) => {
      expect(await count(text)).toEqual({ passed, failed, skipped });
    },
    30_000,
  );
});

describe('a count is read', () => {
  it.each([
    '',
    '{',
    'null',
    '[]',
    '{"passed":1}',
    '{"passed":1,"failed":0,"skipped":null}',
    '{"passed":"1","failed":0,"skipped":[]}',
  ])('not from %j', (text) => {
    expect(parseCount(text)).toBeUndefined();
  });
});
