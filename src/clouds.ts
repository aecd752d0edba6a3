/** The Azure clouds: which registries belong to which, and where their identities sign in. */

export interface Cloud {
  readonly name: string;
  /** Whole labels that end a login server's name, without the leading dot; or the whole name of one registry. */
  readonly registrySuffix: string;
  /** Base URL of Entra ID; `undefined` where it is not public, so that `AZURE_AUTHORITY_HOST` has to name it. */
  readonly authority: string | undefined;
  /** What an Entra token for the registry is asked for. */
  readonly audience: string;
  /** What it is asked for where Entra does not know `audience`: far more powerful, so only then. */
  readonly armAudience: string | undefined;
  /** What a CI's own token has to be made for. */
  readonly federatedAudience: string | undefined;
}

/** The same in every connected cloud; never the registry's own name (AADSTS500011). */
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
  authority,
  audience: REGISTRY_AUDIENCE,
  armAudience,
  federatedAudience: federatedSuffix === undefined ? undefined : `${FEDERATED_AUDIENCE}${federatedSuffix}`,
});

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

/** A cloud or a registry that only the person's configuration knows; what it leaves out is as in the public cloud. */
export function createCloud(
  suffix: string,
  settings: {
    readonly authorityHost?: string | undefined;
    readonly audience?: string | undefined;
    readonly federatedAudience?: string | undefined;
  },
): Cloud {
  return {
    name: suffix,
    registrySuffix: suffix,
    authority: settings.authorityHost?.replace(/\/+$/, ''),
    audience: settings.audience ?? REGISTRY_AUDIENCE,
    armAudience: undefined, // who names a cloud names its audience
    federatedAudience: settings.federatedAudience ?? FEDERATED_AUDIENCE,
  };
}
