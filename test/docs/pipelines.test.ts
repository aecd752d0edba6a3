/** The recipes for CI: their YAML is read, their commands are run, and the program finds the identity that they mean. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import manifest from '../../package.json' with { type: 'json' };
import { findProgram } from '../../scripts/parts/command.ts';
import { CLOUDS } from '../../src/clouds.ts';
import { asJsonObject } from '../../src/json.ts';
import { loadSchema } from '../scripts/release/published-schema.ts';
import { type Block, blocksOf, documentAt, ROOT } from './markdown.ts';
import { createSandbox, type Environment, makeToken, type Sandbox } from './sandbox.ts';

type Json = Readonly<Record<string, unknown>>;

const HOST = 'myregistry.azurecr.io';
const CALLS = [`docker build --tag ${HOST}/team/app .`, `docker push ${HOST}/team/app`];
const REPOSITORY = manifest.repository.replace('github:', '');
const ACTION = 'scripts/ci/github';
const TEMPLATE = 'scripts/ci/azure-pipelines/install.yml';
const configure = (registries: readonly unknown[]) => `docker-credential-acr configure ${registries.join(' ')} --yes`;
/** Nothing listens there. */
const NOWHERE = 'https://127.0.0.1:9/token';

/** A job, as far as a runner makes it of a recipe. */
interface Job {
  readonly script: string;
  readonly environment: Environment;
}

interface Pipeline {
  readonly name: string;
  /** What only its recipe has. */
  readonly mark: string;
  readonly source: string;
  /** Reads the job and judges what only this CI asks for. */
  readonly read: (recipe: Json) => Job;
}

const PIPELINES: readonly Pipeline[] = [
  {
    name: 'GitHub Actions',
    mark: 'runs-on:',
    source: 'github-actions',
    read: (recipe) => {
      expect(recipe['permissions']).toEqual({ 'id-token': 'write', contents: 'read' });
      const job = at(recipe, 'jobs', 'push');
      const steps = listAt(job, 'steps');
      const uses = steps.map((step) => step['uses']);
      expect(uses).toContain(`${REPOSITORY}/${ACTION}@v${manifest.version}`);
      const action = steps.find((step) => String(step['uses']).startsWith(REPOSITORY)) ?? {};
      const inputs = Object.keys(at(parse(readFileSync(join(ROOT, ACTION, 'action.yml'), 'utf8')), 'inputs'));
      expect(inputs).toEqual(expect.arrayContaining(Object.keys(at(action, 'with'))));
      return {
        // What the action does, once the program is there.
        script: steps
          .map((step) => step['run'] ?? (step === action ? configure([textsAt(action, 'with')['registries']]) : ''))
          .join('\n'),
        environment: {
          ...textsAt(job, 'env'),
          GITHUB_ACTIONS: 'true',
          ACTIONS_ID_TOKEN_REQUEST_URL: NOWHERE,
          ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'runner-token',
        },
      };
    },
  },
  {
    name: 'GitLab',
    mark: 'id_tokens:',
    source: 'workload-identity',
    read: (recipe) => {
      const job = at(recipe, 'push');
      const tokens = Object.entries(at(job, 'id_tokens'));
      expect(tokens.map(([, token]) => token)).toEqual([{ aud: CLOUDS[0]?.federatedAudience }]);
      return {
        script: (Array.isArray(job['script']) ? job['script'] : []).join('\n'),
        environment: {
          ...textsAt(job, 'variables'),
          ...Object.fromEntries(tokens.map(([name]) => [name, makeToken()])),
        },
      };
    },
  },
  {
    name: 'Azure Pipelines',
    mark: 'AzureCLI@2',
    source: 'azure-pipelines',
    read: (recipe) => {
      expect(loadSchema('azure-pipelines-excerpt', { unicodeRegExp: false })(recipe)).toEqual([]);
      const [repository = {}] = listAt(at(recipe, 'resources'), 'repositories');
      // The schema lets any key pass here.
      const { endpoint, repository: alias } = repository;
      const source = { type: 'github', name: REPOSITORY, ref: `refs/tags/v${manifest.version}` };
      expect(repository).toEqual({ repository: alias, ...source, endpoint });
      expect(endpoint).toEqual(expect.any(String));
      const [template = {}, task = {}] = listAt(recipe, 'steps');
      expect(template['template']).toBe(`${TEMPLATE}@${alias}`);
      const parameters = listAt(asJsonObject(parse(readFileSync(join(ROOT, TEMPLATE), 'utf8'))) ?? {}, 'parameters');
      const given = at(template, 'parameters');
      expect(parameters.map(({ name }) => name)).toEqual(expect.arrayContaining(Object.keys(given)));
      expect(textsAt(task, 'env')).toEqual({ SYSTEM_ACCESSTOKEN: '$(System.AccessToken)' });
      return {
        // What the template does, once the program is there.
        script: `${configure(Array.isArray(given['registries']) ? given['registries'] : [])}\n${at(task, 'inputs')['inlineScript']}`,
        environment: {
          SYSTEM_ACCESSTOKEN: 'agent-token',
          SYSTEM_OIDCREQUESTURI: NOWHERE,
          // What the task sets of its own accord.
          AZURESUBSCRIPTION_SERVICE_CONNECTION_ID: '33333333-2222-4333-8444-555555555555',
          AZURESUBSCRIPTION_CLIENT_ID: '11111111-2222-4333-8444-555555555555',
          AZURESUBSCRIPTION_TENANT_ID: '72f988bf-86f1-41af-91ab-2d7cd011db47',
        },
      };
    },
  },
];

