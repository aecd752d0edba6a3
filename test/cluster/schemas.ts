/** JSON Schemas of the kinds of Kubernetes, made of what an API server says about them: no other server is asked. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type JsonRecord, parseRecord, parseString } from '../emulator/json.ts';
import type { ApiClient } from './world/api-client.ts';

/** The APIs of the chart. */
const APIS = ['api/v1', 'apis/apps/v1', 'apis/batch/v1', 'apis/rbac.authorization.k8s.io/v1'];
const REFERENCE = '#/components/schemas/';

/** Writes `KIND-GROUP-VERSION.json` for each kind, as kubeconform names them. Unknown fields are refused. */
export async function writeSchemas(api: ApiClient, folder: string): Promise<void> {
  for (const path of APIS) {
    const document = await api.get(`/openapi/v3/${path}`);
    const schemas = parseRecord(parseRecord(document['components'])?.['schemas']) ?? {};
    const definitions = Object.fromEntries(Object.entries(schemas).map(([name, one]) => [name, convert(one)]));
    const [group = '', version = ''] = path.startsWith('apis/') ? path.split('/').slice(1) : ['', 'v1'];
    for (const [name, schema] of Object.entries(schemas)) {
      const kind = findKind(parseRecord(schema), group, version);
      if (kind === undefined) continue;
      const suffix = [group.split('.')[0], version].filter((part) => part !== '').join('-');
      const text = JSON.stringify({ $ref: `#/definitions/${name}`, definitions });
      writeFileSync(join(folder, `${kind.toLowerCase()}-${suffix}.json`), text);
    }
  }
}

function findKind(schema: JsonRecord | undefined, group: string, version: string): string | undefined {
  const kinds = schema?.['x-kubernetes-group-version-kind'];
  const found = (Array.isArray(kinds) ? kinds : [])
    .map((one: unknown) => parseRecord(one))
    .find((one) => one?.['group'] === group && one['version'] === version);
  return parseString(found?.['kind']);
}

/** Changes where references point to, and refuses fields that an object does not have. */
function convert(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(convert);
  const object = parseRecord(value);
  if (object === undefined) {
    return typeof value === 'string' && value.startsWith(REFERENCE)
      ? `#/definitions/${value.slice(REFERENCE.length)}`
      : value;
  }
  const converted = Object.fromEntries(Object.entries(object).map(([key, one]) => [key, convert(one)]));
  const isClosed = object['type'] === 'object' && parseRecord(object['properties']) !== undefined;
  return isClosed ? { additionalProperties: false, ...converted } : converted;
}
