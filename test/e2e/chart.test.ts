/** The Helm chart: what it renders in every mode, what it refuses, and that its plain manifests are up to date. */
import { cpSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import manifest from '../../package.json' with { type: 'json' };
import {
  CHART,
  exampleFile,
  findHelm,
  KUBE_VERSION,
  listExamples,
  MANIFESTS,
  RELEASE,
  renderManifest,
} from '../../scripts/kubernetes/render.ts';
import { runCommand } from '../../scripts/parts/command.ts';
import { run } from '../../src/cli.ts';
import { asJsonObject, asText, type JsonObject, parseJsonObject } from '../../src/json.ts';
import { makeRuntime } from '../unit/runtime.ts';
import { makeStreams, makeTerminal } from '../unit/streams.ts';
import { useTemporaryFolder } from '../unit/temporary-folder.ts';

const folder = useTemporaryFolder();
const helm = findHelm();
const IMAGE = ['--set', 'image.repository=registry.example.com/acr'];
const BINDING = [
  '--set',
  'kubelet.identityBinding.sniName=proxy.example.com,kubelet.identityBinding.apiserverIp=10.0.0.1',
];

/** Runs helm on the chart. */
async function runHelm(...args: readonly string[]): Promise<{ readonly exitCode: number; readonly output: string }> {
  if (helm === undefined) throw new Error('helm is installed');
  const [verb = '', ...rest] = args;
  const version = verb === 'template' ? ['--kube-version', KUBE_VERSION] : [];
  return await runCommand(helm, [verb, ...(verb === 'template' ? ['acr', CHART] : [CHART]), ...version, ...rest]);
}

/** The objects that the chart renders, without comments. */
async function render(...args: readonly string[]): Promise<readonly JsonObject[]> {
  const { exitCode, output } = await runHelm('template', '--namespace', 'acr', ...IMAGE, ...args);
  if (exitCode !== 0) throw new Error(output);
  const documents = parseAllDocuments(output);
  if (!Array.isArray(documents)) return [];
  return documents.map((one) => asJsonObject(one.toJS())).filter((one) => one !== undefined);
}

function find(objects: readonly JsonObject[], kind: string): JsonObject {
  const found = objects.find((one) => one['kind'] === kind);
  if (found === undefined) throw new Error(`the chart renders a ${kind}`);
  return found;
}

/** What is at a path in an object, such as `spec.template.0.name`. */
function at(value: unknown, path: string): unknown {
  let here = value;
  for (const key of path.split('.')) here = Array.isArray(here) ? here[Number(key)] : asJsonObject(here)?.[key];
  return here;
}

/** What the program prints. */
async function printed(...args: readonly string[]): Promise<string> {
  const terminal = makeTerminal();
  const { exitCode } = await run(['kubelet', 'config', ...args], makeStreams('', terminal), makeRuntime());
  expect([exitCode, terminal.written.errors]).toEqual([0, '']);
  return terminal.written.output;
}

describe.skipIf(helm === undefined)('the chart', () => {
  test('has the version of the program', () => {
    const chart: unknown = parse(readFileSync(join(CHART, 'Chart.yaml'), 'utf8'));
    expect(chart).toMatchObject({ version: manifest.version, appVersion: manifest.version });
  });

  test.each(listExamples())('has no faults with the values of the example %s', async (name) => {
    const { exitCode, output } = await runHelm('lint', '--strict', '--values', exampleFile(name));
    expect([exitCode, output]).toEqual([0, expect.stringContaining('0 chart(s) failed')]);
  });

  test.each(listExamples())('is what the manifest %s was made of', async (name) => {
    const wanted = readFileSync(join(MANIFESTS, `${name}.yaml`), 'utf8');
    expect(await renderManifest(helm ?? '', name)).toBe(wanted);
  });

  test.each([
    ['node', [], []],
    ['node', ['kubelet.azureJson=/etc/kubernetes/azure.json'], ['--azure-json', '/etc/kubernetes/azure.json']],
    ['node', ['kubelet.clouds={public,china}'], ['--cloud', 'public', '--cloud', 'china']],
    ['node', ['kubelet.registries={my.azurecr.io:5000}'], ['--registry', 'my.azurecr.io:5000']],
    [
      'node',
      ['kubelet.name=acr-credential-provider-2', 'kubelet.programConfig.store=file'],
      [
        ...['--name', 'acr-credential-provider-2'],
        ...['--config-file', '/var/lib/kubelet/credential-provider/docker-credential-acr.config.json'],
      ],
    ],
    ['service-account', [], []],
    ['service-account', ['kubelet.requireServiceAccount=true'], ['--require-service-account']],
    ['service-account', ['kubelet.clouds={us-government}'], ['--cloud', 'us-government']],
    [
      'service-account',
      ['kubelet.registries={myregistry.azurecr.cn:443}'],
      ['--registry', 'myregistry.azurecr.cn:443'],
    ],
    ['service-account', ['kubelet.audience=api://mine'], ['--audience', 'api://mine']],
    [
      'identity-binding',
      [
        'kubelet.azureJson=/etc/kubernetes/azure.json',
        'kubelet.identityBinding.defaultClientId=11111111-2222-3333-4444-555555555555',
        'kubelet.identityBinding.defaultTenantId=11111111-2222-3333-4444-555555555556',
        'kubelet.identityBinding.caFile=/etc/ca.crt',
      ],
      [
        ...['--azure-json', '/etc/kubernetes/azure.json'],
        ...['--ib-default-client-id', '11111111-2222-3333-4444-555555555555'],
        ...['--ib-default-tenant-id', '11111111-2222-3333-4444-555555555556', '--ib-ca-file', '/etc/ca.crt'],
      ],
    ],
  ])('configures the kubelet as "kubelet config" does: %s %j', async (mode, values, options) => {
    const set = [`kubelet.mode=${mode}`, ...values].flatMap((one) => ['--set', one]);
    const isBinding = mode === 'identity-binding';
    const objects = await render(...set, ...(isBinding ? BINDING : []));
    const own = isBinding ? ['--ib-sni-name', 'proxy.example.com', '--ib-apiserver-ip', '10.0.0.1'] : [];
    const args = ['--mode', mode, ...own, ...options];
    const rendered: unknown = parse(String(configOf(objects)));
    expect(rendered).toEqual(parse(await printed(...args)));
    const roles = objects.filter((one) => one['kind'] === 'ClusterRole');
    if (mode === 'node') {
      expect(roles).toEqual([]);
      return;
    }
    const [role, binding] = parseAllDocuments(await printed(...args, '--rbac')).map((one) => asJsonObject(one.toJS()));
    expect(roles.map(({ rules }) => rules)).toEqual([role?.['rules']]);
    expect(find(objects, 'ClusterRoleBinding')['subjects']).toEqual(binding?.['subjects']);
  });

  test('takes the configuration that is given, unchanged', async () => {
    const file = folder.path('given.yaml');
    writeFileSync(file, await printed('--mode', 'service-account', '--cloud', 'public', '--cloud', 'china'));
    const objects = await render('--set-file', `kubelet.config=${file}`);
    expect(configOf(objects)).toBe(readFileSync(file, 'utf8'));
  });

  test('lets nodes request tokens for every audience of the configuration that is given', async () => {
    const file = folder.path('given.yaml');
    const args = ['--mode', 'service-account', '--cloud', 'public', '--cloud', 'china'];
    writeFileSync(file, await printed(...args));
    const mode = ['--set', 'kubelet.mode=service-account,kubelet.clouds={public,china}'];
    const objects = await render(...mode, '--set-file', `kubelet.config=${file}`);
    const [role] = parseAllDocuments(await printed(...args, '--rbac')).map((one) => asJsonObject(one.toJS()));
    expect(find(objects, 'ClusterRole')['rules']).toEqual(role?.['rules']);
  });

  test('needs Kubernetes 1.34 for tokens of service accounts', async () => {
    const args = [...IMAGE, '--set', 'kubelet.mode=service-account', '--kube-version', '1.33.9'];
    const { exitCode, output } = await runHelm('template', ...args);
    expect([exitCode, output]).toEqual([1, expect.stringContaining('service-account needs Kubernetes 1.34')]);
  });

  describe('on nodes', () => {
    let pod: JsonObject;
    let objects: readonly JsonObject[];

    beforeAll(async () => {
      if (helm === undefined) return;
      objects = await render();
      pod = asJsonObject(at(find(objects, 'DaemonSet'), 'spec.template.spec')) ?? {};
    });

    test('takes every right from its containers', () => {
      const containers = [...listOf(pod['initContainers']), ...listOf(pod['containers'])];
      expect(containers.map(({ name }) => name)).toEqual(['install', 'wait']);
      for (const { securityContext } of containers) {
        expect(securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
      }
      expect(pod).toMatchObject({
        automountServiceAccountToken: false,
        securityContext: { runAsUser: 0, runAsGroup: 0, seccompProfile: { type: 'RuntimeDefault' } },
        tolerations: [{ operator: 'Exists' }],
        nodeSelector: { 'kubernetes.io/os': 'linux' },
      });
      for (const name of ['hostPID', 'hostNetwork', 'hostIPC']) expect(pod[name]).toBeUndefined();
      expect(objects.map(({ kind }) => kind).sort()).toEqual(['ConfigMap', 'DaemonSet', 'ServiceAccount']);
      expect(find(objects, 'ServiceAccount')['automountServiceAccountToken']).toBe(false);
    });

    test.each([
      ['/opt/bin', '/etc/kubernetes/provider/config.yaml', ['/opt/bin', '/etc/kubernetes/provider']],
      ['/opt/bin', '/opt/bin/config.yaml', ['/opt/bin']],
      ['/opt/bin/', '/opt/bin/d/config.yaml', ['/opt/bin']],
      ['/opt/plug/bin', '/opt/plug/config.yaml', ['/opt/plug']],
      ['/opt/binaries', '/opt/bin/config.yaml', ['/opt/binaries', '/opt/bin']],
    ])('mounts no more than the folders of %s and %s', async (bin, config, folders) => {
      const more = await render('--set', `kubelet.binDir=${bin},kubelet.configFile=${config}`);
      const spec = at(find(more, 'DaemonSet'), 'spec.template.spec');
      const paths = listOf(at(spec, 'volumes')).map((one) => at(one, 'hostPath.path'));
      expect(paths.filter((path) => path !== undefined)).toEqual(folders);
      for (const mount of listOf(at(spec, 'containers.0.volumeMounts')).slice(0, folders.length)) {
        expect(mount).toMatchObject({ mountPropagation: 'HostToContainer' });
      }
    });

    test('leaves the configuration alone with manageConfig=false', async () => {
      const more = await render('--set', 'kubelet.manageConfig=false');
      expect(more.map(({ kind }) => kind)).not.toContain('ConfigMap');
      const spec = at(find(more, 'DaemonSet'), 'spec.template.spec');
      expect(at(spec, 'initContainers.0.args')).toEqual([
        ...['kubelet', 'install', '--host-root=/host', '--bin-dir=/var/lib/kubelet/credential-provider'],
        '--name=acr-credential-provider',
      ]);
      expect(at(spec, 'volumes')).toEqual([
        {
          name: 'host-0',
          hostPath: { path: '/var/lib/kubelet/credential-provider', type: 'DirectoryOrCreate' },
        },
      ]);
    });

    test('sees the processes of the node only to restart the kubelet, and restarts it only while it installs', async () => {
      const more = await render('--set', 'kubelet.restartKubelet=true');
      const spec = at(find(more, 'DaemonSet'), 'spec.template.spec');
      expect(at(spec, 'hostPID')).toBe(true);
      expect(at(spec, 'initContainers.0.args')).toContain('--restart-kubelet');
      expect(at(spec, 'containers.0.args')).not.toContain('--restart-kubelet');
      expect(at(spec, 'containers.0.securityContext.appArmorProfile')).toBeUndefined();
      expect(at(spec, 'initContainers.0.securityContext.capabilities')).toEqual({ drop: ['ALL'] });
    });

    test('uninstalls with the same mounts', async () => {
      const more = await render('--set', 'kubelet.uninstall=true,kubelet.flagsRemoved=true');
      const spec = at(find(more, 'DaemonSet'), 'spec.template.spec');
      const args = ['kubelet', 'uninstall', '--host-root=/host', '--bin-dir=/var/lib/kubelet/credential-provider'];
      expect(at(spec, 'initContainers.0.args')).toEqual([...args, '--flags-removed']);
      expect(at(spec, 'containers.0.args')).toEqual([...args, '--flags-removed', '--wait']);
      expect(listOf(at(spec, 'volumes')).map((one) => at(one, 'hostPath.path'))).toEqual(['/var/lib/kubelet']);
    });

    test('copies settings and secrets of its own to the node', async () => {
      const more = await render('--set', 'kubelet.azureJsonSecret.name=azure,kubelet.programConfig.store=file');
      const spec = at(find(more, 'DaemonSet'), 'spec.template.spec');
      const folder = '/var/lib/kubelet/credential-provider/docker-credential-acr';
      expect(at(spec, 'initContainers.0.args')).toEqual(
        expect.arrayContaining([
          `--copy=/config/program.json:${folder}.config.json`,
          `--copy=/azure/azure.json:${folder}.azure.json`,
        ]),
      );
      const data = asJsonObject(find(more, 'ConfigMap')['data']);
      expect(parseJsonObject(asText(data?.['program.json']) ?? '')).toEqual({ store: 'file' });
      expect(configOf(more)).toContain(`args:\n      - '${folder}.azure.json'`);
    });

    test('passes only arguments that the program knows', async () => {
      const more = await render('--set', 'kubelet.restartKubelet=true', '--set', `kubelet.sha256=${'a'.repeat(64)}`);
      const spec = at(find(more, 'DaemonSet'), 'spec.template.spec');
      const uninstalling = await render('--set', 'kubelet.uninstall=true,kubelet.flagsRemoved=true');
      const undo = at(find(uninstalling, 'DaemonSet'), 'spec.template.spec');
      for (const container of [spec, undo].flatMap((one) => [at(one, 'initContainers.0'), at(one, 'containers.0')])) {
        const args = listTexts(at(container, 'args'));
        const terminal = makeTerminal();
        await run([...args, '--help'], makeStreams('', terminal), makeRuntime());
        for (const option of args.filter((one) => one.startsWith('--'))) {
          expect(terminal.written.output).toContain(option.split('=')[0]);
        }
      }
    });
  });

  describe('with pull secrets', () => {
    const values = ['--set', 'kubelet.enabled=false', '--values', exampleFile('pull-secrets')];

    test('lets a CronJob change exactly these Secrets', async () => {
      const objects = await render(...values);
      expect(objects.map(({ kind }) => kind).sort()).toEqual(
        ['CronJob', 'Role', 'Role', 'RoleBinding', 'RoleBinding', 'ServiceAccount'].sort(),
      );
      expect(find(objects, 'Role')['rules']).toEqual([
        { apiGroups: [''], resources: ['secrets'], resourceNames: ['acr'], verbs: ['create', 'patch'] },
      ]);
      const pod = at(find(objects, 'CronJob'), 'spec.jobTemplate.spec.template.spec');
      expect(pod).toMatchObject({
        automountServiceAccountToken: false,
        securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      });
      expect(at(pod, 'containers.0.securityContext')).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
      expect(at(pod, 'containers.0.args')).toEqual([
        ...['token', 'myregistry.azurecr.io', '--refresh-token', '--kubernetes-secret=acr'],
        ...['--namespace=team-a', '--namespace=team-b', '--apply', '--service-account=/var/run/secrets/cluster'],
      ]);
    });

    test('runs every hour, so that a token of three hours never expires', async () => {
      expect(at(find(await render(...values), 'CronJob'), 'spec.schedule')).toMatch(/^[1-5]?[0-9] \* \* \* \*$/);
    });

    test.each([
      ['my.azurecr.io', 'api://AzureADTokenExchange'],
      ['my.azurecr.us:443', 'api://AzureADTokenExchangeUSGov'],
      ['registry.example.com', 'api://AzureADTokenExchange'],
    ])('signs in to the cloud of %s with a token for %s', async (registry, audience) => {
      const objects = await render(...values, '--set', `pullSecrets[0].registry=${registry}`);
      const volumes = listOf(at(find(objects, 'CronJob'), 'spec.jobTemplate.spec.template.spec.volumes'));
      const azure = volumes.find(({ name }) => name === 'azure');
      expect(at(azure, 'projected.sources.0.serviceAccountToken.audience')).toBe(audience);
    });

    test('gives no federated token to another identity', async () => {
      const objects = await render(
        ...['--set', 'kubelet.enabled=false', '--set', 'pullSecrets[0].name=acr'],
        ...['--set', 'pullSecrets[0].registry=my.azurecr.io,pullSecrets[0].namespaces={a}'],
        ...['--set', 'pullSecrets[0].envFrom[0].secretRef.name=principal'],
      );
      const pod = at(find(objects, 'CronJob'), 'spec.jobTemplate.spec.template.spec');
      expect(listOf(at(pod, 'volumes')).map(({ name }) => name)).toEqual(['cluster']);
      expect(at(pod, 'containers.0.envFrom')).toEqual([{ secretRef: { name: 'principal' } }]);
    });
  });

  test.each([
    [[], /image\.repository is not set: copy the image of a release/],
    [[...IMAGE, '--set', 'kubelet.mode=nodes'], /kubelet[./]mode/],
    [[...IMAGE, '--set', 'kubelet.modes=node'], /modes/],
    [[...IMAGE, '--set', 'kubelet.binDir=opt/bin'], /binDir/],
    [[...IMAGE, '--set', 'kubelet.name=mine'], /kubelet\.name must begin with acr-credential-provider/],
    [[...IMAGE, '--set', 'kubelet.mode=identity-binding'], /kubelet\.identityBinding\.sniName is not set/],
    [
      [...IMAGE, '--set', 'kubelet.mode=service-account,kubelet.clouds={public,china}'],
      /tokens have different audiences/,
    ],
    [[...IMAGE, '--set', 'kubelet.mode=service-account,kubelet.clouds={germany}'], /set kubelet\.audience/],
    [[...IMAGE, '--set', 'kubelet.requireServiceAccount=true'], /requireServiceAccount needs a mode with tokens/],
    [[...IMAGE, '--set', 'kubelet.audience=api://a'], /audience needs a mode with tokens/],
    [[...IMAGE, ...BINDING], /identityBinding\.apiserverIp needs kubelet\.mode identity-binding/],
    [[...IMAGE, '--set', 'kubelet.config=kind: Other'], /kubelet\.config is not a CredentialProviderConfig/],
    [[...IMAGE, '--set', 'kubelet.registries={a..azurecr.io}'], /registries/],
    [[...IMAGE, '--set', 'pullSecrets[0].name=acr'], /registry/],
    [
      [
        ...[...IMAGE, '--set', 'pullSecrets[0].name=acr,pullSecrets[0].registry=a.azurecr.io'],
        ...['--set', 'pullSecrets[0].namespaces={a,b},pullSecrets[1].namespaces={b},pullSecrets[1].jobName=other'],
        ...['--set', 'pullSecrets[1].name=acr,pullSecrets[1].registry=b.azurecr.io'],
      ],
      /two pull secrets are the Secret b\/acr/,
    ],
    [
      [
        ...[...IMAGE, '--set', 'pullSecrets[0].name=acr,pullSecrets[0].registry=a.azurecr.io'],
        ...['--set', 'pullSecrets[0].namespaces={a},pullSecrets[1].namespaces={b}'],
        ...['--set', 'pullSecrets[1].name=acr,pullSecrets[1].registry=b.azurecr.io'],
      ],
      /two pull secrets have the name .*: set jobName/,
    ],
  ])('refuses %j, and says why', async (args, why) => {
    const { exitCode, output } = await runHelm('template', ...args);
    expect([exitCode, output]).toEqual([1, expect.stringMatching(why)]);
  });

  test.each([
    [[], /^The program is being installed on the nodes:[\s\S]*--image-credential-provider-config=/],
    [['--set', 'kubelet.mode=service-account'], /annotate serviceaccount NAME docker-credential-acr\/client-id=/],
    [['--set', 'kubelet.uninstall=true'], /helm --namespace acr uninstall/],
    [['--values', exampleFile('pull-secrets')], /create job \S+-first --from=cronjob\//],
  ])('tells what is left to do: %j', async (args, words) => {
    expect(await renderNotes(...IMAGE, ...args)).toMatch(words);
  });
});

/** The notes after an installation. Helm shows them only with a cluster, so here a template of its own renders them. */
async function renderNotes(...args: readonly string[]): Promise<string> {
  const chart = folder.path('chart');
  cpSync(CHART, chart, { recursive: true });
  renameSync(join(chart, 'templates', 'NOTES.txt'), join(chart, 'NOTES.txt'));
  writeFileSync(join(chart, 'templates', 'notes.yaml'), 'text: {{ tpl (.Files.Get "NOTES.txt") . | quote }}\n');
  const { exitCode, output } = await runCommand(helm ?? '', [
    ...['template', RELEASE, chart, '--namespace', 'acr', '--kube-version', KUBE_VERSION],
    ...['--show-only', 'templates/notes.yaml', ...args],
  ]);
  expect([exitCode, output]).toEqual([0, expect.any(String)]);
  return asText(at(parse(output), 'text'))?.trim() ?? '';
}

function configOf(objects: readonly JsonObject[]): unknown {
  return asJsonObject(find(objects, 'ConfigMap')['data'])?.['config.yaml'];
}

function listOf(value: unknown): readonly JsonObject[] {
  return Array.isArray(value) ? value.map((one: unknown) => asJsonObject(one) ?? {}) : [];
}

function listTexts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
