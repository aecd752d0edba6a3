/** ko, which builds the image of a Go program on a base image and pushes it. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, expect, it, type TestContext } from 'vitest';
import { runCommand } from '../../scripts/parts/command.ts';
import { prepareGo } from '../../scripts/parts/go-toolchain.ts';
import { LOGIN_SERVER } from './world/cloud.ts';
import type { MachineOptions } from './world/machine.ts';
import { needParts, partOf } from './world/parts.ts';
import { expectDone, listAnonymousTokenRequests, listPushed, WRONG_SECRET } from './world/registry-client.ts';
import { openCloud } from './world/test-cloud.ts';

const cloud = await openCloud();

beforeEach(async () => {
  await cloud.seed('team/base', '1');
  cloud.forget();
});

/** @returns a function that builds a program, with the compiled standard library of the person's own cache. */
async function setUp(context: TestContext, options: MachineOptions = {}) {
  needParts(context, 'ko', 'docker-registry');
  const { go, environment: ofGo } = await findGo(context);
  const machine = cloud.addMachine(options);
  const folder = join(machine.folder, 'program');
  mkdirSync(folder);
  writeFileSync(join(folder, 'go.mod'), 'module example.com/hello\n\ngo 1.21\n');
  writeFileSync(join(folder, 'main.go'), 'package main\n\nfunc main() { println("hello") }\n');
  const environment = {
    PATH: `${dirname(go)}:${machine.environment['PATH']}`,
    GOCACHE: (await runCommand(go, ['env', 'GOCACHE'], ofGo)).output.trim(),
    GOROOT: ofGo['GOROOT'],
    GOTOOLCHAIN: 'local',
    GOPROXY: 'off',
    KO_DOCKER_REPO: `${LOGIN_SERVER}/team/ko`,
    KO_DEFAULTBASEIMAGE: `${LOGIN_SERVER}/team/base:1`,
  };
  return () => machine.run(partOf('ko'), ['build', '--bare', '--sbom=none', './'], { environment, folder });
}

async function findGo(context: TestContext) {
  const prepared = await prepareGo();
  return 'go' in prepared ? prepared : context.skip(`not installed: go: ${prepared.reason}`);
}

it('ko builds on a private base image and pushes the result with one sign-in', async (context) => {
  const ko = await setUp(context);
  expect(expectDone(await ko()).stdout).toMatch(/^contoso\.azurecr\.io\/team\/ko@sha256:[0-9a-f]{64}\n$/);
  expect(listPushed(cloud)).toContain('team/ko:latest');
  expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200']);
});

it('ko fails with our line when the sign-in fails, and asks for no token', async (context) => {
  const ko = await setUp(context, { identity: 'wrong secret' });
  const build = await ko();
  expect(build).toMatchObject({ exitCode: 1, stdout: '' });
  const ofKo = build.stderr.split('\n').find((line) => line.startsWith('Error: '));
  expect(ofKo).toContain(`exit status 1, out: \`${WRONG_SECRET}`);
  expect(listAnonymousTokenRequests(cloud)).toEqual([]);
});
