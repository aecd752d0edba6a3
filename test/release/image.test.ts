/** The container image of a release: what is in it, and what people do with it. */
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, type TestContext, test } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { sumFile } from '../../scripts/build/checksums.ts';
import { MINBASE_ROOT } from '../../scripts/parts/minbase.ts';
import { askNode } from '../../scripts/release/bill-of-materials/node-parts.ts';
import { makeImage } from '../../scripts/release/image.ts';
import { HOMEPAGE, SUMMARY } from '../../scripts/release/project.ts';
import { asJsonObject, type JsonObject, parseJsonObject } from '../../src/json.ts';
import { LOGIN_SERVER } from '../e2e/world/cloud.ts';
import { needParts, needRoot } from '../e2e/world/parts.ts';
import { createTemporaryFolder } from '../e2e/world/temporary-folder.ts';
import { openCloud } from '../e2e/world/test-cloud.ts';
import { CLIENT_ID, CLIENT_SECRET, TENANT_ID } from '../emulator/state.ts';
import {
  type Containers,
  digestOf,
  type Layout,
  makeFolderOf,
  openContainers,
  run,
  unpackFiles,
  unpackLayout,
} from './world/image.ts';
import { openMinbase, SHARED_FOLDER } from './world/minbase.ts';
import { EPOCH_SECONDS, makeTinyRelease } from './world/tiny-release.ts';
import { findReleased } from './world/trial.ts';

const USER = 65532;
const PROGRAM_FOLDER = '/usr/local/bin';
const PROGRAM = `${PROGRAM_FOLDER}/docker-credential-acr`;
const DOCUMENTS = 'usr/share/doc/docker-credential-acr';
const BILL = `${DOCUMENTS}/docker-credential-acr.cdx.json`;
const ARCHIVE = /-image\.oci\.tar$/;
const PACKAGES = ['base-files', 'ca-certificates', 'gcc-12-base', 'libc6', 'libgcc-s1', 'libstdc++6'];
const PLACES = {
  amd64: { loader: 'lib64/ld-linux-x86-64.so.2', triple: 'x86_64-linux-gnu' },
  arm64: { loader: 'lib/ld-linux-aarch64.so.1', triple: 'aarch64-linux-gnu' },
};
const ARCHITECTURE = process.arch === 'arm64' ? 'arm64' : 'amd64';
const PROVIDER = 'acr-credential-provider';
const PRINCIPAL = { AZURE_TENANT_ID: TENANT_ID, AZURE_CLIENT_ID: CLIENT_ID, AZURE_CLIENT_SECRET: CLIENT_SECRET };

const cloud = await openCloud();
const { path: folder, remove } = createTemporaryFolder('acr-image-test-');
afterAll(remove);

interface OpenedImage {
  readonly layout: Layout;
  readonly manifest: JsonObject;
  readonly config: JsonObject;
  readonly files: string;
}

let image: OpenedImage | undefined;

async function openImage(archive: string, name: string, platform = 0): Promise<OpenedImage> {
  const place = mkdtempSync(join(folder, `${name}-`));
  const layout = await unpackLayout(archive, join(place, 'layout'));
  const descriptor = layout.platforms[platform];
  const found = layout.read(digestOf(descriptor));
  const files = join(place, 'files');
  await unpackFiles(layout, found, files);
  return { layout, manifest: found, config: layout.read(digestOf(found['config'])), files };
}

beforeAll(async () => {
  if (process.getuid?.() === 0) image = await openImage(findReleased(ARCHIVE), 'released');
});

function openReleased(context: TestContext): OpenedImage {
  needRoot(context);
  if (image === undefined) throw new Error('The image is not unpacked');
  return image;
}

/** Containers of the released image. */
function openReleasedContainers(context: TestContext): Containers {
  const { files, config } = openReleased(context);
  return openContainers(context, files, asJsonObject(config['config']) ?? {});
}

