/** The action for GitHub and the template for Azure Pipelines: what linters say, and what their scripts do. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, type TestContext, test } from 'vitest';
import { parse } from 'yaml';
import manifest from '../../package.json' with { type: 'json' };
import { ACTIONLINT_PROGRAM } from '../../scripts/parts/actionlint.ts';
import { isExecutable, runCommand } from '../../scripts/parts/command.ts';
import { ZIZMOR_PROGRAM } from '../../scripts/parts/zizmor.ts';
import { releaseUrl } from '../../scripts/release/project.ts';
import { asJsonObject, asText, type JsonObject } from '../../src/json.ts';
import { needParts, partOf } from '../e2e/world/parts.ts';
import type { RunResult } from '../e2e/world/process.ts';
import { loadSchema } from '../scripts/release/published-schema.ts';
import {
  canMakeReleases,
  createInstallPlace,
  createReleaseFolder,
  type InstallPlace,
  makeShellRelease,
  type ShellRelease,
} from './world/install-place.ts';

const ROOT = join(import.meta.dirname, '../..');
const CI = join(ROOT, 'scripts/ci');
const ACTION_TEXT = readFileSync(join(CI, 'github/action.yml'), 'utf8');
const TEMPLATE_TEXT = readFileSync(join(CI, 'azure-pipelines/install.yml'), 'utf8');
const ACTION = asJsonObject(parse(ACTION_TEXT)) ?? {};
const TEMPLATE = asJsonObject(parse(TEMPLATE_TEXT)) ?? {};

const releases = createReleaseFolder();
let release: ShellRelease;
let windows: ShellRelease;
beforeAll(async () => {
  if (!canMakeReleases()) return;
  const { version } = manifest;
  release = await makeShellRelease(releases.below('release'), { version });
  windows = await makeShellRelease(releases.below('windows'), { version, target: 'windows-x64' });
});
afterAll(() => releases.remove());

/** The only step of the two, which both end up in Bash. */
function stepOf(steps: unknown): JsonObject {
  const list: readonly unknown[] = Array.isArray(steps) ? steps : [];
  expect(list).toHaveLength(1);
  return asJsonObject(list[0]) ?? {};
}
const actionStep = () => stepOf(asJsonObject(ACTION['runs'])?.['steps']);
const templateStep = () => stepOf(TEMPLATE['steps']);

interface JobRun extends RunResult {
  /** What the runner adds to the PATH of the following steps. */
  readonly path: string;
  readonly outputs: string;
}

interface Ci {
  readonly name: string;
  /** Runs the script with these inputs, as its runner does. */
  readonly run: (place: InstallPlace, inputs: Readonly<Record<string, string>>, system?: 'Windows') => Promise<JobRun>;
}

