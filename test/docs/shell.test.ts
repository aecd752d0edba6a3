/** Every shell block of the documents is run on a throw-away machine, and does what the document says. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { asJsonObject } from '../../src/json.ts';
import { VERSION } from '../../src/version.ts';
import { startEmulator } from '../emulator/emulator.ts';
import { findHelperMistakes } from './configuration.ts';
import { blocksOf, DOCUMENTS } from './markdown.ts';
import { createSandbox, type Sandbox, type ShellResult, storeToken } from './sandbox.ts';

const HOST = 'myregistry.azurecr.io';
const REPOSITORY = manifest.repository.replace('github:', '');
const NULL_GUID = '00000000-0000-0000-0000-000000000000';

interface Expectation {
  readonly document: string;
  /** How the block begins, which tells it from the others of its document. */
  readonly begins: string;
  /** How other programs are called. */
  readonly calls: readonly string[];
  /** Whether a person says yes to the question that `configure` asks. */
  readonly isAnswered?: boolean;
  readonly prepare?: (sandbox: Sandbox) => Promise<unknown>;
  /** Whether the block reaches Azure, which is emulated. */
  readonly reachesAzure?: true;
  readonly check?: (result: ShellResult, sandbox: Sandbox) => Promise<void>;
}

const install = 'install dist/docker-credential-acr /usr/local/bin/';

/** It prints nothing here, so that nothing is installed: `test/release` does that. */
const download = `curl -fsSL ${manifest.homepage}/releases/latest/download/install.sh`;