/** The emulated Azure as a container reaches it: with its certificate in a folder that every user can read. */
function describeCloud() {
  const certificates = mkdtempSync(join(folder, 'certificates-'));
  const variables = cloud.emulator.environment();
  writeFileSync(join(certificates, 'ca.pem'), readFileSync(variables['NODE_EXTRA_CA_CERTS'] ?? ''), { mode: 0o644 });
  chmodSync(certificates, 0o755);
  return {
    environment: {
      ...variables,
      ...{ NODE_EXTRA_CA_CERTS: '/certificates/ca.pem', SSL_CERT_FILE: '/certificates/ca.pem' },
      ...PRINCIPAL,
      // Nothing listens there: the metadata service of a real machine is not asked.
      AZURE_POD_IDENTITY_AUTHORITY_HOST: 'http://127.0.0.1:9',
    },
    folders: { '/certificates': { source: certificates, mode: 'ro' } },
  } as const;
}

/** The mode, owner and path of each file and folder. */
async function listFiles(root: string): Promise<readonly string[]> {
  const found = await run('find', [root, '-mindepth', '1', '-printf', '%y %m %U:%G %P\n']);
  return found.trimEnd().split('\n').sort();
}

function listFolders(paths: readonly string[]): readonly string[] {
  const parents = paths.flatMap((path) => path.split('/').map((_, index, parts) => parts.slice(0, index).join('/')));
  return [...new Set(parents)].filter((path) => path !== '');
}

/** What the image has to hold, and nothing else. */
function listWanted(architecture: keyof typeof PLACES): readonly string[] {
  const { loader, triple } = PLACES[architecture];
  const common = readdirSync('/usr/share/common-licenses').map((name) => `usr/share/common-licenses/${name}`);
  const files = [
    ...['etc/group', 'etc/nsswitch.conf', 'etc/os-release', 'etc/passwd', 'etc/ssl/certs/ca-certificates.crt'],
    ...['libc.so.6', 'libdl.so.2', 'libgcc_s.so.1', 'libm.so.6', 'libpthread.so.0'].map(
      (name) => `lib/${triple}/${name}`,
    ),
    `usr/lib/${triple}/libstdc++.so.6`,
    `usr/local/bin/libatomic.so.1`,
    ...common,
    ...PACKAGES.flatMap((name) => [`usr/share/doc/${name}/copyright`, `var/lib/dpkg/status.d/${name}`]),
    ...[`${DOCUMENTS}/LICENSE`, `${DOCUMENTS}/THIRD-PARTY-LICENSES.txt`, BILL],
  ];
  const programs = [loader, PROGRAM.slice(1)];
  return [
    ...files.map((path) => `f 644 0:0 ${path}`),
    ...programs.map((path) => `f 755 0:0 ${path}`),
    ...listFolders([...files, ...programs, 'home/']).map((path) => `d 755 0:0 ${path}`),
    ...[`d 755 ${USER}:${USER} home/nonroot`, 'd 1777 0:0 tmp'],
  ].sort();
}

