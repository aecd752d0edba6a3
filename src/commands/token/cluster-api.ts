/**
 * Calls the API server of the cluster in which this process runs, as its service account.
 *
 * @see https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/
 */

import { isIPv6 } from 'node:net';
import { join } from 'node:path';
import { readSecretFile } from '../../identity/secret-file.ts';
import type { JsonObject } from '../../json.ts';
import type { Log } from '../../log.ts';
import { createDirectConnections } from '../../network/direct-connections.ts';
import type { HttpResponse } from '../../network/http.ts';
import { createHttpClient } from '../../network/http-client.ts';
import { readClockMs } from '../../system/clock.ts';
import { readForeignFile } from '../../system/files.ts';
import { type Runtime, readVariable } from '../../system/runtime.ts';
import { UsageError } from '../../terminal/failure.ts';
import { parseUrl } from '../../url.ts';

/** The API server, as the service account of this pod. */
export interface ClusterApi {
  /** The namespace of this pod; `undefined` where it is not known. */
  readonly namespace: string | undefined;
  /** The token of the service account, whose claims name it. It is a secret. */
  readonly token: string;
  /**
   * Applies an object on the server, which creates it or changes only the fields in it.
   * @param path such as `/api/v1/namespaces/team-a/secrets/acr`.
   * @throws NETWORK_FAILED when there is no response.
   * @see https://kubernetes.io/docs/reference/using-api/server-side-apply/
   */
  readonly apply: (path: string, object: JsonObject) => Promise<HttpResponse>;
}

/** Where Kubernetes mounts the token, unless the pod says otherwise. */
export const SERVICE_ACCOUNT_FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount';
/** By this name the server remembers which fields are this program's. */
export const FIELD_MANAGER = 'docker-credential-acr';

/** For one object, with all attempts: no namespace takes the time of the next. */
const BUDGET_MS = 60_000;
const MAX_BYTES = 1024 * 1024;

/**
 * Opens the API server of this cluster. No proxy is used for it.
 * @param folder holds `token`, `ca.crt` and `namespace`.
 * @throws UsageError outside of a cluster; IDENTITY_INVALID when the token cannot be read.
 */
export function openClusterApi(runtime: Runtime, folder: string, log: Log | undefined): ClusterApi {
  const host = readVariable(runtime, 'KUBERNETES_SERVICE_HOST');
  const port = readVariable(runtime, 'KUBERNETES_SERVICE_PORT') ?? '443';
  const url = host === undefined ? undefined : parseUrl(`https://${isIPv6(host) ? `[${host}]` : host}:${port}`);
  if (url === undefined) {
    throw new UsageError('--apply works only in a pod: KUBERNETES_SERVICE_HOST is not set', {
      hint: 'elsewhere, leave it out and pipe the output into kubectl apply -f -',
    });
  }
  const token = readSecretFile(join(folder, 'token'), 'token of the service account').trim();
  runtime.secrets.add(token);
  const certificates = readOptional(join(folder, 'ca.crt'));
  const direct = certificates === undefined ? {} : { certificates };
  return {
    namespace: readOptional(join(folder, 'namespace'))?.trim(),
    token,
    apply: async (path, json) => {
      const connections = createDirectConnections(runtime, direct);
      const http = createHttpClient(runtime, { connections, deadlineMs: readClockMs() + BUDGET_MS, log });
      try {
        return await http.send({
          ...{ method: 'PATCH', json },
          url: `${url.origin}${path}?fieldManager=${FIELD_MANAGER}`,
          headers: { authorization: `Bearer ${token}` },
          contentType: 'application/apply-patch+yaml', // JSON is YAML
        });
      } finally {
        http.close();
      }
    },
  };
}

function readOptional(file: string): string | undefined {
  try {
    return readForeignFile(file, MAX_BYTES);
  } catch {
    return undefined;
  }
}