const EXPECTATIONS: readonly Expectation[] = [
  {
    document: 'README.md',
    begins: 'npm ci && npm run demo',
    calls: ['npm ci', 'npm run demo', 'npm ci', 'npm test'],
  },
  {
    document: 'README.md',
    begins: `${download} | sh\n`,
    calls: [download, `docker pull ${HOST}/team/app`],
    isAnswered: true,
    check: (_result, sandbox) => expectHelper(sandbox, '.docker/config.json'),
  },
  {
    document: 'CONTRIBUTING.md',
    begins: 'npm ci\n',
    calls: ['npm ci', 'npm run build', 'npm run check', 'npm test'],
  },
  { document: 'CONTRIBUTING.md', begins: 'npm test -- scripts -u', calls: ['npm test -- scripts -u'] },
  { document: 'CONTRIBUTING.md', begins: 'npm run bump', calls: ['npm run bump -- 0.2.0'] },
  {
    document: 'docs/commands.md',
    begins: `docker-credential-acr token ${HOST} --docker-login`,
    calls: [
      ...['docker login', 'helm registry login'].map(
        (login) => `${login} ${HOST} --username ${NULL_GUID} --password-stdin`,
      ),
      'kubectl apply -f -',
    ],
    prepare: (sandbox) => storeToken(sandbox, HOST),
    check: async ({ stdout, stderr }) => expect({ stdout, stderr }).toEqual({ stdout: '', stderr: '' }),
  },
  { document: 'docs/install.md', begins: `${download} | sh\n`, calls: [download] },
  { document: 'docs/install.md', begins: `${download} |\n`, calls: [download] },
  {
    document: 'docs/install.md',
    begins: 'npm ci && npm run build',
    calls: ['npm ci', 'npm run build', `sudo ${install}`, install],
  },
  {
    document: 'docs/library.md',
    begins: 'npm install --global',
    calls: ['npm install --global docker-credential-acr'],
    check: async ({ stdout }) => expect(stdout).toContain(`v${manifest.version}, `),
  },
  {
    document: 'docs/logins.md',
    begins: `echo '{"ServerURL"`,
    calls: [],
    check: async ({ stdout, stderr }, sandbox) => {
      expect(stderr).toMatch(/^docker-credential-acr: warning: credentials are stored unencrypted in [^\n]*\n$/);
      const [listed, got] = stdout
        .trimEnd()
        .split('\n')
        .map((line): unknown => JSON.parse(line));
      expect(listed).toEqual({ [HOST]: 'ci' });
      expect(got).toEqual({ ServerURL: HOST, Username: 'ci', Secret: 'not-a-real-password' });
      expect((await sandbox.run('docker-credential-acr list')).stdout).toBe('{}\n');
    },
  },
  {
    document: 'docs/sign-in.md',
    begins: 'docker-credential-acr login',
    calls: [`docker pull ${HOST}/team/app`],
    reachesAzure: true,
    check: async ({ stdout, stderr }) => {
      expect(stderr).toContain('Open this page on any device, and type the code:');
      expect(stdout).toMatch(/^Signed in as \S+ \(tenant \S+\)\.\nGot a token of myregistry\.azurecr\.io, /);
    },
  },
  {
    document: 'docs/sign-in.md',
    begins: 'az ad app create',
    calls: [
      'az ad app create --display-name docker-credential-acr --public-client-redirect-uris http://localhost --is-fallback-public-client true',
    ],
  },
  ...['kubelet.manageConfig=false', 'kubelet.mode=service-account'].map((value) => {
    const call = `helm install docker-credential-acr scripts/kubernetes/chart --namespace docker-credential-acr --create-namespace --set image.repository=registry.example.com/docker-credential-acr --set ${value}`;
    return { document: 'docs/kubernetes.md', begins: call, calls: [call] };
  }),
  {
    document: 'docs/kubernetes.md',
    begins: 'docker-credential-acr kubelet config',
    calls: ['kubectl apply -f -'],
    check: async (_result, sandbox) => {
      const config = readFileSync(join(sandbox.home, 'acr.yaml'), 'utf8');
      expect(config).toContain('serviceAccountTokenAudience: api://AzureADTokenExchange\n');
    },
  },
  {
    document: 'docs/kubernetes.md',
    begins: 'az identity federated-credential create',
    calls: [
      'az identity federated-credential create --identity-name puller --resource-group mygroup --name team-app --issuer https://oidc.example.com/cluster --subject system:serviceaccount:team:app --audiences api://AzureADTokenExchange',
    ],
  },
  {
    document: 'docs/recipes.md',
    begins: `docker-credential-acr configure ${HOST} --podman`,
    calls: [`podman pull ${HOST}/team/app`],
    check: (_result, sandbox) => expectHelper(sandbox, '.config/containers/auth.json'),
  },
  {
    document: 'docs/recipes.md',
    begins: `docker-credential-acr configure ${HOST} --helm`,
    calls: [`helm pull oci://${HOST}/charts/app`],
    check: (_result, sandbox) => expectHelper(sandbox, '.config/helm/registry/config.json'),
  },
  {
    document: 'docs/configure.md',
    begins: `docker-credential-acr configure ${HOST} --yes`,
    calls: [`docker pull ${HOST}/team/app`],
    check: (_result, sandbox) => expectHelper(sandbox, '.docker/config.json'),
  },
  {
    document: 'docs/configure.md',
    begins: `docker-credential-acr unconfigure ${HOST} --yes`,
    calls: [],
    prepare: (sandbox) => sandbox.run(`docker-credential-acr configure ${HOST} --yes`),
    check: async (_result, sandbox) => {
      expect(existsSync(join(sandbox.home, '.docker'))).toBe(false);
    },
  },
  ...['node', 'pull-secrets'].map((example): Expectation => {
    const name = example === 'node' ? 'docker-credential-acr' : `acr-${example}`;
    const begins = `helm install ${name} scripts/kubernetes/chart`;
    const options = `--namespace docker-credential-acr --create-namespace --values scripts/kubernetes/examples/${example}.yaml`;
    const image = '--set image.repository=registry.example.com/docker-credential-acr';
    return { document: 'scripts/kubernetes/README.md', begins, calls: [`${begins} ${options} ${image}`] };
  }),
  {
    document: 'scripts/kubernetes/README.md',
    begins: 'skopeo copy --all',
    calls: [
      `skopeo copy --all oci-archive:docker-credential-acr-${VERSION}-image.oci.tar docker://registry.example.com/docker-credential-acr:${VERSION}`,
    ],
  },
  {
    document: 'scripts/kubernetes/README.md',
    begins: 'helm upgrade docker-credential-acr',
    calls: [
      'helm upgrade docker-credential-acr scripts/kubernetes/chart --namespace docker-credential-acr --reuse-values --set kubelet.uninstall=true',
      'kubectl --namespace docker-credential-acr rollout status daemonset/docker-credential-acr-node',
      'helm uninstall docker-credential-acr --namespace docker-credential-acr',
    ],
  },
  { document: 'docs/migration.md', begins: 'docker logout', calls: [`docker logout ${HOST}`] },
  {
    document: 'docs/migration.md',
    begins: 'sudo ln -s',
    calls: ['sudo', ''].map((sudo) =>
      `${sudo} ln -s docker-credential-acr /usr/local/bin/docker-credential-acr-env`.trimStart(),
    ),
  },
  {
    document: 'docs/migration.md',
    begins: 'docker-credential-acr version',
    calls: [],
    check: async ({ stdout }) => {
      expect(stdout).toContain(`docker-credential-acr (docker-credential-acr) v${manifest.version}, `);
    },
  },
  // test/release/verify.test.ts runs the first two with the real programs.
  { document: 'docs/verify.md', begins: 'sha256sum', calls: ['sha256sum --check --ignore-missing SHA256SUMS'] },
  {
    document: 'docs/verify.md',
    begins: 'minisign',
    calls: [
      'minisign -V -p docker-credential-acr.pub -m SHA256SUMS',
      'cosign verify-blob --key docker-credential-acr.pem --insecure-ignore-tlog --bundle SHA256SUMS.sigstore.json SHA256SUMS',
    ],
  },
  {
    document: 'docs/verify.md',
    begins: 'gh attestation',
    calls: ['', ' --predicate-type https://cyclonedx.org/bom'].map(
      (more) => `gh attestation verify docker-credential-acr-*-linux-x64.tar.xz --repo ${REPOSITORY}${more}`,
    ),
  },
  { document: 'docs/verify.md', begins: 'npm audit', calls: ['npm audit signatures'] },
  {
    document: 'docs/verify.md',
    begins: 'git clone',
    calls: [
      `git clone --branch v1.2.3 ${manifest.homepage}`,
      ...['npm ci', 'npm run release', 'diff dist/release/SHA256SUMS ../SHA256SUMS'],
    ],
    prepare: async ({ home }) => mkdirSync(join(home, 'docker-credential-acr')),
  },
];