describe('the image', () => {
  it('holds the program, its libraries, certificates and licences, and nothing else', async (context) => {
    const { files } = openReleased(context);
    expect(await listFiles(files)).toEqual(listWanted(ARCHITECTURE));
  });

  it('has every library that something in it asks for', async (context) => {
    const { files } = openReleased(context);
    needParts(context, 'readelf');
    await expectAllLibraries(files, ARCHITECTURE);
  });

  it('says what it is, whose it is and how it is started', (context) => {
    const { layout, manifest: found, config } = openReleased(context);
    const epoch = /"created":"([^"]+)"/.exec(JSON.stringify(config))?.[1];
    const labels = {
      'org.opencontainers.image.created': epoch,
      'org.opencontainers.image.description': SUMMARY,
      'org.opencontainers.image.licenses': manifest.license,
      'org.opencontainers.image.revision': expect.stringMatching(/^[0-9a-f]{12}(-modified)?$/),
      'org.opencontainers.image.source': HOMEPAGE,
      'org.opencontainers.image.title': 'docker-credential-acr',
      'org.opencontainers.image.url': HOMEPAGE,
      'org.opencontainers.image.version': manifest.version,
    };
    expect(config).toEqual({
      created: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      ...{ architecture: ARCHITECTURE, os: 'linux' },
      config: {
        User: `${USER}:${USER}`,
        Env: [`PATH=${PROGRAM_FOLDER}`, 'HOME=/home/nonroot'],
        Entrypoint: [PROGRAM],
        Labels: labels,
      },
      rootfs: { type: 'layers', diff_ids: [expect.stringMatching(/^sha256:[0-9a-f]{64}$/)] },
    });
    expect(found['annotations']).toEqual(labels);
    expect(layout.entry['annotations']).toEqual({
      'org.opencontainers.image.ref.name': `docker-credential-acr:${manifest.version}`,
    });
    expect(layout.platforms.map(({ platform }) => platform)).toEqual([{ architecture: ARCHITECTURE, os: 'linux' }]);
  });

  it('carries the bill of materials of the release, which names this executable and each package', async (context) => {
    const { files } = openReleased(context);
    const bill = readFileSync(join(files, BILL), 'utf8');
    expect(bill).toBe(readFileSync(findReleased(/-image-linux-[^-]+\.cdx\.json$/), 'utf8'));
    expect(bill).toContain((await sumFile(join(files, PROGRAM))).sum);
    for (const name of PACKAGES) {
      const control = readFileSync(join(files, 'var/lib/dpkg/status.d', name), 'utf8');
      const version = /^Version: (.+)$/m.exec(control)?.[1] ?? '';
      expect(control).toMatch(new RegExp(`^Package: ${name.replaceAll('+', '\\+')}$`, 'm'));
      expect(bill).toContain(`pkg:deb/debian/${encodeURIComponent(name)}@${encodeURIComponent(version)}?`);
    }
  });

  it('has the authorities that Debian trusts', (context) => {
    const { files } = openReleased(context);
    const certificates = readFileSync(join(files, 'etc/ssl/certs/ca-certificates.crt'), 'utf8');
    const count = certificates.split('-----BEGIN CERTIFICATE-----').length - 1;
    expect(count).toBeGreaterThan(100);
    expect(certificates).toMatch(/^(-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+\n-----END CERTIFICATE-----\n)+$/);
  });
});

describe('a container of the image', () => {
  it('signs in as its own user, and answers from its cache afterwards', async (context) => {
    const { run: start } = openReleasedContainers(context);
    const home = makeFolderOf(join(mkdtempSync(join(folder, 'home-')), 'nonroot'), USER);
    const { environment, folders } = describeCloud();
    const options = {
      ...{ environment, input: `${LOGIN_SERVER}\n` },
      folders: { ...folders, '/home/nonroot': { source: home, mode: 'rw' as const } },
    };
    const answers = [await start(['get'], options), await start(['get'], options)];
    expect(answers.map(({ exitCode, stderr }) => ({ exitCode, stderr }))).toEqual(
      Array(2).fill({ exitCode: 0, stderr: '' }),
    );
    expect(answers[1]?.stdout).toBe(answers[0]?.stdout);
    expect(parseJsonObject(answers[0]?.stdout ?? '')).toMatchObject({ ServerURL: LOGIN_SERVER });
    expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200']);
    expect(await listFiles(home)).toContainEqual(
      expect.stringMatching(`^d 700 ${USER}:${USER} .cache/docker-credential-acr`),
    );
  });

  it.for([
    ['its own user', USER],
    ['a user that it does not know', 1_234_567],
    ['root without a capability', 0],
  ] as const)('signs in as %s where nothing can be written', async ([, user], context) => {
    const { run: start } = openReleasedContainers(context);
    const token = await start(['token', LOGIN_SERVER], { user, ...describeCloud() });
    expect(token).toEqual({ exitCode: 0, stdout: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+\n$/), stderr: '' });
    expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200']);
  });

  it('installs the program on a node as the pods of the chart do, for a node without libatomic', async (context) => {
    const { run: start } = openReleasedContainers(context);
    const { files } = openReleased(context);
    const node = openMinbase(context);
    const bin = join(node.sharedFolder, 'bin');
    mkdirSync(bin, { mode: 0o755 });
    const installed = await start(['kubelet', 'install', '--host-root=/host', '--bin-dir=/bin', `--name=${PROVIDER}`], {
      ...{ user: 0, folders: { '/host': { source: node.sharedFolder, mode: 'rw' } } },
    });
    expect(installed).toMatchObject({ exitCode: 0, stderr: '' });
    expect(readdirSync(bin).sort()).toEqual([
      ...[PROVIDER, 'docker-credential-acr', 'docker-credential-acr.installed.json', 'libatomic.so.1'],
    ]);
    expect(await sumFile(join(bin, PROVIDER))).toEqual(await sumFile(join(files, PROGRAM)));
    const request = {
      ...{ kind: 'CredentialProviderRequest', apiVersion: 'credentialprovider.kubelet.k8s.io/v1' },
      image: 'docker.io/library/nginx',
    };
    const asked = await node.run(`${SHARED_FOLDER}/bin/${PROVIDER}`, [], { input: JSON.stringify(request) });
    expect(asked).toMatchObject({ exitCode: 0, stderr: '' });
    expect(parseJsonObject(asked.stdout)).toMatchObject({ kind: 'CredentialProviderResponse' });
  });
});

