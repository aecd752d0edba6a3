/** The Azure clouds: which registries belong to which, and where their identities sign in. */

export interface Cloud {
  readonly name: string;
  /** Whole labels that end a login server's name, without the leading dot. */
  readonly registrySuffix: string;
  /** Host of Entra ID; `undefined` where it is not public, so that `AZURE_AUTHORITY_HOST` has to name it. */
  readonly authorityHost: string | undefined;
}

/** The same in every connected cloud; never the registry's own name (AADSTS500011). */
export const REGISTRY_AUDIENCE = 'https://containerregistry.azure.net';

export const CLOUDS: readonly Cloud[] = [
  { name: 'Public', registrySuffix: 'azurecr.io', authorityHost: 'login.microsoftonline.com' },
  { name: 'US Government', registrySuffix: 'azurecr.us', authorityHost: 'login.microsoftonline.us' },
  { name: 'China', registrySuffix: 'azurecr.cn', authorityHost: 'login.partner.microsoftonline.cn' },
  { name: 'Germany', registrySuffix: 'azurecr.de', authorityHost: 'login.microsoftonline.de' },
  { name: 'Bleu', registrySuffix: 'azurecr.sovcloud-azure.fr', authorityHost: 'login.sovcloud-identity.fr' },
  { name: 'Delos', registrySuffix: 'azurecr.sovcloud-azure.de', authorityHost: 'login.sovcloud-identity.de' },
  { name: 'USNat', registrySuffix: 'azurecr.eaglex.ic.gov', authorityHost: undefined },
  { name: 'USSec', registrySuffix: 'azurecr.microsoft.scloud', authorityHost: undefined },
];