/** The block has written what a client reads, and leaves alone what is there when it is run again. */
async function expectHelper(sandbox: Sandbox, file: string): Promise<void> {
  const path = join(sandbox.home, file);
  expect(existsSync(path), file).toBe(true);
  const { credHelpers } = asJsonObject(JSON.parse(readFileSync(path, 'utf8'))) ?? {};
  expect(findHelperMistakes(asJsonObject(credHelpers) ?? {})).toEqual([]);
}

/** Runs commands where Azure is emulated, and its person signs in at once. */
async function runInCloud({ run }: Sandbox, script: string): Promise<ShellResult> {
  const emulator = await startEmulator();
  emulator.state.signIn.intervalSeconds = 1;
  try {
    return await run(script, emulator.environment());
  } finally {
    await emulator.close();
  }
}

let sandbox: Sandbox;
beforeEach(() => {
  sandbox = createSandbox();
});
afterEach(() => sandbox.remove());

const BLOCKS = blocksOf('sh').map((block) => ({
  block,
  place: `${block.document}:${block.line}`,
  expectations: EXPECTATIONS.filter(
    ({ document, begins }) => document === block.document && block.text.startsWith(begins),
  ),
}));

test('every block is expected, and everything expected is there', () => {
  expect(BLOCKS.filter(({ expectations }) => expectations.length !== 1).map(({ place }) => place)).toEqual([]);
  expect(BLOCKS).toHaveLength(EXPECTATIONS.length);
});

test.each(BLOCKS)('$place does what it says', async ({ block, expectations }) => {
  const [expectation] = expectations;
  await expectation?.prepare?.(sandbox);
  const answer = expectation?.isAnswered === true ? ' --yes' : '';
  const text = block.text.replaceAll(/^docker-credential-acr configure .*$/gm, `$&${answer}`);
  const result = await (expectation?.reachesAzure === true ? runInCloud(sandbox, text) : sandbox.run(text));
  expect({ exitCode: result.exitCode, stderr: result.exitCode === 0 ? '' : result.stderr }).toEqual({
    exitCode: 0,
    stderr: '',
  });
  expect(sandbox.calls()).toEqual(expectation?.calls);
  await expectation?.check?.(result, sandbox);
});

describe('the block that configures Docker', () => {
  const configure =
    BLOCKS.find(({ block }) => block.text.startsWith(`docker-credential-acr configure ${HOST} --yes`))?.block.text ??
    'false';

  test('leads Docker to a program that knows the registry as its own', async () => {
    await sandbox.run(configure);
    expect((await sandbox.run('docker-credential-acr list')).stdout).toContain(`"${HOST}"`);
  });

  test('keeps what is there', async () => {
    mkdirSync(join(sandbox.home, '.docker'));
    const file = join(sandbox.home, '.docker', 'config.json');
    writeFileSync(file, '{"auths":{}}');
    expect((await sandbox.run(configure)).exitCode).toBe(0);
    expect(readFileSync(file, 'utf8')).toBe(`{"auths":{},"credHelpers":{"${HOST}":"acr"}}`);
  });
});

test('a program that no document may name is not found', async () => {
  expect((await sandbox.run('wget https://example.com')).exitCode).toBe(127);
});

test('every npm script that a document names is one', () => {
  const text = DOCUMENTS.map((document) => document.text).join('\n');
  const names = [...text.matchAll(/npm run (?:--silent )?([a-z]+)/g)].map(([, name = '']) => name);
  expect(names.length).toBeGreaterThan(5);
  expect(Object.keys(manifest.scripts)).toEqual(expect.arrayContaining(names));
});

test('every script that a document has run by Node is there', () => {
  const text = DOCUMENTS.map((document) => document.text).join('\n');
  const files = [...text.matchAll(/node (scripts\/[\w/-]+\.ts)/g)].map(([, file = '']) => file);
  expect(files.length).toBeGreaterThan(2);
  for (const file of files) expect(existsSync(join(import.meta.dirname, '../..', file)), file).toBe(true);
});