const CIS: readonly Ci[] = [
  {
    name: 'the action',
    run: async (place, inputs, system) => {
      const [pathFile, outputFile] = ['path', 'output'].map((name) => join(place.folder, 'home', name));
      const environment = {
        REGISTRIES: '',
        VERSION: '',
        FROM: '',
        ...inputs,
        GITHUB_ACTION_PATH: join(CI, 'github'),
        RUNNER_OS: system ?? 'Linux',
        RUNNER_TEMP: join(place.folder, 'tmp'),
        GITHUB_PATH: pathFile ?? '',
        GITHUB_OUTPUT: outputFile ?? '',
      };
      for (const file of [pathFile, outputFile]) writeFileSync(file ?? '', '');
      const script = `${asText(actionStep()['run'])}`;
      const result = await place.run(writeScript(place, script), [], { shell: GITHUB_SHELL, environment });
      const [path = '', outputs = ''] = [pathFile, outputFile].map((file) => readFileSync(file ?? '', 'utf8'));
      return { ...result, path: path.trimEnd(), outputs };
    },
  },
  {
    name: 'the template',
    run: async (place, inputs, system) => {
      const environment = {
        REGISTRIES: '',
        VERSION: manifest.version,
        FROM: '',
        ...inputs,
        AGENT_OS: system === undefined ? 'Linux' : 'Windows_NT',
        AGENT_TEMPDIRECTORY: join(place.folder, 'tmp'),
      };
      const script = `${asText(templateStep()['bash'])}`;
      const shell = ['bash', '--noprofile', '--norc'];
      const result = await place.run(writeScript(place, script), [], { shell, environment });
      return { ...result, path: /^##vso\[task\.prependpath\](.*)$/m.exec(result.stdout)?.[1] ?? '', outputs: '' };
    },
  },
];
/** What the runner replaces. */
const expression = (text: string) => `\${{ ${text} }}`;

/** How a runner starts Bash. */
const GITHUB_SHELL = ['bash', '--noprofile', '--norc', '-e', '-o', 'pipefail'];

function writeScript(place: InstallPlace, script: string): string {
  const path = join(place.folder, 'home/step.sh');
  writeFileSync(path, script);
  return path;
}

const createRunner = (context: TestContext, ...tools: readonly string[]) =>
  createInstallPlace(context, 'bash', 'sed', ...tools);

describe.each(CIS)('$name', ({ run }) => {
  test('installs the version that it belongs to, and configures the registries', async (context) => {
    const place = createRunner(context);
    const { exitCode, stdout, stderr, path } = await run(place, {
      FROM: release.folder,
      REGISTRIES: ' one.azurecr.io\ntwo.azurecr.io ',
    });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toContain('called: configure one.azurecr.io two.azurecr.io --yes\n');
    expect(path).toBe(join(place.folder, 'tmp/docker-credential-acr'));
    expect(readFileSync(join(path, 'docker-credential-acr'), 'utf8')).toContain(`v${manifest.version}`);
  });

  test('configures nothing without registries', async (context) => {
    const { exitCode, stdout } = await run(createRunner(context), { FROM: release.folder });
    expect(exitCode).toBe(0);
    expect(stdout).not.toContain('called:');
  });

  test('on Windows, hands paths of Windows on', async (context) => {
    const place = createRunner(context, 'unzip');
    place.addStandIn('uname', '[ "$1" = -s ] && echo MINGW64_NT-10.0-26100 || echo x86_64');
    place.addStandIn('cygpath', '[ "$1" = -w ] && echo "W:$2" || echo "$2"');
    const { exitCode, stderr, path, outputs } = await run(place, { FROM: windows.folder }, 'Windows');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(path).toBe(`W:${join(place.folder, 'tmp/docker-credential-acr')}`);
    if (outputs !== '') expect(outputs).toContain(`path=${path}/docker-credential-acr.exe\n`);
  });

  test('downloads from the release by default, by https only', async (context) => {
    const place = createRunner(context);
    place.addStandIn('curl', 'echo "curl $*"; exit 22');
    const { exitCode, stdout, path } = await run(place, { VERSION: 'v0.0.9' });
    expect(exitCode).toBe(22);
    expect(stdout).toMatch(/^curl -fsSL --proto =https --tlsv1\.2 .*\/install\.sh\n$/);
    expect(stdout).toContain(` ${releaseUrl('0.0.9')}/install.sh\n`);
    expect(path).toBe('');
  });

  test.for(['$(touch hacked)', '`touch hacked`', '--uninstall', '*'])(
    'refuses %s as a registry',
    async (registry, context) => {
      const place = createRunner(context);
      const { exitCode, stderr, path } = await run(place, { FROM: release.folder, REGISTRIES: registry });
      expect({ exitCode, path }).toEqual({ exitCode: 2, path: '' });
      expect(stderr).toContain('is not a registry\n');
      expect(place.list().filter((line) => line.includes('hacked'))).toEqual([]);
    },
  );

  test('refuses a version that is none', async (context) => {
    const { exitCode, outputs } = await run(createRunner(context), { FROM: release.folder, VERSION: '1\npath=evil' });
    expect({ exitCode, outputs }).toEqual({ exitCode: 2, outputs: '' });
  });
});

describe('the action', () => {
  test('tells the version and the path', async (context) => {
    const place = createRunner(context);
    const outputs = (await CIS[0]?.run(place, { FROM: release.folder, VERSION: `v${manifest.version}` }))?.outputs;
    expect(outputs).toBe(
      `version=${manifest.version}\npath=${join(place.folder, 'tmp/docker-credential-acr/docker-credential-acr')}\n`,
    );
    expect(Object.keys(asJsonObject(ACTION['outputs']) ?? {})).toEqual(['version', 'path']);
  });

  test('hands its inputs over in variables, and repeats none in a script', () => {
    const { run, env, shell } = actionStep();
    expect(shell).toBe('bash');
    expect(run).not.toContain('{{');
    // `github.action_path` is a path of the host, even in a container.
    expect(ACTION_TEXT).not.toContain('github.action_path');
    expect(env).toEqual({
      REGISTRIES: expression('inputs.registries'),
      VERSION: expression('inputs.version'),
      FROM: expression('inputs.from'),
    });
  });

  const workflow = (inputs: string) => `name: image
on: push
permissions:
  id-token: write
jobs:
  push:
    runs-on: \${{ matrix.system }}
    strategy:
      matrix:
        system: [ubuntu-24.04, macos-15, windows-2025]
    steps:
      - uses: ./scripts/ci/github
        id: helper
        with:
          ${inputs}
      - run: echo "\${{ steps.helper.outputs.version }} \${{ steps.helper.outputs.path }}"
`;
  /** A repository with the action and a workflow that uses it. */
  function writeRepository(name: string, text: string, action = ACTION_TEXT): string {
    const folder = releases.below(name);
    for (const below of ['.git', '.github/workflows']) mkdirSync(join(folder, below), { recursive: true });
    cpSync(join(CI, 'github'), join(folder, 'scripts/ci/github'), { recursive: true });
    writeFileSync(join(folder, 'scripts/ci/github/action.yml'), action);
    const file = join(folder, '.github/workflows/image.yml');
    writeFileSync(file, text);
    return file;
  }

  test('actionlint finds nothing in a workflow that uses it', async (context) => {
    if (!isExecutable(ACTIONLINT_PROGRAM)) context.skip('actionlint is not installed');
    const file = writeRepository('good', workflow('registries: one.azurecr.io two.azurecr.io'));
    expect(await runCommand(ACTIONLINT_PROGRAM, [file])).toEqual({ exitCode: 0, output: '' });
  });

  test.for([
    ['an input that it has not', workflow('registry: one.azurecr.io'), ACTION_TEXT, /input "registry" is not defined/],
    [
      'an output that it has not',
      workflow('version: 0.1.0').replace('outputs.path', 'outputs.folder'),
      ACTION_TEXT,
      /property "folder" is not defined/,
    ],
    ['a runner that it has not', workflow('version: 0.1.0'), ACTION_TEXT.replace('composite', 'shell'), /"shell"/],
  ] as const)('actionlint would find %s', async ([what, text, action, error], context) => {
    if (!isExecutable(ACTIONLINT_PROGRAM)) context.skip('actionlint is not installed');
    const { exitCode, output } = await runCommand(ACTIONLINT_PROGRAM, [writeRepository(`bad ${what}`, text, action)]);
    expect(exitCode).toBe(1);
    expect(output).toMatch(error);
  });

  test('zizmor finds nothing, and would find an input in a script', async (context) => {
    if (!isExecutable(ZIZMOR_PROGRAM)) context.skip('zizmor is not installed');
    const options = ['--offline', '--pedantic', '--no-progress', '--color=never', '--quiet'];
    const good = await runCommand(ZIZMOR_PROGRAM, [...options, join(CI, 'github/action.yml')]);
    expect(good).toMatchObject({ exitCode: 0, output: expect.stringContaining('No findings to report') });
    const folder = releases.below('injected');
    const text = ACTION_TEXT.replace('"$GITHUB_ACTION_PATH/install.bash"', '$& \u0024{{ inputs.version }}');
    expect(text).not.toBe(ACTION_TEXT);
    writeFileSync(join(folder, 'action.yml'), text);
    const bad = await runCommand(ZIZMOR_PROGRAM, [...options, join(folder, 'action.yml')]);
    expect(bad.output).toContain('template-injection');
  });
});

describe('the template', () => {
  const findMistakes = loadSchema('azure-pipelines-excerpt', { unicodeRegExp: false });

  test('is valid', () => {
    expect(findMistakes(TEMPLATE)).toEqual([]);
  });

  test.each([
    ['a step that it has not', TEMPLATE_TEXT.replace('- bash:', '- shell:')],
    ['a key that a step has not', TEMPLATE_TEXT.replace('    env:\n', '    environment:\n')],
    ['a type that a parameter has not', TEMPLATE_TEXT.replace('type: object', 'type: list')],
    ['a key that a parameter has not', TEMPLATE_TEXT.replace('displayName', 'description')],
  ])('would not be with %s', (_what, text) => {
    expect(text).not.toBe(TEMPLATE_TEXT);
    expect(findMistakes(parse(text)).length).toBeGreaterThan(0);
  });

  test('installs the version of this checkout', () => {
    const parameters: readonly unknown[] = Array.isArray(TEMPLATE['parameters']) ? TEMPLATE['parameters'] : [];
    const defaults = parameters.map((one) => asJsonObject(one) ?? {}).map((one) => [one['name'], one['default']]);
    expect(Object.fromEntries(defaults)).toEqual({ registries: [], version: manifest.version, from: '' });
  });

  test('hands its parameters over in variables, and repeats none in a script', () => {
    const { bash, env } = templateStep();
    expect(bash).not.toContain('{{');
    expect(env).toEqual({
      REGISTRIES: expression("join(' ', parameters.registries)"),
      VERSION: expression('parameters.version'),
      FROM: expression('parameters.from'),
    });
  });
});

test('shellcheck finds nothing in the scripts', async (context) => {
  needParts(context, 'shellcheck');
  const folder = releases.below('scripts');
  const file = join(folder, 'template.bash');
  writeFileSync(file, asText(templateStep()['bash']) ?? '');
  const files = [join(CI, 'github/install.bash'), file];
  expect(await runCommand(partOf('shellcheck'), ['--shell=bash', ...files])).toEqual({ exitCode: 0, output: '' });
});
