/** What a caller wants otherwise than the configuration says: a command, or the kubelet. */

import type { Cloud } from './clouds.ts';
import type { Config } from './config/config.ts';
import type { ChosenIdentity } from './config/identity-settings.ts';
import type { RegistrySettings } from './config/registry-settings.ts';
import { parseRegistry, type Registry } from './registry.ts';

/** What a caller wants; what it leaves out is as configured. */
export interface WantedCredential extends Partial<Pick<RegistrySettings, 'secret' | 'scope' | 'onError'>> {
  /** The only identity to use, and the tenant of its registry. Nothing that somebody has stored counts then. */
  readonly identity?: ChosenIdentity | undefined;
  /** The identity to use where the configuration names none. With `"strict"`, only the configuration counts. */
  readonly otherIdentity?: ChosenIdentity | undefined;
  /** Clouds that neither this program nor the configuration knows. */
  readonly clouds?: readonly Cloud[] | undefined;
}

/**
 * Finds the registry of a server URL. The wanted clouds add registries, and the authority of a cloud whose authority is
 * not public; they change nothing else.
 * @returns `undefined` when the server is not a registry of Azure.
 * @throws CONFIG_INVALID when the entry of its cloud has a mistake.
 */
export function findWantedRegistry(
  config: Config,
  serverUrl: string,
  { clouds = [] }: WantedCredential,
): Registry | undefined {
  const known = config.findRegistry(serverUrl);
  if (known !== undefined && known.cloud.authority !== undefined) return known;
  const added = parseRegistry(serverUrl, clouds);
  if (known === undefined || added === undefined) return known ?? added;
  return { ...known, cloud: { ...known.cloud, authority: added.cloud.authority } };
}

/** Returns the settings of a registry, as wanted. @throws CONFIG_INVALID */
export function chooseSettings(
  config: Config,
  registry: Registry,
  { identity, otherIdentity, clouds: _, ...wanted }: WantedCredential,
): RegistrySettings {
  const settings = { ...config.settingsOf(registry), ...wanted };
  if (identity !== undefined) return { ...settings, identity, tenantId: identity.tenantId };
  return settings.isStrict || settings.identity !== undefined ? settings : { ...settings, identity: otherIdentity };
}
