/** Container images made of nothing but bytes: a layer of small files, its configuration and its manifest. */
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';

/** The content of each file. All of them can be executed. */
export type ImageFiles = Readonly<Record<string, string | Uint8Array<ArrayBuffer>>>;

const MANIFEST_TYPE = 'application/vnd.docker.distribution.manifest.v2+json';

/** Puts an image of these files straight into a registry that asks for no credentials. */
export async function seedImage(
  registryUrl: string,
  repository: string,
  tag: string,
  files: ImageFiles,
): Promise<void> {
  const { layer, config } = createImage(files);
  const packed = gzipSync(layer);
  await uploadBlob(registryUrl, repository, packed);
  await uploadBlob(registryUrl, repository, config);
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config: describe('application/vnd.docker.container.image.v1+json', config),
    layers: [describe('application/vnd.docker.image.rootfs.diff.tar.gzip', packed)],
  });
  await send(`${registryUrl}/v2/${repository}/manifests/${tag}`, 'PUT', manifest, MANIFEST_TYPE);
}

/** An image that no registry has to hold, as `docker load` and `ctr images import` read it. */
export function packImage(name: string, files: ImageFiles): Buffer {
  const { layer, config } = createImage(files);
  const manifest = [{ Config: 'config.json', RepoTags: [name], Layers: ['layer.tar'] }];
  return writeTar({ 'config.json': config, 'layer.tar': layer, 'manifest.json': JSON.stringify(manifest) });
}

function createImage(files: ImageFiles): { readonly layer: Buffer<ArrayBuffer>; readonly config: Buffer<ArrayBuffer> } {
  const layer = writeTar(files);
  const config = {
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    os: 'linux',
    created: '2026-01-01T00:00:00Z',
    config: { Env: ['PATH=/'], Cmd: ['/hello'] },
    rootfs: { type: 'layers', diff_ids: [digestOf(layer)] },
    history: [{ created: '2026-01-01T00:00:00Z', created_by: 'test' }],
  };
  return { layer, config: Buffer.from(JSON.stringify(config)) };
}

/** An uncompressed tar archive of plain files. */
export function writeTar(files: ImageFiles): Buffer<ArrayBuffer> {
  const entries = Object.entries(files).flatMap(([name, file]) => {
    const content = typeof file === 'string' ? Buffer.from(file) : file;
    const padding = Buffer.alloc((512 - (content.length % 512)) % 512);
    return [writeTarHeader(name, content.length), content, padding];
  });
  return Buffer.concat([...entries, Buffer.alloc(1024)]);
}

function writeTarHeader(name: string, size: number): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write('0000755\0', 100);
  header.write('0000000\0', 108);
  header.write('0000000\0', 116);
  header.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
  header.write('00000000000\0', 136);
  header.write('        ', 148);
  header.write('0', 156);
  header.write('ustar\x0000', 257);
  const checksum = header.reduce((sum, byte) => sum + byte, 0);
  header.write(`${checksum.toString(8).padStart(6, '0')}\0 `, 148);
  return header;
}

async function uploadBlob(registryUrl: string, repository: string, content: Uint8Array<ArrayBuffer>): Promise<void> {
  const opened = await send(`${registryUrl}/v2/${repository}/blobs/uploads/`, 'POST');
  const target = new URL(opened.headers.get('location') ?? '', registryUrl);
  target.searchParams.set('digest', digestOf(content));
  await send(target.href, 'PUT', content, 'application/octet-stream');
}

async function send(
  url: string,
  method: string,
  body?: string | Uint8Array<ArrayBuffer>,
  type?: string,
): Promise<Response> {
  const headers = type === undefined ? {} : { 'content-type': type };
  const response = await fetch(url, { method, headers, ...(body === undefined ? {} : { body }) });
  if (!response.ok) throw new Error(`Cannot seed the registry: ${method} ${url} answered ${response.status}`);
  return response;
}

function describe(mediaType: string, content: Uint8Array): object {
  return { mediaType, size: content.length, digest: digestOf(content) };
}

function digestOf(content: Uint8Array): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}
