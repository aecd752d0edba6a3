/** The workflows of a release: what two linters say, what they are allowed, and that what they run is there. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { TARGETS } from '../../scripts/build/target.ts';
import { ACTIONLINT_PROGRAM } from '../../scripts/parts/actionlint.ts';
import { isExecutable, runCommand } from '../../scripts/parts/command.ts';
import { ZIZMOR_PROGRAM } from '../../scripts/parts/zizmor.ts';
import { asJsonObject, asText } from '../../src/json.ts';
import { JOBS, listObjects, STEPS, WORKFLOW_FOLDER, WORKFLOWS } from './world/workflows.ts';

const ROOT = join(import.meta.dirname, '../..');
const SCRIPTS = STEPS.flatMap(({ step }) => asText(step['run']) ?? []);

const world = mkdtempSync(join(tmpdir(), 'acr-workflow-'));
afterAll(() => rmSync(world, { recursive: true, force: true }));

/** Writes release.yml with a change, and returns its path. */
function writeChanged(change: (text: string) => string): string {
  const { text = '' } = WORKFLOWS.find(({ file }) => file === 'release.yml') ?? {};
  expect(change(text)).not.toBe(text);
  const folder = mkdtempSync(join(world, 'changed-'));
  mkdirSync(join(folder, '.github/workflows'), { recursive: true });
  const path = join(folder, '.github/workflows/release.yml');
  writeFileSync(path, change(text));
  return path;
}

