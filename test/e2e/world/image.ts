/** Container images made of nothing but bytes: a layer of small files, its configuration and its manifest. */
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';

const MANIFEST_TYPE = 'application/vnd.docker.distribution.manifest.v2+json';

/** Puts an image of these files straight into a registry that asks for no credentials. */
export async function seedImage(
  registryUrl: string,
  repository: string,
  tag: string,
  files: Readonly<Record<string, string>>,
): Promise<void> {
  const layer = writeTar(files);
  const packed = gzipSync(layer);
  const config = Buffer.from(
    JSON.stringify({
      architecture: process.arch === 'x64' ? 'amd64' : process.arch,
      os: 'linux',
      created: '2026-01-01T00:00:00Z',
      config: { Env: ['PATH=/'], Cmd: ['/hello'] },
      rootfs: { type: 'layers', diff_ids: [digestOf(layer)] },
      history: [{ created: '2026-01-01T00:00:00Z', created_by: 'test' }],
    }),
  );
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

/** An uncompressed tar archive of plain files. */
export function writeTar(files: Readonly<Record<string, string>>): Buffer<ArrayBuffer> {
  const entries = Object.entries(files).flatMap(([name, text]) => {
    const content = Buffer.from(text);
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
