/** Which Azure service answers under a host name. */
import type { EmulatedRequest, EmulatedResponse, Occasion } from './message.ts';

export type AzureHost =
  | { readonly kind: 'entra' }
  | { readonly kind: 'arm' }
  /** A login server, global or regional; `loginServer` is the global one, and the `service` of its tokens. */
  | { readonly kind: 'acr'; readonly loginServer: string }
  /** A dedicated data endpoint, which is not a login server. */
  | { readonly kind: 'acr-data'; readonly loginServer: string }
  /** A service outside Azure, such as that of a CI; only tests add one. */
  | {
      readonly kind: 'other';
      readonly answer: (request: EmulatedRequest, occasion: Occasion) => EmulatedResponse;
    };

const ENTRA_HOSTS: ReadonlySet<string> = new Set([
  'login.microsoftonline.com',
  'login.windows.net',
  'login.microsoft.com',
  'sts.windows.net',
  'login.microsoftonline.us',
  'login.usgovcloudapi.net',
  'login.partner.microsoftonline.cn',
  'login.chinacloudapi.cn',
  'login.microsoftonline.de',
  'login.sovcloud-identity.fr',
  'login.sovcloud-identity.de',
  'login.sovcloud-identity.sg',
]);

const ARM_HOSTS: ReadonlySet<string> = new Set([
  'management.azure.com',
  'management.usgovcloudapi.net',
  'management.chinacloudapi.cn',
  'management.microsoftazure.de',
]);

const REGISTRY_HOST =
  /^(?<name>[a-z0-9]{5,50}(?:-[a-z0-9]{1,57})?)(?:\.[a-z0-9]{2,63}\.(?<kind>geo|data))?\.(?<suffix>azurecr\.(?:io|us|cn|de)|azurecr\.sovcloud-azure\.(?:fr|de)|azurecr\.eaglex\.ic\.gov|azurecr\.microsoft\.scloud)$/;

/**
 * Names the service behind `host`, which must be lower-case.
 * @param extraHosts Hosts that a test added, such as a custom domain of a registry or an operator's own authority.
 * @returns `undefined` for a host that is not Azure's.
 */
export function parseAzureHost(
  host: string,
  extraHosts: ReadonlyMap<string, AzureHost> = new Map(),
): AzureHost | undefined {
  const extra = extraHosts.get(host);
  if (extra !== undefined) {
    return extra;
  }
  if (ENTRA_HOSTS.has(host)) {
    return { kind: 'entra' };
  }
  if (ARM_HOSTS.has(host)) {
    return { kind: 'arm' };
  }
  const match = REGISTRY_HOST.exec(host);
  const name = match?.groups?.['name'];
  const suffix = match?.groups?.['suffix'];
  if (name === undefined || suffix === undefined || host.split('.').some((label) => label.length > 63)) {
    return undefined;
  }
  const kind = match?.groups?.['kind'] === 'data' ? 'acr-data' : 'acr';
  return { kind, loginServer: `${name}.${suffix}` };
}
