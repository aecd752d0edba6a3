/** Installing on a node and uninstalling from it: what is there afterwards, byte for byte. */
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { beforeEach, describe, expect, test } from 'vitest';
import { putInPlace } from '../../../../src/commands/kubelet/node-files.ts';
import { CredentialError } from '../../../../src/errors.ts';
import { UsageError } from '../../../../src/terminal/failure.ts';
import { VERSION } from '../../../../src/version.ts';
import { useTemporaryFolder } from '../../temporary-folder.ts';
import { BIN, CONFIG, makeConfig, Node, PROVIDER, RECORD } from './node.ts';

const folder = useTemporaryFolder();
let node: Node;

beforeEach(() => {
  node = new Node(folder.path('host'), folder.path('executable'));
});

const KEPT = '.before-docker-credential-acr';
const PROGRAM = `${BIN}/docker-credential-acr`;

/** The failure of a step. */
function failureOf(step: () => unknown): { message: string; hint: string | undefined } {
  try {
    step();
  } catch (failure) {
    if (failure instanceof CredentialError || failure instanceof UsageError) {
      return { message: failure.message.replaceAll(node.root, ''), hint: failure.hint?.replaceAll(node.root, '') };
    }
    throw failure;
  }
  throw new Error('it did not fail');
}

describe('on an empty node', () => {
  test('installs the executable, a link for the provider, and the configuration as it is', () => {
    const result = node.install();
    expect(node.look()).toEqual({
      '/opt': 'folder',
      [BIN]: 'folder',
      [PROGRAM]: '755 version 1',
      [`${BIN}/${PROVIDER}`]: '-> docker-credential-acr',
      [RECORD]: expect.stringMatching(/^600 /),
      '/etc': 'folder',
      '/etc/kubernetes': 'folder',
      [CONFIG]: `644 ${makeConfig(PROVIDER)}`,
    });
    expect(result).toMatchObject({ program: PROGRAM, names: [PROVIDER], configPath: CONFIG, kept: [] });
    expect(result.changed).toEqual([PROGRAM, `${BIN}/${PROVIDER}`, CONFIG]);
    expect(JSON.parse(node.read(RECORD))).toMatchObject({ version: VERSION, providers: [PROVIDER] });
  });

  test('changes nothing the second time', () => {
    node.install();
    const [before, inode] = [node.look(), lstatSync(node.at(PROGRAM)).ino];
    expect(node.install().changed).toEqual([]);
    expect(node.look()).toEqual(before);
    expect(lstatSync(node.at(PROGRAM)).ino).toBe(inode);
  });

  test('leaves nothing behind when it is uninstalled', () => {
    node.write('/etc/hosts', 'localhost');
    const before = node.look();
    node.install({ files: [{ source: node.executable, path: '/var/lib/acr/azure.json' }] });
    node.uninstall();
    expect(node.look()).toEqual(before);
    expect(node.uninstall()).toBeUndefined();
  });

  test('makes folders and files that everybody can read, whatever the umask is', () => {
    const mask = process.umask(0o077);
    try {
      node.install();
    } finally {
      process.umask(mask);
    }
    expect(lstatSync(node.at(BIN)).mode & 0o777).toBe(0o755);
    expect(node.look()[CONFIG]).toMatch(/^644 /);
  });

  test('copies another file so that only root can read it', () => {
    const source = folder.path('azure.json');
    writeFileSync(source, '{"cloud":"AzurePublicCloud"}', { mode: 0o644 });
    node.install({ files: [{ source, path: '/etc/acr/azure.json' }] });
    expect(node.look()['/etc/acr/azure.json']).toBe('600 {"cloud":"AzurePublicCloud"}');
  });

  test('merges what others add to its configuration, and leaves only that', () => {
    node.install();
    node.write(CONFIG, makeConfig(PROVIDER, 'gcp'));
    node.install({ config: { path: CONFIG, text: makeConfig(PROVIDER, `${PROVIDER}-2`) } });
    expect(node.read(CONFIG)).toBe(makeConfig('gcp', PROVIDER, `${PROVIDER}-2`));
    node.uninstall({ configPath: CONFIG });
    expect(node.look('/etc')).toEqual({ '/etc/kubernetes': 'folder', [CONFIG]: `644 ${makeConfig('gcp')}` });
  });

  test('installs only the program without a configuration, under the name that AKS uses', () => {
    node.install({ config: undefined });
    expect(Object.keys(node.look(BIN))).toEqual([`${BIN}/${PROVIDER}`, PROGRAM, RECORD]);
  });
});

