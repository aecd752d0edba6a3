/** The configuration: where it is, whether it has a mistake, and what it says about the registry. */

import { existsSync, lstatSync } from 'node:fs';
import { loadConfig } from '../../config/config.ts';
import type { RegistrySettings } from '../../config/registry-settings.ts';
import { asJsonObject, parseJsonObject } from '../../json.ts';
import { createQuote } from '../../redact.ts';
import { parseHost } from '../../registry.ts';
import { readForeignFile } from '../../system/files.ts';
import { findConfigFile } from '../../system/paths.ts';
import { type Check, type DoctorContext, type Finding, found } from './check.ts';
import { explain } from './explain.ts';

const MAX_CONFIG_BYTES = 1024 * 1024;
/** More lines than this say no more. */
const MAX_LINES = 10;

/** The check of the configuration. */
export const CONFIGURATION: Check = {
  name: 'configuration',
  title: 'Reading the configuration',
  needsRegistry: false,
  run: checkConfiguration,
};

async function checkConfiguration(context: DoctorContext): Promise<readonly Finding[]> {
  const { runtime, visit, target } = context;
  const location = await findConfigFile(runtime);
  if (location === undefined) return [found('note', 'there is no home folder to hold a configuration: defaults apply')];
  const { file, isExplicit } = location;
  const quoted = createQuote(runtime)(file);
  const isThere = isExplicit || existsSync(file) || isLink(file);
  const details = { file };
  if (!isThere) return [found('note', `${quoted} does not exist: defaults apply`, { details })];
  try {
    if (visit !== undefined) {
      const said = describeSettings(visit.settings());
      const what = said === '' ? `${quoted} says nothing special about ${visit.registry.host}` : `${quoted}: ${said}`;
      return [found('ok', what, { details })];
    }
    const config = await loadConfig(runtime);
    config.findRegistry(target?.host ?? 'doctor.invalid');
    config.loginSettingsOf(undefined, target?.host ?? 'doctor.invalid');
  } catch (cause) {
    return [{ ...explain(cause), details: { ...details, failure: 'CONFIG_INVALID' } }];
  }
  return [found('ok', `${quoted} can be read`, { details }), ...(await checkEntries(context, file))];
}

/** A line for each registry that the configuration names. */
async function checkEntries({ runtime, names }: DoctorContext, file: string): Promise<readonly Finding[]> {
  const config = await loadConfig(runtime);
  const quote = createQuote(runtime);
  const hosts = listHosts(file);
  const findings = hosts.slice(0, MAX_LINES).map((host): Finding => {
    names.add('REGISTRY', host);
    try {
      const registry = config.findRegistry(host);
      if (registry === undefined) return found('note', `${quote(host, 100)} is not a registry of Azure`);
      const said = describeSettings(config.settingsOf(registry));
      return found('ok', `${registry.host}: ${said === '' ? 'nothing special' : said}`);
    } catch (cause) {
      return explain(cause);
    }
  });
  if (hosts.length > MAX_LINES) findings.push(found('note', `and ${hosts.length - MAX_LINES} more`));
  return findings;
}

/** The registries of the configuration that are named in full. */
function listHosts(file: string): readonly string[] {
  try {
    const text = readForeignFile(file, MAX_CONFIG_BYTES);
    const registries = asJsonObject(parseJsonObject(text ?? '')?.['registries']) ?? {};
    return Object.keys(registries).filter((key) => parseHost(key) !== undefined);
  } catch {
    return []; // `loadConfig` has read it a moment ago
  }
}

function describeSettings(settings: RegistrySettings): string {
  const { identity, tenantId, secret, scope, anonymous, onError, isStrict, cacheTokens, store, minimumLifeSeconds } =
    settings;
  return [
    identity === undefined ? '' : `identity ${identity.name}`,
    tenantId === undefined ? '' : `tenant ${tenantId}`,
    secret === 'refresh-token' ? '' : `returns an ${secret.replace('-', ' ')}`,
    scope.length === 0 ? '' : `for ${scope.join(' ')}`,
    anonymous ? 'anonymous' : '',
    onError === 'anonymous' ? 'goes on anonymously after a failure' : '',
    isStrict ? 'strict' : '',
    cacheTokens ? '' : 'caches no tokens',
    store ? '' : 'stores no logins',
    minimumLifeSeconds === 0 ? '' : `tokens have at least ${minimumLifeSeconds / 60} minutes left`,
  ]
    .filter((part) => part !== '')
    .join(', ');
}

function isLink(file: string): boolean {
  try {
    return lstatSync(file, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return true; // it cannot be looked at, which `loadConfig` explains
  }
}