/** A base image like Debian's: what it lacks is of no use for running programs. */
const NOT_IN_BASE = ['dev', 'proc', 'sys', 'run', 'var', 'usr/share', 'usr/lib/apt', 'usr/lib/x86_64-linux-gnu/gconv'];

/** Copies the program, and uses it in a step without copying it. */
const CONTAINERFILE = `FROM scratch AS base
COPY . /
FROM base AS used
RUN --mount=type=bind,from=IMAGE,source=${PROGRAM_FOLDER},target=/mnt /mnt/docker-credential-acr version >/used
FROM base
COPY --from=IMAGE ${PROGRAM_FOLDER} ${PROGRAM_FOLDER}
COPY --from=used /used /used
RUN docker-credential-acr version >/copied && find / -xdev -name 'libatomic*' >/found
`;

test('a build copies the program with one line, or uses it in a step, where libatomic is missing', async (context) => {
  needRoot(context);
  needParts(context, 'buildah', 'skopeo', 'docker-registry');
  openMinbase(context);
  const place = mkdtempSync(join(folder, 'build-'));
  const name = `${new URL(cloud.registryUrl).host}/tools/docker-credential-acr:${manifest.version}`;
  const archive = `oci-archive:${findReleased(ARCHIVE)}`;
  const environment = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8', HOME: place, TMPDIR: place };
  await run(
    'skopeo',
    ['copy', '--quiet', '--all', '--dest-tls-verify=false', archive, `docker://${name}`],
    environment,
  );
  writeFileSync(join(place, 'Containerfile'), CONTAINERFILE.replaceAll('IMAGE', name));
  writeFileSync(join(place, 'ignore'), `${NOT_IN_BASE.join('\n')}\n`);
  const storage = ['--storage-driver', 'overlay', '--root', join(place, 'graph'), '--runroot', join(place, 'run')];
  const buildah = (...args: readonly string[]) => run('buildah', [...storage, ...args], environment);
  const files = ['--file', join(place, 'Containerfile'), '--ignorefile', join(place, 'ignore')];
  await buildah(
    ...['build', '--quiet', '--isolation=chroot', '--tls-verify=false', '--tag', 'built', ...files, MINBASE_ROOT],
  );
  const container = (await buildah('from', 'built')).trim();
  const root = (await buildah('mount', container)).trim();
  try {
    const [used, copied, found] = ['used', 'copied', 'found'].map((file) => readFileSync(join(root, file), 'utf8'));
    expect(used).toContain(`v${manifest.version}, commit `);
    expect(copied).toBe(used);
    expect(found).toBe(`${PROGRAM_FOLDER}/libatomic.so.1\n`);
    expect(readdirSync(join(root, PROGRAM_FOLDER)).sort()).toEqual(['docker-credential-acr', 'libatomic.so.1']);
  } finally {
    await buildah('umount', container);
  }
});