let sandbox: Sandbox;
beforeEach(() => {
  sandbox = createSandbox();
});
afterEach(() => sandbox.remove());

const RECIPES = blocksOf('yaml').filter(({ document }) => document !== 'docs/kubernetes.md');

test('every recipe in YAML is one of these', () => {
  const marks = RECIPES.map((block) => PIPELINES.filter(({ mark }) => block.text.includes(mark)).length);
  expect(marks).toEqual(PIPELINES.map(() => 1));
});

test.each(blocksOf('yaml').map((block) => [`${block.document}:${block.line}`, block] as const))(
  '%s is indented by twos, without tabs',
  (_place, { text }) => {
    for (const line of text.split('\n')) expect(line).toMatch(/^(?: {2})*(?:\S.*\S|\S)?$/);
  },
);

describe.each(PIPELINES)('$name', ({ mark, source, read }) => {
  const block = RECIPES.find(({ text }) => text.includes(mark));

  test('builds and pushes, with the registry left to this program', async (context) => {
    const recipe = parseYaml(block);
    if (recipe === undefined) return context.skip('there is no Python with PyYAML, which reads the recipe');
    const { script, environment } = read(recipe);
    const { exitCode, stdout, stderr } = await sandbox.run(`${script}\ndocker-credential-acr list`, environment);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(sandbox.calls()).toEqual(CALLS);
    const [configured, list = ''] = stdout.trimEnd().split('\n');
    expect(configured).toContain(`Configured ${HOST} in `);
    expect(Object.keys(JSON.parse(list))).toEqual([HOST]);
  });

  test(`signs in with ${source}`, { timeout: 30_000 }, async (context) => {
    const recipe = parseYaml(block);
    if (recipe === undefined) return context.skip('there is no Python with PyYAML, which reads the recipe');
    const { environment } = read(recipe);
    const { exitCode, stderr } = await sandbox.run(`echo ${HOST} | docker-credential-acr get`, {
      ...environment,
      DOCKER_CREDENTIAL_ACR_LOG: 'stderr',
    });
    expect(exitCode).toBe(1);
    const steps = stderr
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => asJsonObject(JSON.parse(line)));
    const tried = steps.filter((step) => step?.['step'] === 'cache' && step['source'] !== undefined);
    expect(tried.map((step) => step?.['source'])).toEqual([source]);
  });
});

test('the recipe without the action and the template is the command that both run', () => {
  expect(documentAt('docs/recipes.md').prose).toContain(`\`${configure([HOST])}\``);
});

/** @returns `undefined` where nothing can read YAML. */
function parseYaml(block: Block | undefined): Json | undefined {
  const python = findProgram('python3');
  if (python === undefined) return undefined;
  const code = 'import json, sys, yaml; json.dump(yaml.safe_load(sys.stdin), sys.stdout, skipkeys=True)';
  if (spawnSync(python, ['-c', 'import yaml']).status !== 0) return undefined;
  const { status, stdout, stderr } = spawnSync(python, ['-c', code], { input: block?.text ?? '', encoding: 'utf8' });
  if (status !== 0) throw new Error(`${block?.document}:${block?.line}: ${stderr}`);
  return asJsonObject(JSON.parse(stdout));
}

function at(value: Json, ...keys: readonly string[]): Json {
  let found: Json = value;
  for (const key of keys) found = asJsonObject(found[key]) ?? {};
  return found;
}

function listAt(value: Json, key: string): readonly Json[] {
  const list: unknown[] = Array.isArray(value[key]) ? value[key] : [];
  return list.map((entry) => asJsonObject(entry) ?? {});
}

function textsAt(value: Json, key: string): Environment {
  return Object.fromEntries(Object.entries(at(value, key)).map(([name, text]) => [name, String(text)]));
}
