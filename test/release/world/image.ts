/** The image of the release: its manifest and files, and containers of it as a container runtime runs them. */
import { createHash } from 'node:crypto';
import { chownSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'vitest';
import { asJsonObject, asText, type JsonObject, parseJsonObject } from '../../../src/json.ts';
import { needParts, needRoot, partOf } from '../../e2e/world/parts.ts';
import { type RunResult, runProcess } from '../../e2e/world/process.ts';
import { createTemporaryFolder } from '../../e2e/world/temporary-folder.ts';

const ENVIRONMENT = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8' };

/** An OCI image layout that is unpacked. */
export interface Layout {
  /** Reads a blob as JSON. @throws when its bytes have another digest. */
  readonly read: (digest: string) => JsonObject;
  readonly blobPath: (digest: string) => string;
  /** The only entry of `index.json`. */
  readonly entry: JsonObject;
  /** The manifests of the image's platforms. */
  readonly platforms: readonly JsonObject[];
}

export async function unpackLayout(archive: string, folder: string): Promise<Layout> {
  mkdirSync(folder);
  await run('tar', ['-xf', archive, '-C', folder]);
  const blobPath = (digest: string) => join(folder, 'blobs', digest.replace(':', '/'));
  for (const name of readdirSync(join(folder, 'blobs/sha256'))) {
    const found = createHash('sha256')
      .update(readFileSync(join(folder, 'blobs/sha256', name)))
      .digest('hex');
    if (found !== name) throw new Error(`The blob ${name} has the digest ${found}`);
  }
  const read = (digest: string) => parseJsonObject(readFileSync(blobPath(digest), 'utf8')) ?? {};
  const index = parseJsonObject(readFileSync(join(folder, 'index.json'), 'utf8'));
  const entries = listObjects(index?.['manifests']);
  const [entry] = entries;
  if (entry === undefined || entries.length > 1) throw new Error(`index.json has ${entries.length} entries`);
  return { read, blobPath, entry, platforms: listObjects(read(digestOf(entry))['manifests']) };
}

/** Unpacks the layers of a platform's image with their owners, for which it has to run as root. */
export async function unpackFiles(layout: Layout, manifest: JsonObject, folder: string): Promise<void> {
  mkdirSync(folder, { mode: 0o755 });
  for (const layer of listObjects(manifest['layers'])) {
    await run('tar', ['-xzpf', layout.blobPath(digestOf(layer)), '--same-owner', '--numeric-owner', '-C', folder]);
  }
}

export interface ContainerOptions {
  /** The image's user by default. */
  readonly user?: number;
  readonly environment?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** Whether files can be written to; by default only to `/tmp`. */
  readonly isWritable?: boolean;
  /** Folders of this machine by their paths in the container. Nothing can be written to those without `rw`. */
  readonly folders?: Readonly<Record<string, { readonly source: string; readonly mode: 'ro' | 'rw' }>>;
}

/** Containers that share one copy of the files. */
export interface Containers {
  /** Runs the image's program without any capability, in the network of this machine. */
  readonly run: (args: readonly string[], options?: ContainerOptions) => Promise<RunResult>;
}

/** @param rootFolder the files of the image. */
export function openContainers(context: TestContext, rootFolder: string, config: JsonObject): Containers {
  needParts(context, 'runc');
  needRoot(context);
  const { path: folder, remove } = createTemporaryFolder('acr-image-');
  context.onTestFinished(remove);
  let count = 0;
  return {
    run: async (args, options = {}) => {
      count += 1;
      const bundle = join(folder, String(count));
      mkdirSync(bundle);
      writeFileSync(join(bundle, 'config.json'), JSON.stringify(describeContainer(rootFolder, config, args, options)));
      const name = `acr-image-${process.pid}-${folder.slice(-6)}-${count}`;
      return await runProcess(partOf('runc'), ['--root', join(folder, 'state'), 'run', '--bundle', bundle, name], {
        environment: ENVIRONMENT,
        input: options.input ?? '',
      });
    },
  };
}

/** @see https://github.com/opencontainers/runtime-spec/blob/main/config.md */
function describeContainer(rootFolder: string, config: JsonObject, args: readonly string[], options: ContainerOptions) {
  const { environment = {}, isWritable = false, folders = {} } = options;
  const [uid = 0, gid = 0] = (asText(config['User']) ?? '').split(':').map(Number);
  const binds = Object.entries(folders).map(([destination, { source, mode }]) => {
    return { destination, type: 'none', source, options: ['rbind', mode] };
  });
  return {
    ociVersion: '1.0.2',
    process: {
      user: options.user === undefined ? { uid, gid } : { uid: options.user, gid: options.user },
      args: [...listTexts(config['Entrypoint']), ...args],
      env: [...listTexts(config['Env']), ...Object.entries(environment).map(([name, value]) => `${name}=${value}`)],
      cwd: '/',
      capabilities: {},
      noNewPrivileges: true,
    },
    root: { path: rootFolder, readonly: !isWritable },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['mode=755'] },
      { destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: ['mode=1777'] },
      ...binds,
    ],
    linux: { namespaces: ['pid', 'mount', 'ipc', 'uts'].map((type) => ({ type })) },
  };
}

/** Makes a folder that belongs to a user. */
export function makeFolderOf(path: string, user: number): string {
  mkdirSync(path, { recursive: true });
  chownSync(path, user, user);
  return path;
}

/** Runs a program of this machine. @throws when it fails. */
export async function run(command: string, args: readonly string[], environment = ENVIRONMENT): Promise<string> {
  const { exitCode, stdout, stderr } = await runProcess(command, args, { environment });
  if (exitCode !== 0) throw new Error(`${command} ${args.join(' ')} exits with ${exitCode}: ${stdout}${stderr}`);
  return stdout;
}

export function digestOf(descriptor: unknown): string {
  return asText(asJsonObject(descriptor)?.['digest']) ?? '';
}

export function listObjects(value: unknown): readonly JsonObject[] {
  return Array.isArray(value) ? value.map((one: unknown) => asJsonObject(one) ?? {}) : [];
}

export function listTexts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
