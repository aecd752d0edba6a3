/** A configuration, read as the program reads it. */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSandbox, storeToken } from './sandbox.ts';

type Entries = Readonly<Record<string, unknown>>;

export interface Configuration {
  readonly registries?: Entries;
  readonly identities?: Entries;
  readonly clouds?: Entries;
}

/**
 * Lets the program judge every part of a configuration. Storing a token does it without a network: the program reads the
 * entry of the registry with its identity and its cloud first, and keeps the token as that registry's.
 * @returns what the program says against it; nothing when it is right.
 */
export async function findMistakes(configuration: Configuration): Promise<readonly string[]> {
  const { registries = {}, identities = {}, clouds = {} } = configuration;
  // A part that no registry uses is judged as well.
  const unused = Object.keys(identities).map((identity, index) => [`unused${index}.azurecr.io`, { identity }] as const);
  const complete = { ...configuration, registries: { ...registries, ...Object.fromEntries(unused) } };
  const hosts = [...Object.keys(complete.registries), ...Object.keys(clouds)].map((pattern) =>
    pattern.replace(/^\*\./, 'sample1.').replaceAll('*', 'sample1'),
  );
  return (await Promise.all(hosts.map((host) => tryHost(complete, host)))).flat();
}

async function tryHost(configuration: object, host: string): Promise<readonly string[]> {
  const sandbox = createSandbox();
  try {
    const file = join(sandbox.home, 'config.json');
    writeFileSync(file, JSON.stringify(configuration));
    const { exitCode, stdout } = await storeToken(sandbox, host, { DOCKER_CREDENTIAL_ACR_CONFIG: file });
    // What the configuration forbids to keep has been read as well.
    if (exitCode !== 0) return stdout.includes('forbids it') ? [] : [`${host}: ${stdout}`];
    const kept = readdirSync(join(sandbox.home, '.cache', 'docker-credential-acr', 'tokens'));
    return kept.some((name) => name.startsWith(`${host}_`)) ? [] : [`${host} is not taken for a registry`];
  } finally {
    sandbox.remove();
  }
}

/** @returns what is wrong with `credHelpers` of a client's configuration: keys are bare hosts, and this program is named. */
export function findHelperMistakes(credHelpers: Entries): readonly string[] {
  const entries = Object.entries(credHelpers);
  if (entries.length === 0) return ['there is no entry'];
  return entries.flatMap(([host, name]) => [
    ...(/^[a-z0-9-]+(?:\.[a-z0-9-]+)+$/.test(host) ? [] : [`${host} is not a bare host`]),
    ...(name === 'acr' ? [] : [`${host} is left to ${String(name)}`]),
  ]);
}
