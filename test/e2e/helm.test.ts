/** helm 3 with the program as its credential helper. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { LOGIN_SERVER } from './world/cloud.ts';
import { writeDockerConfig } from './world/machine.ts';
import { needParts, partOf } from './world/parts.ts';
import { openCloud } from './world/test-cloud.ts';

const cloud = await openCloud();

it('helm pushes a chart and pulls it with one sign-in', async (context) => {
  needParts(context, 'helm', 'docker-registry');
  const machine = cloud.addMachine();
  // Where another helper of the system is on PATH and unusable, helm fails before it asks ours,
  // unless its own configuration names helpers: https://github.com/oras-project/oras-go/blob/main/registry/remote/credentials/store.go
  const helmConfig = join(machine.folder, 'helm.json');
  writeFileSync(helmConfig, writeDockerConfig([LOGIN_SERVER]));
  const helm = (...args: readonly string[]) =>
    machine.run(partOf('helm'), args, { environment: { HELM_REGISTRY_CONFIG: helmConfig }, folder: machine.folder });
  const chart = join(machine.folder, 'hello');
  mkdirSync(join(chart, 'templates'), { recursive: true });
  writeFileSync(join(chart, 'Chart.yaml'), 'apiVersion: v2\nname: hello\nversion: 0.1.0\ndescription: A chart\n');
  expect(await helm('package', chart)).toMatchObject({ exitCode: 0, stderr: '' });

  const push = await helm('push', 'hello-0.1.0.tgz', `oci://${LOGIN_SERVER}/charts`);
  expect(push.stdout + push.stderr).toContain(`Pushed: ${LOGIN_SERVER}/charts/hello:0.1.0`);
  expect(push.exitCode).toBe(0);
  expect(push.stderr).not.toContain('docker-credential-acr');
  expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200']);
  expect(cloud.transfers('PUT').map(({ path }) => path)).toContain('/v2/charts/hello/manifests/0.1.0');

  cloud.forget();
  const folder = join(machine.folder, 'pulled');
  mkdirSync(folder);
  const pull = await helm('pull', `oci://${LOGIN_SERVER}/charts/hello`, '--version', '0.1.0', '--destination', folder);
  expect(pull.stdout + pull.stderr).toContain(`Pulled: ${LOGIN_SERVER}/charts/hello:0.1.0`);
  expect(pull.exitCode).toBe(0);
  expect(existsSync(join(folder, 'hello-0.1.0.tgz'))).toBe(true);
  expect(cloud.signIns()).toEqual([]);
});