describe('an executable with its library beside it', () => {
  const LIBRARY = `${BIN}/libatomic.so.1`;

  beforeEach(() => {
    writeFileSync(folder.path('libatomic.so.1'), 'library 1', { mode: 0o600 });
  });

  test('brings the library, before the kubelet can call the executable', () => {
    expect(node.install().changed).toEqual([LIBRARY, PROGRAM, `${BIN}/${PROVIDER}`, CONFIG]);
    expect(node.look()[LIBRARY]).toBe('644 library 1');
    expect(node.install().changed).toEqual([]);
  });

  test('brings the one beside the file to which a link leads', () => {
    mkdirSync(folder.path('elsewhere'));
    symlinkSync(node.executable, folder.path('elsewhere/link'));
    node.install({ executable: folder.path('elsewhere/link') });
    expect(node.look()[LIBRARY]).toBe('644 library 1');
  });

  test('replaces it with that of another version, and never writes into the one in use', () => {
    node.install();
    linkSync(node.at(LIBRARY), folder.path('in-use'));
    writeFileSync(folder.path('libatomic.so.1'), 'library 2');
    expect(node.install().changed).toEqual([LIBRARY]);
    expect(node.read(LIBRARY)).toBe('library 2');
    expect(readFileSync(folder.path('in-use'), 'utf8')).toBe('library 1');
  });

  test('takes it away when it is uninstalled, or when a version comes without one', () => {
    node.install();
    expect(node.uninstall()?.places).toContainEqual({ path: LIBRARY, outcome: 'removed' });
    expect(node.look()).toEqual({});
    node.install();
    rmSync(folder.path('libatomic.so.1'));
    node.install();
    expect(Object.keys(node.look(BIN))).toEqual([`${BIN}/${PROVIDER}`, PROGRAM, RECORD]);
  });

  test('leaves one that was there before, which plug-ins of others may need', () => {
    node.write(LIBRARY, 'theirs', 0o755);
    expect(node.install().changed).toEqual([PROGRAM, `${BIN}/${PROVIDER}`, CONFIG]);
    expect(node.look()[LIBRARY]).toBe('755 theirs');
    node.write(LIBRARY, 'theirs 2', 0o755);
    expect(node.install().changed).toEqual([]);
    node.uninstall();
    expect(node.look(BIN)).toEqual({ [LIBRARY]: '755 theirs 2' });
  });

  test('leaves one with the same bytes, and a link', () => {
    node.write(LIBRARY, 'library 1');
    node.install();
    node.uninstall();
    expect(node.look(BIN)).toEqual({ [LIBRARY]: '644 library 1' });
    rmSync(node.at(LIBRARY));
    symlinkSync('elsewhere', node.at(LIBRARY));
    node.install();
    node.uninstall();
    expect(node.look(BIN)).toEqual({ [LIBRARY]: '-> elsewhere' });
  });

  test.each(['a new version', 'uninstalling'])('%s leaves one that somebody has put there since', (what) => {
    node.install();
    rmSync(node.at(LIBRARY));
    node.write(LIBRARY, 'theirs');
    writeFileSync(folder.path('libatomic.so.1'), 'library 2');
    if (what === 'a new version') node.install();
    expect(node.look()[LIBRARY]).toBe('644 theirs');
    node.uninstall();
    expect(node.look(BIN)).toEqual({ [LIBRARY]: '644 theirs' });
  });

  test('leaves one in whose folder the program already is', () => {
    node.write(PROGRAM, 'version 1', 0o755);
    node.write(LIBRARY, 'library 1');
    node.install({ executable: node.at(PROGRAM) });
    node.uninstall();
    expect(node.look(BIN)).toEqual({ [PROGRAM]: '755 version 1', [LIBRARY]: '644 library 1' });
  });

  test.runIf(process.geteuid?.() === 0)('refuses one that another user has put beside the executable', () => {
    chownSync(folder.path('libatomic.so.1'), 1000, 1000);
    const { message } = failureOf(() => node.install());
    expect(message).toMatch(/^Cannot read .*libatomic\.so\.1: the executable has another owner$/);
    expect(node.look()).toEqual({});
    chownSync(node.executable, 1000, 1000);
    node.install();
    expect(node.look()[LIBRARY]).toBe('644 library 1');
  });
});

