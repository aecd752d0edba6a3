/** Pods, and what the kubelet says about them. */
import { parseRecord, parseString } from '../../emulator/json.ts';
import type { ApiClient, KubernetesObject } from './api-client.ts';
import { NODE_NAME } from './api-server.ts';

export interface PodOptions {
  readonly serviceAccount?: string;
  /** By default, the kubelet asks the registry even if it has the image. */
  readonly imagePullPolicy?: 'Always' | 'IfNotPresent';
}

/** The outcome of a pull, with the message of the event. */
export interface PullOutcome {
  readonly reason: 'Pulled' | 'Failed';
  readonly message: string;
}

/** A pod with one container on the only node, which needs no network of its own. */
export function describePod(name: string, image: string, options: PodOptions = {}): KubernetesObject {
  const { serviceAccount, imagePullPolicy = 'Always' } = options;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default' },
    spec: {
      nodeName: NODE_NAME,
      hostNetwork: true,
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 0,
      ...(serviceAccount === undefined ? {} : { serviceAccountName: serviceAccount }),
      containers: [{ name: 'main', image, imagePullPolicy }],
    },
  };
}

/** Waits for the event that ends the first pull of a pod's image. */
export function waitForPull(api: ApiClient, pod: string, limitMs?: number): Promise<PullOutcome> {
  const selector = `fieldSelector=involvedObject.name=${pod}`;
  return api.waitFor(
    `/api/v1/namespaces/default/events?${selector}`,
    (event): PullOutcome | undefined => {
      const [reason, message] = [parseString(event['reason']), parseString(event['message']) ?? ''];
      // The kubelet also reports the failure of the container, in other words.
      if (reason === 'Failed' && !message.startsWith('Failed to pull image')) return undefined;
      return reason === 'Pulled' || reason === 'Failed' ? { reason, message } : undefined;
    },
    limitMs,
  );
}

/** Waits until the container of a pod runs. */
export function waitForRunning(api: ApiClient, pod: string): Promise<string> {
  return api.waitFor(`/api/v1/namespaces/default/pods?fieldSelector=metadata.name=${pod}`, (object) => {
    const phase = parseString(parseRecord(object['status'])?.['phase']);
    return phase === 'Running' ? phase : undefined;
  });
}
