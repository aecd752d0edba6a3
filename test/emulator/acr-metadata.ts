/** The `/acr/v1/` lists of ACR, made from what the real registry behind `/v2/` holds. */
import { registryHeaders } from './acr-error.ts';
import { parseJsonRecord, parseStrings } from './json.ts';
import { type EmulatedRequest, type EmulatedResponse, jsonResponse } from './message.ts';
import type { Context } from './state.ts';

const ATTRIBUTES = { deleteEnabled: true, writeEnabled: true, readEnabled: true, listEnabled: true };
const MANIFEST_TYPES = [
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.oci.image.index.v1+json',
].join(', ');

/** What a path below `/acr/v1/` is about. */
export interface MetadataTarget {
  /** The repository, or `_catalog`. */
  readonly name: string;
  readonly list: '_tags' | '_manifests' | undefined;
  /** The entry of the list; empty for all of it. */
  readonly reference: string;
}

/** @returns `undefined` when the percent-encoding is broken; the SDKs write the slashes of a name as `%2F` */
export function parseMetadataPath(path: string): MetadataTarget | undefined {
  let parts: readonly string[];
  try {
    parts = decodeURIComponent(path).split('/').slice(3);
  } catch {
    return undefined;
  }
  const end = parts.findIndex((part) => part === '_tags' || part === '_manifests');
  if (end === -1) return { name: parts.join('/'), list: undefined, reference: '' };
  const list = parts[end] === '_tags' ? '_tags' : '_manifests';
  return { name: parts.slice(0, end).join('/'), list, reference: parts[end + 1] ?? '' };
}

/** Answers a metadata request of an authorized caller. */
export async function answerMetadata(
  registryUrl: string | undefined,
  request: EmulatedRequest,
  context: Context,
): Promise<EmulatedResponse> {
  const headers = registryHeaders(context);
  const target = parseMetadataPath(request.path);
  if (target === undefined) {
    return { status: 400, headers, body: '' };
  }
  if (request.method !== 'GET') {
    return jsonResponse(405, { errors: [{ code: 'UNSUPPORTED', message: 'The operation is unsupported.' }] }, headers);
  }
  const { name, list, reference } = target;
  if (name === '_catalog') {
    const repositories = parseStrings((await read(registryUrl, '/v2/_catalog'))?.['repositories']);
    return jsonResponse(200, { repositories }, headers);
  }
  const tags = parseStrings((await read(registryUrl, `/v2/${name}/tags/list`))?.['tags']).sort();
  const unknown = (code: string, message: string) =>
    jsonResponse(404, { errors: [{ code, message, detail: { name } }] }, headers);
  if (tags.length === 0) {
    return unknown('NAME_UNKNOWN', `repository "${name}" is not found`);
  }
  const times = { createdTime: '2026-01-01T00:00:00.0000000Z', lastUpdateTime: '2026-01-01T00:00:00.0000000Z' };
  const owner = { registry: request.host, imageName: name };
  const describedTags = await Promise.all(
    tags.map(async (tag) => ({
      name: tag,
      digest: await readDigest(registryUrl, name, tag),
      ...times,
      signed: false,
      changeableAttributes: ATTRIBUTES,
    })),
  );
  const manifests = [...new Set(describedTags.map(({ digest }) => digest))].map((digest) => ({
    digest,
    ...times,
    tags: describedTags.filter((tag) => tag.digest === digest).map((tag) => tag.name),
    changeableAttributes: ATTRIBUTES,
  }));
  if (list === '_tags' && reference === '') {
    return jsonResponse(200, { ...owner, tags: describedTags }, headers);
  }
  if (list === '_tags') {
    const tag = describedTags.find((described) => described.name === reference);
    return tag === undefined
      ? unknown('TAG_UNKNOWN', `tag "${reference}" is not found`)
      : jsonResponse(200, { ...owner, tag }, headers);
  }
  if (list === '_manifests' && reference === '') {
    return jsonResponse(200, { ...owner, manifests }, headers);
  }
  if (list === '_manifests') {
    const manifest = manifests.find(({ digest }) => digest === reference);
    return manifest === undefined
      ? unknown('MANIFEST_UNKNOWN', `manifest "${reference}" is not found`)
      : jsonResponse(200, { ...owner, manifest }, headers);
  }
  const counts = { manifestCount: manifests.length, tagCount: tags.length };
  return jsonResponse(200, { ...owner, ...times, ...counts, changeableAttributes: ATTRIBUTES }, headers);
}

async function read(registryUrl: string | undefined, path: string): Promise<Readonly<Record<string, unknown>>> {
  if (registryUrl === undefined) {
    return {};
  }
  const response = await fetch(new URL(path, registryUrl));
  return parseJsonRecord(await response.text()) ?? {};
}

async function readDigest(registryUrl: string | undefined, name: string, tag: string): Promise<string> {
  const response = await fetch(new URL(`/v2/${name}/manifests/${tag}`, registryUrl), {
    method: 'HEAD',
    headers: { accept: MANIFEST_TYPES },
  });
  return response.headers.get('docker-content-digest') ?? '';
}
