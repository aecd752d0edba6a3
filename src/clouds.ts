/** The Azure clouds: which registries belong to each one, and where identities sign in. */

/** An Azure cloud, or a registry with a custom domain. */
export interface Cloud {
  readonly name: string;
  /** The last labels of a login server's name, without the leading dot; the whole name if there is one registry only. */
  readonly registrySuffix: string;
  /** Whether the only registry is the host `registrySuffix` itself. No host below it belongs to this cloud. */
  readonly isOneHost: boolean;
  /** Base URL of Entra ID; `undefined` if it is not public. `AZURE_AUTHORITY_HOST` must name it then. */
  readonly authority: string | undefined;
  /** The audience of an Entra token for the registry. */
  readonly audience: string;
  /** The audience to use if Entra does not know `audience`, and only then: such a token can do far more. */
  readonly armAudience: string | undefined;
  /** The audience that a token from another issuer, such as a CI system, must have. */
  readonly federatedAudience: string | undefined;
}

/** The same in every connected cloud. Entra rejects a registry's own name as the audience (AADSTS500011). */
const REGISTRY_AUDIENCE = 'https://containerregistry.azure.net';
const FEDERATED_AUDIENCE = 'api://AzureADTokenExchange';

const cloud = (
  name: string,
  registrySuffix: string,
  authority: string | undefined,
  armAudience: string | undefined,
  federatedSuffix: string | undefined,
): Cloud => ({
  name,
  registrySuffix,
  isOneHost: false,
  authority,
  audience: REGISTRY_AUDIENCE,
  armAudience,
  federatedAudience: federatedSuffix === undefined ? undefined : `${FEDERATED_AUDIENCE}${federatedSuffix}`,
});

/** The clouds that are known without configuration. */
export const CLOUDS: readonly Cloud[] = [
  cloud('Public', 'azurecr.io', 'https://login.microsoftonline.com', 'https://management.azure.com', ''),
  cloud(
    'US Government',
    'azurecr.us',
    'https://login.microsoftonline.us',
    'https://management.usgovcloudapi.net',
    'USGov',
  ),
  cloud(
    'China',
    'azurecr.cn',
    'https://login.partner.microsoftonline.cn',
    'https://management.chinacloudapi.cn',
    'China',
  ),
  cloud('Germany', 'azurecr.de', 'https://login.microsoftonline.de', 'https://management.microsoftazure.de', undefined),
  cloud('Bleu', 'azurecr.sovcloud-azure.fr', 'https://login.sovcloud-identity.fr', undefined, 'France'),
  cloud('Delos', 'azurecr.sovcloud-azure.de', 'https://login.sovcloud-identity.de', undefined, 'Germany'),
  cloud('USNat', 'azurecr.eaglex.ic.gov', undefined, 'https://management.azure.eaglex.ic.gov', 'USNat'),
  cloud('USSec', 'azurecr.microsoft.scloud', undefined, 'https://management.azure.microsoft.scloud', 'USSec'),
];

/** The hosts of a cloud that the user's configuration adds. */
export interface CloudHosts {
  /** The suffix of its login servers, or the whole name of its only registry. */
  readonly registrySuffix: string;
  readonly isOneHost: boolean;
}

/**
 * Makes a cloud from the user's configuration.
 * @param settings what they leave out is the same as in the public cloud, except for the authority.
 */
export function createCloud(
  { registrySuffix, isOneHost }: CloudHosts,
  settings: {
    readonly authorityHost?: string | undefined;
    readonly audience?: string | undefined;
    readonly federatedAudience?: string | undefined;
  },
): Cloud {
  return {
    name: registrySuffix,
    registrySuffix,
    isOneHost,
    authority: settings.authorityHost,
    audience: settings.audience ?? REGISTRY_AUDIENCE,
    armAudience: undefined, // the configuration names the audience of its own cloud
    federatedAudience: settings.federatedAudience ?? FEDERATED_AUDIENCE,
  };
}