describe('where something was before', () => {
  const before = makeConfig('ecr-credential-provider', PROVIDER);

  beforeEach(() => {
    node.write(`${BIN}/${PROVIDER}`, 'the peer', 0o4750);
    node.write(CONFIG, before, 0o600);
  });

  test('keeps it beside each file', () => {
    const { kept } = node.install();
    expect(kept).toEqual([`${BIN}/${PROVIDER}${KEPT}`, `${CONFIG}${KEPT}`]);
    expect(node.look()).toMatchObject({
      [`${BIN}/${PROVIDER}`]: '-> docker-credential-acr',
      [`${BIN}/${PROVIDER}${KEPT}`]: '4750 the peer',
      [`${CONFIG}${KEPT}`]: `600 ${before}`,
    });
  });

  test('keeps the providers of others in the configuration', () => {
    node.install({ config: { path: CONFIG, text: makeConfig(PROVIDER, `${PROVIDER}-china`) } });
    expect(node.read(CONFIG)).toBe(makeConfig('ecr-credential-provider', PROVIDER, `${PROVIDER}-china`));
  });

  test('restores all of it, byte for byte and with its mode, also after a second version', () => {
    const all = node.look();
    node.install();
    writeFileSync(node.executable, 'version 2');
    node.install({ config: { path: CONFIG, text: makeConfig(PROVIDER, `${PROVIDER}-2`) } });
    expect(node.read(PROGRAM)).toBe('version 2');
    expect(node.look()[`${BIN}/${PROVIDER}${KEPT}`]).toBe('4750 the peer');
    node.uninstall();
    expect(node.look()).toEqual(all);
  });

  test('keeps links as links', () => {
    node.write('/opt/peer/1.0', 'the peer', 0o755);
    rmSync(node.at(`${BIN}/${PROVIDER}`));
    symlinkSync('../peer/1.0', node.at(`${BIN}/${PROVIDER}`));
    renameSync(node.at(CONFIG), node.at('/etc/kubernetes/real.yaml'));
    symlinkSync('/etc/kubernetes/real.yaml', node.at(CONFIG)); // absolute: on the node, not here
    const all = node.look();
    node.install();
    expect(node.read(CONFIG)).toBe(makeConfig('ecr-credential-provider', PROVIDER));
    expect(node.look()['/etc/kubernetes/real.yaml']).toBe(`600 ${before}`);
    node.uninstall();
    expect(node.look()).toEqual(all);
  });

  test('restores an executable that was the same already', () => {
    node.write(PROGRAM, 'version 1', 0o755);
    const all = node.look();
    node.install();
    node.uninstall();
    expect(node.look()).toEqual(all);
  });

  test('takes a name away that is no longer wanted', () => {
    node.install({ config: undefined, names: [PROVIDER, `${PROVIDER}-2`] });
    node.install({ config: undefined, names: [`${PROVIDER}-2`] });
    expect(node.look()).toMatchObject({
      [`${BIN}/${PROVIDER}`]: '4750 the peer',
      [`${BIN}/${PROVIDER}-2`]: '-> docker-credential-acr',
    });
    expect(Object.keys(node.look())).not.toContain(`${BIN}/${PROVIDER}${KEPT}`);
  });

  test('repairs what somebody changes, and keeps what was there first', () => {
    node.install();
    rmSync(node.at(`${BIN}/${PROVIDER}`));
    node.write(`${BIN}/${PROVIDER}`, 'another peer');
    chmodSync(node.at(PROGRAM), 0o777);
    expect(node.install().changed).toEqual([PROGRAM, `${BIN}/${PROVIDER}`]);
    node.uninstall();
    expect(node.read(`${BIN}/${PROVIDER}`)).toBe('the peer');
  });

  test('leaves what somebody has put there since', () => {
    node.install();
    rmSync(node.at(`${BIN}/${PROVIDER}`));
    node.write(`${BIN}/${PROVIDER}`, 'a newer peer', 0o755);
    expect(node.uninstall()?.places).toContainEqual({ path: `${BIN}/${PROVIDER}`, outcome: 'left' });
    expect(node.look(BIN)).toEqual({ [`${BIN}/${PROVIDER}`]: '755 a newer peer' });
  });

  test('keeps what others add to the configuration meanwhile', () => {
    node.install();
    node.write(CONFIG, makeConfig('ecr-credential-provider', PROVIDER, 'gcp'));
    node.install({ config: { path: CONFIG, text: makeConfig(`${PROVIDER}-2`) } });
    expect(node.read(CONFIG)).toBe(makeConfig('ecr-credential-provider', PROVIDER, 'gcp', `${PROVIDER}-2`));
    expect(node.uninstall()?.places).toContainEqual({ path: CONFIG, outcome: 'edited' });
    expect(node.read(CONFIG)).toBe(makeConfig('ecr-credential-provider', PROVIDER, 'gcp'));
    expect(Object.keys(node.look('/etc/kubernetes'))).toEqual([CONFIG]);
  });

  test('keeps the additions of others also when they came before a second installation of the same', () => {
    node.install();
    node.write(CONFIG, makeConfig('ecr-credential-provider', PROVIDER, 'gcp'));
    node.install();
    node.uninstall();
    expect(node.read(CONFIG)).toBe(makeConfig('ecr-credential-provider', PROVIDER, 'gcp'));
  });

  test('works where the record is lost', () => {
    node.install();
    rmSync(node.at(RECORD));
    node.install();
    expect(node.look()[`${BIN}/${PROVIDER}${KEPT}`]).toBe('4750 the peer');
    expect(node.look()[`${CONFIG}${KEPT}`]).toBe(`600 ${before}`);
  });
});