describe('images of tiny executables', () => {
  /** What Node’s settings are looked for in. */
  const makeTiny = async (name: string, targets: readonly string[]) => {
    const release = makeTinyRelease(mkdtempSync(join(folder, name)), { targets, isFast: true });
    const { settings } = await askNode(process.execPath, {});
    for (const { path } of release.executables) writeFileSync(path, settings.join('\n'));
    return release;
  };

  it('have the same bytes in another folder, at another time and with another umask', async (context) => {
    needRoot(context);
    needParts(context, 'buildah', 'apt-get', 'dpkg-deb');
    const targets = ['linux-x64', 'linux-arm64', 'windows-x64'];
    const one = await makeTiny('one-', targets);
    const { files } = await makeImage(one);
    expect(files.map((file) => basename(file))).toEqual([
      'docker-credential-acr-0.1.0-image.oci.tar',
      'docker-credential-acr-0.1.0-image-linux-amd64.cdx.json',
      'docker-credential-acr-0.1.0-image-linux-arm64.cdx.json',
    ]);
    const old = process.umask(0o077);
    const other = await makeTiny('another-', targets);
    try {
      expect(await makeImage(other)).toEqual({ files });
    } finally {
      process.umask(old);
    }
    for (const file of files) {
      expect(await sumFile(join(other.output, file)), file).toEqual(await sumFile(join(one.output, file)));
    }
    expect(readdirSync(one.scratch)).toEqual([]);

    const archive = join(one.output, files[0] ?? '');
    const { layout, files: unpacked, config } = await openImage(archive, 'arm64', 1);
    expect(layout.platforms.map(({ platform }) => platform)).toEqual([
      { architecture: 'amd64', os: 'linux' },
      { architecture: 'arm64', os: 'linux' },
    ]);
    expect(config).toMatchObject({
      architecture: 'arm64',
      created: new Date(EPOCH_SECONDS * 1000).toISOString().replace('.000', ''),
    });
    expect(await listFiles(unpacked)).toEqual(listWanted('arm64'));
    const times = await run('find', [
      unpacked,
      '-mindepth',
      '1',
      '-not',
      '-newermt',
      `@${EPOCH_SECONDS}`,
      '-printf',
      '%T@\n',
    ]);
    expect(new Set(times.trim().split('\n').map(Number))).toEqual(new Set([EPOCH_SECONDS]));
    expect(times.trim().split('\n')).toHaveLength(listWanted('arm64').length);
  });

  it('are left out when there is no executable for Linux', async () => {
    const { files, skipped } = await makeImage(await makeTiny('none-', ['macos-arm64']));
    expect({ files, skipped }).toEqual({ files: [], skipped: [expect.stringMatching(/no executable for Linux/)] });
  });
});

/** Reads what each ELF file needs, and looks for all of it in the image. */
async function expectAllLibraries(root: string, architecture: keyof typeof PLACES): Promise<void> {
  const { loader, triple } = PLACES[architecture];
  const folders = [`lib/${triple}`, `usr/lib/${triple}`, PROGRAM_FOLDER.slice(1)];
  const present = [...folders.flatMap((path) => readdirSync(join(root, path))), basename(loader)];
  const paths = folders.flatMap((path) => readdirSync(join(root, path)).map((name) => join(root, path, name)));
  const needed = await run('readelf', ['--dynamic', '--wide', ...paths]);
  const names = [...needed.matchAll(/\(NEEDED\).*\[(.+)\]/g)].map(([, name]) => name);
  expect(names).toContain('libatomic.so.1');
  expect(names.filter((name) => !present.includes(name ?? ''))).toEqual([]);
  expect(await run('readelf', ['--program-headers', join(root, PROGRAM)])).toContain(`interpreter: /${loader}]`);
}