describe.skipIf(!isExecutable(ZIZMOR_PROGRAM))('zizmor', () => {
  const run = (path: string) =>
    runCommand(ZIZMOR_PROGRAM, ['--offline', '--pedantic', '--no-progress', '--color=never', '--quiet', path]);

  test('finds nothing', async () => {
    expect(await run(WORKFLOW_FOLDER)).toMatchObject({
      exitCode: 0,
      output: expect.stringContaining('No findings to report'),
    });
  });

  test.each([
    ['an action by its tag', (text: string) => text.replace(/@[0-9a-f]{40} # /, '@'), 'unpinned-uses'],
    [
      'a template in a script',
      (text: string) => text.replace('npm ci\n', 'npm ci \u0024{{ github.ref }}\n'),
      'template-inj',
    ],
    ['a token that stays', (text: string) => text.replace('persist-credentials: false', ''), 'artipacked'],
    ['every permission', (text: string) => text.replace('permissions: {}', 'permissions: write-all'), 'excessive-perm'],
    ['an image by its tag', (text: string) => text.replace(/@sha256:\w+/, ''), 'unpinned-images'],
  ])('would find %s', async (_, change, rule) => {
    const { exitCode, output } = await run(writeChanged(change));
    expect({ exitCode: exitCode > 0, output }).toEqual({ exitCode: true, output: expect.stringContaining(rule) });
  });
});

describe.skipIf(!isExecutable(ACTIONLINT_PROGRAM))('actionlint', () => {
  // shellcheck and pyflakes would make the result depend on the machine.
  const run = (paths: readonly string[]) =>
    runCommand(ACTIONLINT_PROGRAM, ['-no-color', '-oneline', '-shellcheck=', '-pyflakes=', ...paths]);

  test('finds nothing', async () => {
    expect(await run(WORKFLOWS.map(({ file }) => join(WORKFLOW_FOLDER, file)))).toEqual({ exitCode: 0, output: '' });
  });

  test.each([
    ['a job that waits for none', (text: string) => text.replace('needs: smoke', 'needs: smok'), 'smok'],
    ['an unknown runner', (text: string) => text.replace('windows-11-arm', 'windows-12-arm'), 'windows-12-arm'],
    ['an output that no step has', (text: string) => text.replace('steps.notes', 'steps.note'), 'note'],
  ])('would find %s', async (_, change, name) => {
    const { exitCode, output } = await run([writeChanged(change)]);
    expect({ exitCode, output }).toEqual({ exitCode: 1, output: expect.stringContaining(`"${name}"`) });
  });
});

describe('what the workflows may do', () => {
  test('nothing at the top, and in a job only what it says', () => {
    expect(WORKFLOWS.map(({ content }) => content['permissions'])).toEqual(WORKFLOWS.map(() => ({})));
    const writers = JOBS.map(({ name, job }) => {
      const permissions = asJsonObject(job['permissions']);
      if (permissions === undefined) throw new Error(`${name} has no permissions`);
      const written = Object.keys(permissions).filter((key) => permissions[key] !== 'read');
      return `${name}: ${written.join(', ')}`;
    }).filter((line) => !line.endsWith(': '));
    expect(writers).toEqual([
      'publish.yml npm: id-token',
      'release.yml attest: id-token, attestations',
      'release.yml attest-contents: id-token, attestations',
      'release.yml draft: contents',
    ]);
  });

  test('keys are only where they sign, in an environment that a person approves', () => {
    const users = STEPS.filter(({ step }) => JSON.stringify(step).includes('secrets.'));
    expect(users.map(({ name, step }) => `${name}: ${step['name']}`)).toEqual([
      'release.yml sign: Sign with the keys that there are',
    ]);
    expect(JOBS.find(({ name }) => name === 'release.yml sign')?.job['environment']).toBe('release');
    for (const { file, text } of WORKFLOWS)
      expect(text.match(/secrets\./g)?.length ?? 0, file).toBe(file === 'release.yml' ? 4 : 0);
  });

  test.each(JOBS)('$name ends by itself', ({ job }) => {
    expect(job['timeout-minutes']).toBeLessThanOrEqual(60);
  });

  test('an action has one commit everywhere, and the comment has its version', () => {
    const uses = WORKFLOWS.flatMap(({ text }) => [...text.matchAll(/uses: (.+)/g)].map(([, line = '']) => line));
    expect(uses.length).toBeGreaterThan(10);
    for (const line of uses) expect(line).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
    const actions = new Set(uses.map((line) => line.split('@')[0]));
    expect(new Set(uses).size).toBe(actions.size);
  });

  test('nothing comes from a cache, and no token stays in a checkout', () => {
    for (const { step } of STEPS) {
      const uses = asText(step['uses']) ?? '';
      const settings = asJsonObject(step['with']);
      expect(uses).not.toContain('actions/cache');
      if (uses.startsWith('actions/checkout@')) expect(settings?.['persist-credentials']).toBe(false);
      if (uses.startsWith('actions/setup-node@')) {
        expect(settings).toMatchObject({
          'node-version': manifest.devDependencies.node,
          'package-manager-cache': false,
        });
      }
    }
  });
});

describe('what the workflows run', () => {
  test('is there', () => {
    const text = SCRIPTS.join('\n');
    const files = [...text.matchAll(/\b(?:node|sh) (scripts\/\S+)/g)].map(([, file = '']) => file);
    expect(files.sort()).toEqual(['scripts/release-notes.ts', 'scripts/release/smoke.sh', 'scripts/sign.ts']);
    for (const file of files) expect(existsSync(join(ROOT, file)), file).toBe(true);
    const names = [...text.matchAll(/npm run (\w+)(?: -- (--\w+))?/g)].map(([, ...words]) => words.join(' '));
    expect(names).toEqual(['release --output']);
    expect(manifest.scripts.release).toBe('node scripts/release.ts');
    expect(readFileSync(join(ROOT, 'scripts/release.ts'), 'utf8')).toContain('output: {');
  });

  test('has a library that Node needs and images of Debian lack', () => {
    const inContainers = JOBS.filter(({ job, steps }) => {
      return (
        job['container'] !== undefined && steps.some(({ uses }) => asText(uses)?.startsWith('actions/setup-node@'))
      );
    });
    expect(inContainers.map(({ name }) => name)).toEqual(['release.yml build']);
    for (const { steps } of inContainers) expect(asText(steps[0]?.['run'])).toMatch(/apt-get install .*\blibatomic1\b/);
  });

  test('is valid in bash', async () => {
    for (const script of SCRIPTS) {
      expect(await runCommand('bash', ['-n', '-c', script])).toEqual({ exitCode: 0, output: '' });
    }
  });

  test('tries and describes every target', () => {
    const targets = TARGETS.map(({ name }) => name).sort();
    const listed = (job: string, key: string) =>
      asJsonObject(asJsonObject(JOBS.find(({ name }) => name === `release.yml ${job}`)?.job['strategy'])?.['matrix'])?.[
        key
      ];
    expect(
      listObjects(listed('smoke', 'include'))
        .map(({ target }) => target)
        .sort(),
    ).toEqual(targets);
    const described: unknown = listed('attest-contents', 'target');
    expect(Array.isArray(described) ? described.toSorted() : described).toEqual(targets);
  });
});