describe('a process that was killed', () => {
  test('after the record was written loses nothing: the next one keeps what was there', () => {
    node.write(`${BIN}/${PROVIDER}`, 'the peer', 0o755);
    node.write(CONFIG, makeConfig('ecr'), 0o600);
    const all = node.look();
    node.install();
    const record = node.read(RECORD);
    node.uninstall();
    node.write(RECORD, record);
    node.install();
    node.uninstall();
    expect(node.look()).toEqual(all);
  });

  test('between keeping a file and replacing it is undone', () => {
    node.write(`${BIN}/${PROVIDER}`, 'the peer', 0o755);
    node.install({ config: undefined });
    const record = node.read(RECORD);
    node.uninstall();
    const all = node.look();
    node.write(RECORD, record);
    linkSync(node.at(`${BIN}/${PROVIDER}`), node.at(`${BIN}/${PROVIDER}${KEPT}`));
    node.uninstall();
    expect(node.look()).toEqual(all);
  });
});

describe('refuses', () => {
  test('an executable with another sum, before it changes anything', () => {
    const { message } = failureOf(() => node.install({ sha256: 'ab'.repeat(32) }));
    expect(message).toMatch(/^Cannot install .*executable: its SHA-256 is not the expected one$/);
    expect(node.look()).toEqual({});
  });

  test.each([
    ['kind: Pod\n', 'it is not a CredentialProviderConfig'],
    [makeConfig('gcp').replace('providers:', 'extra: 1\nproviders:'), 'it has the unknown field "extra"'],
    [makeConfig('gcp', 'gcp'), 'it has two providers named "gcp"'],
    [makeConfig('gcp').replace('/v1', '/v1beta1'), /apiVersion kubelet.config.k8s.io\/v1beta1/],
    [makeConfig('gcp').replace('kind:', 'kind: A\nkind:'), /not valid YAML: Map keys must be unique/],
    [makeConfig('gcp').replace('"*.example.test"', '*alias'), /not valid YAML|aliases/],
    [`${makeConfig('gcp')}---\n${makeConfig('ecr')}`, 'it must be one YAML document, not 2'],
    ['', 'it must be one YAML document, not 0'],
    ['providers: [', /not valid YAML/],
    [`${makeConfig('gcp')}#${'x'.repeat(1024 * 1024)}`, 'it is larger than 1048576 bytes'],
  ])('a configuration on the node that it does not understand: %.40j', (text, why) => {
    node.write(CONFIG, text);
    const all = node.look();
    const { message, hint } = failureOf(() => node.install());
    expect(message).toMatch(typeof why === 'string' ? `Cannot merge ${CONFIG}: ${why}` : why);
    expect(hint).toBe('correct the file, or give --config another path');
    expect(node.look()).toEqual(all);
  });

  test('a second provider of one name where the kubelet may read the whole folder', () => {
    node.write('/etc/kubernetes/aks.yml', makeConfig('ecr', PROVIDER));
    node.write('/etc/kubernetes/broken.json', '{');
    const before = node.look();
    expect(failureOf(() => node.install())).toEqual({
      message: `Cannot write ${CONFIG}: /etc/kubernetes/aks.yml has the provider "${PROVIDER}" already, and a kubelet that reads the whole folder would not start`,
      hint: '--config /etc/kubernetes/aks.yml adds to that file; or let the provider have another name',
    });
    expect(node.look()).toEqual(before);
    node.install({ config: { path: '/etc/kubernetes/aks.yml', text: makeConfig(PROVIDER) } });
    node.uninstall();
    expect(node.look()).toEqual(before);
    node.install({ config: { path: CONFIG, text: makeConfig(PROVIDER), isOnly: true } });
  });

  test('a provider that the kubelet would call by a name of something else', () => {
    const text = makeConfig('ecr-credential-provider');
    expect(failureOf(() => node.install({ config: { path: CONFIG, text } }))).toEqual({
      message: 'This program would not know that the kubelet calls it as "ecr-credential-provider"',
      hint: 'let the provider\'s name begin with acr-credential-provider, or its "args" with "kubelet"',
    });
  });

  test('a folder that others can write to', () => {
    mkdirSync(node.at(BIN), { recursive: true });
    chmodSync(node.at('/opt'), 0o777);
    expect(failureOf(() => node.install()).message).toMatch(/others can write to \/opt$/);
  });

  test('links that lead in a circle', () => {
    symlinkSync('b', node.at('/a'));
    symlinkSync('a', node.at('/b'));
    expect(failureOf(() => node.install({ binFolder: '/a/bin' })).message).toMatch(/its links lead in a circle$/);
  });

  test('a folder in the place of the program', () => {
    mkdirSync(node.at(`${BIN}/${PROVIDER}`), { recursive: true });
    expect(failureOf(() => node.install()).message).toMatch(/it is neither a file nor a link$/);
  });

  test('to remove a configuration that the kubelet needs, or may need, to start', () => {
    node.install();
    const all = node.look();
    expect(failureOf(() => node.uninstall({ configPath: CONFIG })).hint).toBe(
      `take --image-credential-provider-config=${CONFIG} from its flags, and restart it`,
    );
    expect(failureOf(() => node.uninstall({ configPath: '/etc/kubernetes' })).message).toMatch(/would not start/);
    expect(failureOf(() => node.uninstallUnseen()).hint).toMatch(/--flags-removed$/);
    expect(node.look()).toEqual(all);
    node.uninstallUnseen(true);
    expect(node.look()).toEqual({});
  });
});

