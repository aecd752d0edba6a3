/** `kubelet doctor` on nodes that are right, wrong and hostile. */

import { chmodSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { VERSION } from '../../src/version.ts';
import { isRunning } from '../unit/running-process.ts';
import { makeToken } from '../unit/token.ts';
import { KubeletMachine, type NodeRun } from './kubelet-node.ts';

const IMAGE = 'my.azurecr.io/team/app';
const SECRET = 'the-secret-of-the-registry';
const API = 'credentialprovider.kubelet.k8s.io/v1';
const NULL_GUID = '00000000-0000-0000-0000-000000000000';

let node: KubeletMachine;
beforeEach(() => {
  node = new KubeletMachine();
});
afterEach(() => node.remove());

/** A script that prints a response. */
function respond(changes: object = {}, before = ''): string {
  const response = {
    ...{ kind: 'CredentialProviderResponse', apiVersion: API, cacheKeyType: 'Registry', cacheDuration: '1h0m0s' },
    auth: {
      'my.azurecr.io': { username: NULL_GUID, password: SECRET },
      'my*.azurecr.io': { username: '', password: '' },
    },
    ...changes,
  };
  // The doctor asks for the version at the same time.
  return `[ "$1" != --version ] || exit 0\n${before}\ncat > '${node.folder}/request.json'\necho '${JSON.stringify(response)}'`;
}

describe('a node that works', () => {
  test('is examined by what its kubelet was started with', async () => {
    node.startKubelet('1.36.3', ['--kubeconfig=/k']);
    utimesSync(node.configFile, 1_750_000_000, 1_750_000_000);
    const { results, linesOf, text } = await node.examine();
    expect(results.filter(({ status }) => status === 'problem' || status === 'warning')).toEqual([]);
    expect(linesOf('kubelet')).toEqual([
      `ok: the kubelet (process 100) reads ${node.configFile}, and runs the programs in ${node.binFolder}`,
    ]);
    expect(linesOf('configuration')).toEqual([`ok: ${node.configFile} is valid, and names acr-credential-provider`]);
    const plugin = join(node.binFolder, 'acr-credential-provider');
    expect(linesOf('programs')).toEqual([
      expect.stringMatching(`^ok: ${plugin}, a link to ${node.programFile}, is this program, version `),
    ]);
    expect(linesOf('features')).toEqual(['ok: Kubernetes 1.36 knows everything in it']);
    expect(linesOf('environment')).toEqual([`ok: tokens are kept in ${node.folder}/home/.cache/docker-credential-acr`]);
    expect(text).toMatch(/\nNo problem found\.\n$/);
  });

  test('has a plug-in that is asked as the kubelet asks it', async () => {
    node.configure({ azureJson: node.write(join(node.folder, 'azure.json'), '{}') });
    node.startKubelet('1.36.3', [], { environment: { FROM_KUBELET: 'yes', HOME: '/nowhere' } });
    node.install(
      respond({}, `env > '${node.folder}/env'; echo "$@" > '${node.folder}/args'; pwd > '${node.folder}/pwd'`),
    );
    const { linesOf, find } = await node.examine({ image: `${IMAGE}:v1`, variables: { FROM_SHELL: 'yes' } });
    expect(linesOf('image')).toEqual([
      expect.stringMatching(
        new RegExp(
          `^ok: a pod gets the user ${NULL_GUID} and a password, from acr-credential-provider in \\d\\.\\d s; the kubelet keeps it for 1 h, by registry$`,
        ),
      ),
    ]);
    expect(find('image')?.details).toMatchObject({ image: IMAGE, cacheSeconds: 3600, others: 1 });
    const read = (name: string) => readFileSync(join(node.folder, name), 'utf8');
    expect(JSON.parse(read('request.json'))).toEqual({
      kind: 'CredentialProviderRequest',
      apiVersion: API,
      image: IMAGE,
    });
    expect(read('args')).toBe(`${node.folder}/azure.json\n`);
    expect(read('env')).toContain('FROM_KUBELET=yes');
    expect(read('env')).not.toContain('FROM_SHELL');
  });

  test('says when the token expires, and never shows it', async () => {
    const password = makeToken({ exp: Math.floor(Date.now() / 1000) + 10_790 });
    node.install(respond({ auth: { 'my.azurecr.io': { username: NULL_GUID, password } }, cacheDuration: '2h30m' }));
    const { find, text, json, report } = await node.examineFiles({ image: IMAGE });
    expect(find('image', 'ok')?.what).toMatch(
      / and a token, which expires in 3 h, .* keeps it for 2 h 30 min, by registry$/,
    );
    for (const written of [text, json, report]) expect(written).not.toContain(password);
  });

  test('is reported in public without its names', async () => {
    node.install(respond());
    const { report } = await node.examineFiles({ image: IMAGE });
    expect(report).toContain('a pod gets the user 00000000…');
    expect(report).not.toContain('my.azurecr.io');
  });
});

describe('the kubelet', () => {
  test('is missing, and nothing says where its configuration is', async () => {
    const { find } = await node.examine();
    expect(find('kubelet')).toMatchObject({
      status: 'problem',
      what: 'no kubelet runs here, so it cannot say where its configuration is',
      fix: 'docker-credential-acr kubelet doctor --config FILE --bin-dir FOLDER',
    });
  });

  test('is missing, and what lies where installers put it is examined', async () => {
    const config = node.write(join(node.folder, 'var/lib/kubelet/credential-provider-config.yaml'), 'kind: x');
    const { find } = await node.examine();
    expect(find('kubelet')).toMatchObject({ status: 'warning', fix: 'journalctl -u kubelet -n 50' });
    expect(find('configuration')?.what).toMatch(new RegExp(`^${config}:1: `));
  });

  test('runs without one of the flags', async () => {
    node.startProcess(7, { args: ['kubelet', `--image-credential-provider-config=${node.configFile}`] });
    const { find } = await node.examine();
    expect(find('kubelet')).toMatchObject({
      status: 'problem',
      what: 'the kubelet (process 7) runs without --image-credential-provider-bin-dir, so it asks no plug-in',
    });
  });

  test('of k3s reads what lies in its folder', async () => {
    const place = join(node.folder, 'var/lib/rancher/credentialprovider');
    node.write(join(place, 'config.yaml'), readFileSync(node.configFile, 'utf8'));
    mkdirSync(join(place, 'bin'));
    node.startProcess(8, { args: ['/usr/local/bin/k3s', 'server', '--kubelet-arg=feature-gates=A=true'] });
    const { linesOf } = await node.examine();
    expect(linesOf('kubelet')).toEqual([
      `ok: the kubelet (process 8) reads ${place}/config.yaml, and runs the programs in ${place}/bin`,
    ]);
    expect(linesOf('programs')[0]).toBe(
      `problem: there is no ${place}/bin/acr-credential-provider, so the kubelet does not start`,
    );
  });

  test('of k3s reads what its own file names', async () => {
    node.write(
      join(node.folder, 'etc/rancher/k3s/config.yaml'),
      `image-credential-provider-config: ${node.configFile}\nimage-credential-provider-bin-dir: ${node.binFolder}\n`,
    );
    // It writes its command line as one word.
    node.startProcess(9, { args: ['/usr/local/bin/k3s agent'] });
    const { linesOf } = await node.examine();
    expect(linesOf('kubelet')[0]).toContain(`ok: the kubelet (process 9) reads ${node.configFile}, `);
  });

  test('runs in another container', async () => {
    node.startKubelet('1.36.0', [], { mountNamespace: 'mnt:[2]' });
    const { find } = await node.examine();
    expect(find('kubelet', 'warning')).toMatchObject({
      what: 'the kubelet runs in another container, so the files that it sees are not those examined here',
      fix: 'nsenter --target 100 --mount docker-credential-acr kubelet doctor --config FILE --bin-dir FOLDER',
    });
  });

  test('in another container says nothing of files that are named', async () => {
    node.startKubelet('1.30.0', [], { mountNamespace: 'mnt:[2]', environment: { OF_THE_OTHER: 'yes' } });
    node.install(respond({}, `env > '${node.folder}/env'`));
    const { linesOf } = await node.examineFiles({ image: IMAGE });
    expect(linesOf('kubelet')).toEqual(['note: no kubelet runs here; what is examined is what you named']);
    expect(readFileSync(join(node.folder, 'env'), 'utf8')).not.toContain('OF_THE_OTHER');
  });

  test('of this machine gives its environment and version to files that are named', async () => {
    node.startKubelet('1.30.0', [], { environment: { OF_THE_KUBELET: 'yes' }, startedAtMs: Date.now() - 60_000 });
    node.install(respond({}, `env > '${node.folder}/env'`));
    const { linesOf } = await node.examine({ image: IMAGE, config: node.configFile, binDir: node.binFolder });
    expect(linesOf('kubelet')).toEqual([
      'note: the kubelet (process 100) may read something else: what is examined is what you named',
    ]);
    expect(linesOf('features')).toEqual(['ok: Kubernetes 1.30 knows everything in it']);
    // It reads another file, perhaps, so that nothing has to be restarted.
    expect(linesOf('configuration')).toHaveLength(1);
    expect(readFileSync(join(node.folder, 'env'), 'utf8')).toContain('OF_THE_KUBELET=yes');
  });

  test('has not read the configuration since it was changed', async () => {
    node.startKubelet('1.36.0', [], { startedAtMs: Date.now() - 60_000 });
    const { find } = await node.examine();
    expect(find('configuration', 'warning')).toMatchObject({
      what: `${node.configFile} was changed after the kubelet had started, and has no effect yet`,
      fix: 'sudo systemctl restart kubelet',
    });
  });

  test.skipIf(process.getuid?.() !== 0)('is none when another user started it', async () => {
    node.startKubelet('1.36.0');
    const { chownSync } = await import('node:fs');
    chownSync(join(node.folder, 'proc', '100'), 65_534, 65_534);
    node.writeProgram(join(node.folder, 'proc', '100', 'exe'), `touch '${node.folder}/was-run'`);
    expect((await node.examine()).find('kubelet')?.what).toMatch(/^no kubelet runs here/);
    expect(() => statSync(join(node.folder, 'was-run'))).toThrow();
  });
});

describe('the programs', () => {
  const plugin = () => join(node.binFolder, 'acr-credential-provider');

  test.each<[name: string, prepare: () => void, what: () => string, fix: () => string]>([
    [
      'is missing',
      () => rmSync(plugin()),
      () => `there is no ${plugin()}, so the kubelet does not start`,
      () => `sudo ln -sf ${node.programFile} ${plugin()}`,
    ],
    [
      'is a link to nothing',
      () => node.link('acr-credential-provider', '/nowhere/program'),
      () => `${plugin()} is a link to /nowhere/program, which is not there, so the kubelet does not start`,
      () => `sudo ln -sf ${node.programFile} ${plugin()}`,
    ],
    [
      'is a link in a circle',
      () => node.link('acr-credential-provider', plugin()),
      () => `the link ${plugin()} leads in a circle, so the kubelet does not start`,
      () => `sudo ln -sf ${node.programFile} ${plugin()}`,
    ],
    [
      'is a folder',
      () => {
        rmSync(plugin());
        mkdirSync(plugin());
      },
      () => `${plugin()} is not a file, so the kubelet does not start`,
      () => `ls -ld ${plugin()}`,
    ],
    [
      'is not executable',
      () => chmodSync(node.programFile, 0o644),
      () => `${plugin()} is not executable, so the kubelet does not start`,
      () => `sudo chmod 755 ${node.programFile}`,
    ],
    [
      'can be replaced by others',
      () => chmodSync(node.programFile, 0o777),
      () => `other users can replace ${node.programFile}, which the kubelet runs as root`,
      () => `sudo chown root ${node.programFile} && sudo chmod go-w ${node.programFile}`,
    ],
    [
      'is in a folder of everybody',
      () => chmodSync(node.binFolder, 0o777),
      () => `other users can replace ${node.binFolder}, which the kubelet runs as root`,
      () => `sudo chown root ${node.binFolder} && sudo chmod go-w ${node.binFolder}`,
    ],
  ])('one %s', async (_name, prepare, what, fix) => {
    prepare();
    const { find } = await node.examineFiles();
    expect(find('programs')).toMatchObject({ status: 'problem', what: what(), fix: fix() });
  });

  test('one that others can replace is not run', async () => {
    node.install(`touch '${node.folder}/was-run'`);
    chmodSync(node.binFolder, 0o777);
    const { linesOf } = await node.examineFiles({ image: IMAGE });
    expect(linesOf('image')).toEqual([`skipped: ${plugin()} is not run, since other users can replace it`]);
    expect(() => statSync(join(node.folder, 'was-run'))).toThrow();
  });

  test.each([
    [
      'acr-credential-provider version v1.36.5',
      'note',
      "is the plug-in of Azure's cloud provider, version v1.36.5, and not this program",
    ],
    [
      'docker-credential-acr (docker-credential-acr) v0.0.1',
      'warning',
      `is version 0.0.1 of this program; this is version ${VERSION}`,
    ],
    [
      `acr-credential-provider (docker-credential-acr) v${VERSION}, commit 0123456789ab, Node 26.10.0`,
      'ok',
      `is this program, version ${VERSION}`,
    ],
    ['something 1.0', 'note', 'is another program'],
  ])('one that says %j', async (said, status, what) => {
    node.install(`echo '${said}'`);
    const { linesOf } = await node.examineFiles();
    expect(linesOf('programs')).toEqual([`${status}: ${plugin()} ${what}`]);
  });

  test.each([
    [
      'libatomic.so.1',
      'apt-get install libatomic1, or dnf install libatomic, or put libatomic.so.1 of the archive beside the executable',
    ],
    ['libstdc++.so.6', 'install the package that has libstdc++.so.6'],
  ])('one that cannot be started without %s', async (library, fix) => {
    const error = `error while loading shared libraries: ${library}: cannot open shared object file`;
    node.install(`echo "$0: ${error}: No such file or directory" >&2; exit 127`);
    const examined = await node.examineFiles();
    expect(examined.linesOf('programs')).toEqual([
      `problem: ${plugin()} cannot be started: the node has no ${library}`,
    ]);
    expect(examined.find('programs')?.fix).toBe(fix);
  });

  test.each(['$(pwned)', 'a;pwned', '`pwned`', "x';pwned;'", 'a&pwned', '-pwned'])(
    'a hostile name is quoted: %s',
    async (name) => {
      node.configure({}, (text) => text.replace('"acr-credential-provider"', JSON.stringify(name)));
      const fix = (await node.examineFiles()).find('programs')?.fix ?? '';
      expect(fix).toContain('sudo ln -sf ');
      expect(fix.replaceAll(/'[^']*'/g, 'WORD')).not.toMatch(/[$;&`](?:\(|pwned)/);
    },
  );

  test.each([
    ['acr-login', [], ['ok', 'problem']],
    ['acr-login', ['kubelet'], ['ok']],
    ['acr-credential-provider', [], ['ok']],
  ])('this program under the name %s with the arguments %j', async (name, args, statuses) => {
    node.link(name);
    node.configure({}, (text) =>
      text
        .replace('"acr-credential-provider"', JSON.stringify(name))
        .replace('"defaultCacheDuration"', `"args": ${JSON.stringify(args)}, "defaultCacheDuration"`),
    );
    const { results, linesOf } = await node.examineFiles();
    expect(results.filter(({ check }) => check === 'programs').map(({ status }) => status)).toEqual(statuses);
    if (statuses.length > 1)
      expect(linesOf('programs')[1]).toMatch(/: called as acr-login, this program is a plug-in only/);
  });

  test('a name that leads out of the folder is not followed', async () => {
    node.configure({}, (text) => text.replace('"acr-credential-provider"', '"../../usr/docker-credential-acr"'));
    const { linesOf } = await node.examineFiles({ image: IMAGE });
    expect(linesOf('programs')).toEqual(['skipped: the configuration names no program']);
    expect(linesOf('image')).toEqual(['skipped: the kubelet does not start with this configuration']);
  });
});

describe('the configuration', () => {
  test('has patterns that match nothing, and lacks others', async () => {
    node.configure({}, (text) =>
      text.replace(
        /"matchImages": \[[^\]]*\]/,
        '"matchImages": ["https://my.azurecr.io", "azurecr.io", "*.azurecr.io", "my.azurecr.io/*", "a.example:443"]',
      ),
    );
    const { results } = await node.examineFiles();
    const seen = results.filter(({ check, status }) => check === 'configuration' && status !== 'ok');
    expect(seen.map(({ status, what, fix }) => [status, what.replace(/^\S+ /, ''), fix])).toEqual([
      ['problem', '"https://my.azurecr.io" matches no image: an image has no scheme', "- 'my.azurecr.io'"],
      ['problem', '"azurecr.io" matches no image: the name of a registry stands before it', "- '*.azurecr.io'"],
      [
        'problem',
        '"my.azurecr.io/*" matches no image: a * stands for a part of the host only; a path matches all that begins with it',
        "- 'my.azurecr.io'",
      ],
      ['warning', '"a.example:443" matches only images whose names have the port too', "- 'a.example'"],
      [
        'warning',
        'acr-credential-provider is not asked for images of regional endpoints, such as NAME.REGION.geo.azurecr.io',
        "add to matchImages: - '*.*.geo.azurecr.io'",
      ],
    ]);
  });

  test('is not told in full when everything in it is wrong', async () => {
    node.configure({}, (text) => text.replace('"matchImages"', `${'"x":1,'.repeat(1)}"matchImages"`));
    const fields = Array.from({ length: 60 }, (_, index) => `"field${index}": 1`).join(',');
    node.configure({}, (text) => text.replace('"kind"', `${fields},"kind"`));
    const lines = (await node.examineFiles()).linesOf('configuration');
    expect(lines).toHaveLength(21);
    expect(lines.at(-1)).toBe(`problem: ${node.configFile}: there are 40 more mistakes`);
  });
});

describe('the features', () => {
  const GATE = 'KubeletServiceAccountTokenForCredentialProviders';

  test.each<[version: string, flags: readonly string[], lines: readonly string[]]>([
    ['1.36.0', [], ['ok: Kubernetes 1.36 knows everything in it']],
    [
      '1.36.0',
      [`--feature-gates=${GATE}=false`],
      [`problem: the gate ${GATE} is off, so the kubelet does not start with "tokenAttributes"`],
    ],
    [
      '1.36.0',
      ['--feature-gates', 'AllBeta=false'],
      [`problem: the gate ${GATE} is off, so the kubelet does not start with "tokenAttributes"`],
    ],
    [
      '1.36.0',
      ['--feature-gates=AllBeta=false', `--feature-gates=${GATE}=true`],
      ['ok: Kubernetes 1.36 knows everything in it'],
    ],
    [
      '1.33.1',
      [],
      [
        `problem: the gate ${GATE} is off, so the kubelet does not start with "tokenAttributes"`,
        'problem: Kubernetes 1.33 does not know "cacheType", so the kubelet does not start',
      ],
    ],
    [
      '1.33.1',
      ['--feature-gates=AllAlpha=true'],
      ['problem: Kubernetes 1.33 does not know "cacheType", so the kubelet does not start'],
    ],
    ['1.32.9', [], ['problem: Kubernetes 1.32 does not know "tokenAttributes", so the kubelet does not start']],
    [
      '1.25.9',
      [],
      [
        'problem: Kubernetes 1.25 does not know the version v1 of the configuration, so the kubelet does not start',
        'problem: Kubernetes 1.25 does not know "tokenAttributes", so the kubelet does not start',
      ],
    ],
    [
      '1.20.0',
      [],
      [
        'problem: the kubelet of Kubernetes 1.20 asks plug-ins only behind the gate KubeletCredentialProviders',
        'problem: Kubernetes 1.20 does not know "tokenAttributes", so the kubelet does not start',
      ],
    ],
    ['0.0.0-master', [], ["note: the kubelet's version is not known"]],
  ])('of %s with %j', async (version, flags, lines) => {
    node.configure({ mode: 'service-account' });
    node.startKubelet(version, flags);
    const seen = (await node.examine()).linesOf('features');
    expect(seen.map((line) => line.replace(`${node.configFile}:`, '').replace(/: \d+: /, ': '))).toEqual(lines);
  });

  test('a missing cacheType keeps a new kubelet from starting', async () => {
    node.configure({ mode: 'service-account', kubernetesVersion: '1.33' });
    const { find } = await node.examineFiles();
    expect(find('features', 'problem')).toMatchObject({
      what: expect.stringContaining('"cacheType" is missing'),
      fix: 'cacheType: ServiceAccount',
    });
  });

  test.each(['the file', 'a file of the folder'])(
    "are read from the kubelet's own configuration: %s",
    async (where) => {
      node.configure({ mode: 'service-account' });
      const off = `featureGates: {${GATE}: false}\n`;
      const file = node.write(join(node.folder, 'kubelet.yaml'), where === 'the file' ? off : '{}');
      node.write(join(node.folder, 'kubelet.d', '10.conf'), where === 'the file' ? '{}' : off);
      node.startKubelet('1.36.0', [`--config=${file}`, `--config-dir=${node.folder}/kubelet.d`]);
      expect((await node.examine()).find('features', 'problem')?.what).toContain(`the gate ${GATE} is off`);
    },
  );

  test('a folder is none for an old kubelet', async () => {
    const folder = join(node.folder, 'providers.d');
    node.write(join(folder, 'one.yaml'), readFileSync(node.configFile, 'utf8'));
    const { find } = await node.examineFiles({ config: folder, kubernetesVersion: '1.33' });
    expect(find('features', 'problem')?.what).toBe(
      `${folder} is a folder, which a kubelet reads only since Kubernetes 1.34`,
    );
  });
});

describe('the arguments', () => {
  const withArgs = (args: readonly string[], name = 'acr-credential-provider') =>
    node.configure({ name }, (text) => {
      const { providers, ...rest } = JSON.parse(text);
      return JSON.stringify({ ...rest, providers: [{ ...providers[0], args }] });
    });

  test.each<[args: readonly string[], status: string, what: string, fix: string | undefined]>([
    [
      ['--x'],
      'problem',
      'cannot use the "args" of the kubelet\'s configuration: there is no option "--x"',
      'docker-credential-acr kubelet config prints a configuration that works',
    ],
    [
      ['azure.json'],
      'problem',
      'cannot use the "args" of the kubelet\'s configuration: "azure.json" is not an absolute path',
      'docker-credential-acr kubelet config prints a configuration that works',
    ],
    [
      ['kubelet'],
      'problem',
      'called as acr-credential-provider, this program takes "kubelet" for the name of a file',
      'remove "kubelet" from args',
    ],
    [
      ['/none/azure.json'],
      'problem',
      'cannot use /none/azure.json: there is no such file',
      `ls -l /none/azure.json; outside of Azure, leave it out of the "args" of the kubelet's configuration`,
    ],
  ])('%j', async (args, status, what, fix) => {
    withArgs(args);
    const found = (await node.examineFiles()).find('arguments');
    expect({ ...found, what: found?.what.replace(/^\S+:\d+: /, '') }).toMatchObject({ status, what, fix });
  });

  test('of this program under its own name begin with "kubelet"', async () => {
    withArgs([], 'docker-credential-acr');
    expect((await node.examineFiles()).find('arguments')).toMatchObject({
      status: 'problem',
      what: expect.stringContaining('is a plug-in only with the argument "kubelet"'),
      fix: "args: ['kubelet', …]",
    });
    withArgs(['kubelet'], 'docker-credential-acr');
    expect((await node.examineFiles()).find('arguments')?.status).toBe('ok');
  });

  test('name a file that is broken, or that others can read', async () => {
    const file = node.write(join(node.folder, 'azure.json'), '{\n"cloud": "AzurePublicCloud",\n"cloud": "x"}');
    withArgs([file]);
    expect((await node.examineFiles()).find('arguments')).toMatchObject({
      status: 'problem',
      what: expect.stringMatching(/: cannot use \S+: it has "cloud" twice, again in line 3$/),
      fix: `correct it: vi ${file}`,
    });
    writeFileSync(file, `{"aadClientSecret":"${SECRET}"}`);
    chmodSync(file, 0o644);
    const { find, text } = await node.examineFiles();
    expect(find('arguments', 'warning')).toMatchObject({
      what: `${file} holds a secret that other users can read`,
      fix: `sudo chmod 600 ${file}`,
    });
    expect(text).not.toContain(SECRET);
  });

  test('name a file that the plug-in would refuse', async () => {
    const file = node.write(join(node.folder, 'azure.json'), '{"tenantId": "a b"}');
    withArgs([file]);
    expect((await node.examineFiles()).find('arguments')).toMatchObject({
      status: 'problem',
      what: expect.stringContaining('"tenantId" must be the id or domain of a tenant'),
    });
    writeFileSync(file, '{}');
    chmodSync(file, 0o666);
    expect((await node.examineFiles()).find('arguments')).toMatchObject({
      status: 'problem',
      what: expect.stringContaining('others can write to it'),
      fix: `chmod go-w ${file}`,
    });
  });

  test('name a cloud that a variable of the plug-in describes, which is not read otherwise', async () => {
    const file = node.write(join(node.folder, 'azure.json'), '{"cloud": "AzureStackCloud"}');
    const withCloud = (args: readonly string[]) =>
      node.configure({}, (text) => {
        const { providers, ...rest } = JSON.parse(text);
        const env = [{ name: 'AZURE_ENVIRONMENT_FILEPATH', value: '/none/cloud.json' }];
        return JSON.stringify({ ...rest, providers: [{ ...providers[0], args, env }] });
      });
    withCloud([file]);
    expect((await node.examineFiles()).find('arguments')).toMatchObject({
      status: 'problem',
      what: expect.stringContaining('cannot use /none/cloud.json: there is no such file'),
    });
    withCloud([]);
    expect((await node.examineFiles()).find('arguments')?.status).toBe('ok');
  });
});

describe('the environment', () => {
  const withEnv = (env: readonly object[]) =>
    node.configure({}, (text) => {
      const { providers, ...rest } = JSON.parse(text);
      return JSON.stringify({ ...rest, providers: [{ ...providers[0], env }] });
    });

  test('has a folder for the cache that is a file', async () => {
    withEnv([{ name: 'DOCKER_CREDENTIAL_ACR_CACHE_DIR', value: node.configFile }]);
    const { find } = await node.examineFiles();
    expect(find('environment', 'warning')).toMatchObject({
      what: `tokens cannot be kept in ${node.configFile}: ${node.configFile} cannot be written to (it is not a folder)`,
      fix: 'env: [{name: DOCKER_CREDENTIAL_ACR_CACHE_DIR, value: /var/cache/docker-credential-acr}]',
    });
  });

  test("has no HOME, and not that of the person's shell", async () => {
    node.startKubelet('1.36.0', [], { environment: {} });
    const { linesOf } = await node.examine({ variables: { HOME: '/home/of-the-shell' } });
    // The home of a user who is nobody cannot be written to, which another line says.
    const lines = linesOf('environment').join('\n');
    expect(lines).toContain(`${userInfo().homedir}/.cache/docker-credential-acr`);
    expect(lines).not.toContain('of-the-shell');
  });

  test('has a configuration of this program with a mistake', async () => {
    const config = node.write(join(node.folder, 'config.json'), '{"registries": 1}');
    withEnv([{ name: 'DOCKER_CREDENTIAL_ACR_CONFIG', value: config }]);
    const { find } = await node.examineFiles();
    expect(find('environment', 'problem')?.what).toContain(config);
  });

  test('of another plug-in is its own affair', async () => {
    node.configure({ name: 'ecr-credential-provider', registry: ['my.azurecr.io'] });
    const { linesOf } = await node.examineFiles();
    for (const check of ['environment', 'arguments'] as const) {
      expect(linesOf(check)).toEqual(['skipped: no plug-in has a name of this program']);
    }
  });

  test('has a proxy, whose password is not shown', async () => {
    withEnv([{ name: 'HTTPS_PROXY', value: `http://user:${SECRET}@proxy.example:3128` }]);
    const { find, text } = await node.examineFiles();
    expect(find('environment', 'note')).toMatchObject({
      what: expect.stringContaining('through the proxy http://[redacted]@proxy.example:3128'),
      fix: "NO_PROXY=169.254.169.254 in the kubelet's environment",
    });
    expect(text).not.toContain(SECRET);
  });

  test('holds a secret, which no line shows', async () => {
    withEnv([{ name: 'AZURE_CLIENT_SECRET', value: SECRET }]);
    node.install('echo "$AZURE_CLIENT_SECRET" >&2; exit 1');
    const { text, json, find } = await node.examineFiles({ image: IMAGE });
    expect(find('image', 'problem')?.causes).toEqual(['[redacted]']);
    for (const written of [text, json]) expect(written).not.toContain(SECRET);
  });
});

describe('a plug-in', () => {
  const ask = async (script: string, run: NodeRun = {}) => {
    // What only says its version does so at once.
    node.install(`[ "$1" = --version ] && exit\n${script}`);
    return await node.examineFiles({ image: IMAGE, ...run });
  };

  test('fails, and what it says helps', async () => {
    const { find } = await ask(
      "echo 'docker-credential-acr: error: Cannot sign in; hint: az login; for each check: docker-credential-acr kubelet doctor x' >&2; exit 1",
    );
    expect(find('image')).toMatchObject({
      status: 'problem',
      what: 'acr-credential-provider ended with the exit code 1, so a pod gets nothing from it',
      causes: [expect.stringContaining('error: Cannot sign in; hint: az login')],
      fix: 'az login',
    });
  });

  test.each<[name: string, script: () => string, what: string, run?: NodeRun]>([
    ['is killed', () => 'kill -9 $$', 'acr-credential-provider was killed, so a pod gets nothing from it'],
    ['says nothing', () => 'true', 'the kubelet discards the response of acr-credential-provider: it is empty'],
    [
      'says something else first',
      () => respond({}, 'echo hello'),
      'the kubelet discards the response of acr-credential-provider: it is not one JSON object and nothing else',
    ],
    [
      'uses another version of the API',
      () => respond({ apiVersion: `${API}beta1` }),
      `the kubelet discards the response of acr-credential-provider: its apiVersion is not ${API}, which was asked for`,
    ],
    [
      'writes without end',
      () => 'yes | head -c 3000000',
      'acr-credential-provider wrote more than 1 MiB, which is no response',
    ],
    [
      'hangs',
      () => 'sleep 60',
      'acr-credential-provider did not respond within 0.3 s, after which the kubelet gives up',
      { pluginTimeoutMs: 300 },
    ],
    [
      'leaves a program running that holds its output',
      () => `${respond()}\nsleep 2 &`,
      'acr-credential-provider left a program running that holds its output: the kubelet waits for it, and then discards the response',
      { lastWordsMs: 100 },
    ],
  ])('%s', async (_name, script, what, run = {}) => {
    const { find, text } = await ask(script(), run);
    expect(find('image')).toMatchObject({ status: 'problem', what });
    expect(text).not.toContain(SECRET);
  });

  test('leaves no program running', async () => {
    await ask(`sleep 3131 & echo $! > '${node.folder}/pid'; sleep 60`, { pluginTimeoutMs: 1_000 });
    const processId = Number(readFileSync(join(node.folder, 'pid'), 'utf8'));
    await expect.poll(() => isRunning(processId)).toBe(false);
  });

  test.each<[name: string, changes: () => object, line: string]>([
    [
      'has nothing',
      () => ({ auth: undefined, cacheDuration: '0s' }),
      'warning: acr-credential-provider has no credential for my.azurecr.io: a pod pulls anonymously',
    ],
    [
      'has something for another registry',
      () => ({ auth: { 'other.azurecr.io': { username: 'u', password: SECRET } } }),
      'warning: acr-credential-provider has no credential for my.azurecr.io, only 1 for other images: a pod pulls anonymously',
    ],
    [
      'has only the anonymous login',
      () => ({ auth: { 'my*.azurecr.io': { username: '', password: '' } } }),
      'warning: acr-credential-provider has only the anonymous login for my.azurecr.io',
    ],
  ])('%s', async (_name, changes, line) => {
    expect((await ask(respond(changes()))).linesOf('image')).toEqual([line]);
  });

  test('has two credentials, of which the kubelet tries the one for the registry first', async () => {
    const auth = {
      'my*.azurecr.io': { username: '', password: '' },
      'my.azurecr.io': { username: NULL_GUID, password: SECRET },
      'm*.azurecr.io': { username: 'last', password: SECRET },
    };
    const { find } = await ask(respond({ auth }));
    expect(find('image', 'ok')?.details).toMatchObject({ username: NULL_GUID, others: 2 });
  });

  test('has the secret as the user name too, which is not shown', async () => {
    const { find, text } = await ask(respond({ auth: { 'my.azurecr.io': { username: SECRET, password: SECRET } } }));
    expect(find('image')?.what).toContain('gets the user [redacted] and ');
    expect(text).not.toContain(SECRET);
  });

  test('has a token that is kept longer than it lives', async () => {
    const password = makeToken({ exp: Math.floor(Date.now() / 1000) + 600 });
    const { find } = await ask(respond({ auth: { 'https://my.azurecr.io/v2/': { username: 'u', password } } }));
    expect(find('image', 'problem')?.what).toBe(
      'the kubelet keeps the token longer than it lives, so later pulls fail',
    );
  });

  test('has a response that spoils all other registries', async () => {
    const { find } = await ask(respond({ cacheKeyType: 'Global' }));
    expect(find('image', 'warning')?.what).toMatch(
      /^the kubelet uses this response for the images of every other registry/,
    );
  });

  test('is not asked for an image that no pattern matches', async () => {
    node.configure({ registry: ['my.azurecr.io'] });
    const other = await node.examineFiles({ image: 'nginx' });
    expect(other.find('image')).toMatchObject({
      status: 'problem',
      what: 'no plug-in is asked for docker.io/library/nginx; it is pulled without a credential of this node',
      fix: "add to matchImages: - 'docker.io'",
    });
    const withPort = await node.examineFiles({ image: 'my.azurecr.io:5000/app' });
    expect(withPort.find('image')).toMatchObject({
      what: 'no plug-in is asked for my.azurecr.io:5000/app: a pattern without a port matches no image with the port 5000; it is pulled without a credential of this node',
      fix: "add to matchImages: - 'my.azurecr.io:5000'",
    });
  });

  test('is not asked for a pod without a service account where one is required', async () => {
    node.configure({ mode: 'service-account', requireServiceAccount: true });
    const { find } = await node.examineFiles({ image: IMAGE });
    expect(find('image')).toMatchObject({
      status: 'skipped',
      what: 'acr-credential-provider is asked only for pods with a service account',
      fix: `docker-credential-acr kubelet doctor ${IMAGE} --service-account NAMESPACE/NAME --kubeconfig FILE`,
    });
    expect(find('audience')).toMatchObject({
      status: 'skipped',
      fix: 'docker-credential-acr kubelet doctor --kubeconfig /var/lib/kubelet/kubeconfig',
    });
  });

  test('is a link to a file in another folder, and is run by its own name', async () => {
    const other = node.writeProgram(
      join(node.folder, 'other', 'real'),
      respond({}, `echo "$0" > '${node.folder}/name'`),
    );
    rmSync(join(node.binFolder, 'acr-credential-provider'));
    symlinkSync(other, join(node.binFolder, 'acr-credential-provider'));
    await node.examineFiles({ image: IMAGE });
    expect(readFileSync(join(node.folder, 'name'), 'utf8')).toBe(`${node.binFolder}/acr-credential-provider\n`);
  });
});
