/** What the files of docker, podman and helm mean for a registry. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Finding } from '../../../../src/commands/doctor/check.ts';
import { CLIENT_CONFIGURATION } from '../../../../src/commands/doctor/client-configuration.ts';
import { createPrivateNames } from '../../../../src/commands/doctor/private-names.ts';
import { parseTarget } from '../../../../src/commands/doctor/target.ts';
import { Visit } from '../../../../src/commands/doctor/visit.ts';
import { loadConfig } from '../../../../src/config/config.ts';
import { readClockMs } from '../../../../src/system/clock.ts';
import { makeRuntime } from '../../runtime.ts';
import { useTemporaryFolder } from '../../temporary-folder.ts';

const HOST = 'myregistry.azurecr.io';
const REGIONAL = 'myregistry.westeurope.geo.azurecr.io';
const WIRED = { credHelpers: { [HOST]: 'acr' } };
const AUTH = { auths: { [HOST]: { auth: 'bm8=' } } };

const folder = useTemporaryFolder();

interface Machine {
  readonly docker?: unknown;
  readonly podman?: unknown;
  readonly helm?: unknown;
  readonly programs?: readonly string[];
  readonly variables?: Readonly<Record<string, string>>;
  readonly host?: string;
  readonly programName?: string;
}

async function check({ docker, podman, helm, programs = [], variables, host = HOST, programName }: Machine) {
  const home = folder.path('home');
  const write = (content: unknown, ...names: readonly string[]) => {
    if (content === undefined) return;
    const file = join(home, ...names);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  };
  write(docker, '.docker', 'config.json');
  write(podman, '.config', 'containers', 'auth.json');
  write(helm, '.config', 'helm', 'registry', 'config.json');
  for (const name of programs) {
    write('#!/bin/sh\n', 'bin', name);
    chmodSync(join(home, 'bin', name), 0o755);
  }
  const env = { HOME: home, PATH: join(home, 'bin'), XDG_RUNTIME_DIR: join(home, 'run'), ...variables };
  const runtime = makeRuntime(env, programName === undefined ? {} : { programName });
  const config = await loadConfig(runtime);
  const target = host === '' ? undefined : parseTarget(host);
  const registry = target === undefined ? undefined : config.findRegistry(target.host);
  const visit =
    registry === undefined
      ? undefined
      : new Visit({
          ...{ runtime, config, registry, serverUrl: host, repository: undefined, log: undefined },
          deadlineMs: readClockMs() + 1_000,
        });
  const names = createPrivateNames(runtime);
  try {
    return await CLIENT_CONFIGURATION.run({ runtime, log: undefined, target, visit, programFile: undefined, names });
  } finally {
    visit?.close();
  }
}

const shorten = (findings: readonly Finding[]) => findings.map(({ status, what }) => `${status}: ${what}`);

const ROWS: readonly (readonly [name: string, machine: Machine, expected: readonly RegExp[]])[] = [
  ['docker that asks', { docker: WIRED }, [/^ok: docker asks this program for myregistry/]],
  [
    'docker that asks under another name of this program',
    { docker: { credHelpers: { [HOST]: 'acr-env' } }, programName: 'docker-credential-acr-env' },
    [/^ok: docker asks/],
  ],
  ['nothing at all', {}, [/^problem: no client is configured/]],
  ['docker without a file', { programs: ['docker'] }, [/^problem: docker does not ask/]],
  [
    'another helper',
    { docker: { credHelpers: { [HOST]: 'acr-linux' } } },
    [/^problem: docker asks docker-credential-acr-linux/],
  ],
  ['a helper that is switched off', { docker: { credHelpers: { [HOST]: '' } } }, [/^problem: docker asks no helper/]],
  [
    'another store',
    { docker: { credsStore: 'desktop' } },
    [/^problem: docker asks docker-credential-desktop .*credsStore/],
  ],
  [
    'this program as the store',
    { docker: { credsStore: 'acr' } },
    [/^note: docker asks this program for every registry/],
  ],
  [
    'a credential beside the helper',
    { docker: { ...WIRED, ...AUTH } },
    [/^ok: docker asks/, /^warning: .* also holds a credential/],
  ],
  [
    'a credential in another form',
    { docker: { auths: { [`https://${HOST}`]: { auth: 'bm8=' } } } },
    [/^problem: docker uses the credential for https:\/\/myregistry/],
  ],
  ['only the mark of a login', { docker: { ...WIRED, auths: { [HOST]: {} } } }, [/^ok: docker asks/]],
  ['a broken file', { docker: '{' }, [/^problem: docker cannot use .*: it is not a JSON object/]],
  [
    'the global name for a regional endpoint',
    { docker: WIRED, host: REGIONAL },
    [/^problem: docker has an entry for myregistry\.azurecr\.io, which is not exactly myregistry\.westeurope/],
  ],
  [
    'the regional name for the global endpoint',
    { docker: { credHelpers: { [REGIONAL]: 'acr' } } },
    [/^problem: docker has an entry for myregistry\.westeurope/],
  ],
  [
    'a port',
    { docker: WIRED, host: `${HOST}:443` },
    [/^problem: myregistry\.azurecr\.io:443 is not the bare host/, /^ok: docker asks/],
  ],
  [
    'a variable with a credential',
    { docker: WIRED, variables: { DOCKER_AUTH_CONFIG: JSON.stringify(AUTH) } },
    [/^problem: DOCKER_AUTH_CONFIG holds a credential/, /^ok: docker asks/],
  ],
  [
    'a variable with other credentials',
    { docker: WIRED, variables: { DOCKER_AUTH_CONFIG: '{"auths":{"x.example":{}}}' } },
    [/^note: DOCKER_AUTH_CONFIG is set, with nothing for/, /^ok: docker asks/],
  ],
  [
    'a variable that is no JSON',
    { docker: WIRED, variables: { DOCKER_AUTH_CONFIG: 'secret-thing' } },
    [/^warning: DOCKER_AUTH_CONFIG is set, and is no JSON object/, /^ok: docker asks/],
  ],
  [
    "podman that reads docker's file",
    { docker: WIRED, programs: ['podman'] },
    [/^ok: docker asks/, /^ok: podman asks this program .*\.docker\/config\.json/],
  ],
  [
    'podman that finds its own login first',
    { docker: WIRED, podman: AUTH },
    [/^ok: docker asks/, /^warning: podman uses the credential .*auth\.json, and does not ask/],
  ],
  ['podman alone, with its own login', { podman: AUTH }, [/^problem: podman uses the credential/]],
  [
    'podman that has no "credsStore"',
    { docker: { credsStore: 'acr' }, programs: ['skopeo'] },
    [/^note: docker asks this program for every/, /^warning: podman does not ask/],
  ],
  [
    'an empty file of podman',
    { docker: WIRED, podman: '' },
    [/^ok: docker/, /^warning: .*is empty, for which podman fails/],
  ],
  [
    'podman with a file of its own only',
    { docker: WIRED, programs: ['podman'], variables: { REGISTRY_AUTH_FILE: '/nowhere/auth.json' } },
    [/^ok: docker asks/, /^warning: podman does not ask .*\/nowhere\/auth\.json/],
  ],
  [
    'helm with a login that ends',
    { docker: WIRED, helm: AUTH },
    [/^ok: docker asks/, /^warning: helm uses the credential/],
  ],
  ["helm that reads docker's file", { docker: WIRED, programs: ['helm'] }, [/^ok: docker asks/, /^ok: helm asks this/]],
];

describe('tells of', () => {
  test.each(ROWS)('%s', async (_name, machine, expected) => {
    const lines = shorten(await check(machine));
    expect(lines).toEqual(expected.map((pattern) => expect.stringMatching(pattern)));
  });
});

test('every problem has a command that mends it', async () => {
  for (const [name, machine] of ROWS) {
    const findings = await check(machine);
    for (const { status, fix } of findings) {
      if (status === 'problem' || status === 'warning') expect(fix, name).toMatch(/\S/);
    }
  }
});

test('names no value of a credential', async () => {
  const secret = 'c29tZWJvZHk6c2VjcmV0';
  const file = { auths: { [HOST]: { auth: secret, identitytoken: secret } }, credHelpers: { [HOST]: 'acr' } };
  const findings = await check({
    ...{ docker: file, podman: file, helm: file },
    variables: { DOCKER_AUTH_CONFIG: JSON.stringify(file) },
  });
  expect(JSON.stringify(findings)).not.toContain(secret.slice(0, 8));
});