describe('a file', () => {
  test('that was not written as it was read takes no place', () => {
    const file = folder.path('place');
    writeFileSync(file, 'before');
    const content = { kind: 'copy', source: node.executable, sha256: 'ab'.repeat(32), mode: 0o755 } as const;
    expect(() => putInPlace(file, content)).toThrow('what was written is not what was read');
    expect(readFileSync(file, 'utf8')).toBe('before');
    expect(readdirSync(folder.path()).sort()).toEqual(['executable', 'host', 'place']);
  });

  test('of a killed process is removed after an hour', () => {
    const [old, young] = [1, 2].map((digit) => folder.path(`.docker-credential-acr-${String(digit).repeat(16)}.tmp`));
    for (const file of [old, young]) writeFileSync(file ?? '', 'a part');
    utimesSync(old ?? '', new Date(), new Date(Date.now() - 2 * 60 * 60 * 1000));
    putInPlace(folder.path('place'), { kind: 'link', target: 'executable' });
    expect([old, young].map((file) => existsSync(file ?? ''))).toEqual([false, true]);
  });
});

describe('links on the way', () => {
  test('may go up', () => {
    mkdirSync(node.at('/data/inner'), { recursive: true });
    symlinkSync('data/inner/..', node.at('/opt'));
    node.install({ config: undefined });
    expect(node.look('/data')['/data/bin/docker-credential-acr']).toBe('755 version 1');
  });

  test('lead to where the node would see them, never out of it', () => {
    const outside = folder.path('outside');
    mkdirSync(outside);
    mkdirSync(node.at('/data'));
    symlinkSync('/data', node.at('/opt'));
    symlinkSync(`../../../../../../..${outside}`, node.at('/etc'));
    node.install();
    expect(node.look('/data')['/data/bin/docker-credential-acr']).toBe('755 version 1');
    expect(node.read(`${outside}/kubernetes/provider.yaml`)).toBe(makeConfig(PROVIDER)); // below the root of the node
    expect(lstatSync(outside).isDirectory()).toBe(true);
    expect(() => lstatSync(`${outside}/kubernetes`)).toThrow('ENOENT');
    node.uninstall();
    expect(node.look('/data')).toEqual({});
  });
});
