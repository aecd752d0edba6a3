/**
 * The clouds of azure.json: those that the cloud provider knows by name, and the one that an operator describes in a file
 * of its own.
 */

import { CLOUDS, type Cloud, createCloud } from '../clouds.ts';
import { asText, parseJsonObject } from '../json.ts';
import { formatBaseUrl, parsePlainUrl } from '../network/plain-url.ts';
import { shellWord } from '../shell-word.ts';
import { readPathVariable } from '../system/path-variable.ts';
import type { Runtime } from '../system/runtime.ts';
import { invalidFile, readKeys, readNodeFile } from './azure-json.ts';

const VARIABLE = 'AZURE_ENVIRONMENT_FILEPATH';
/** The name that stands for the cloud in the file of the variable, in lower case. */
const DESCRIBED_CLOUD = 'azurestackcloud';
const SUFFIX_KEY = 'containerRegistryDNSSuffix';
const AUTHORITY_KEY = 'activeDirectoryEndpoint';
/** Stands for what a cloud does not have. */
const NOT_AVAILABLE = 'N/A';
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const MAX_NAME = 253;

/** The names of the clouds, in lower case, with our own. */
const NAMES: Readonly<Record<string, string>> = {
  azurecloud: 'Public',
  azurepubliccloud: 'Public',
  azureusgovernment: 'US Government',
  azureusgovernmentcloud: 'US Government',
  azurechinacloud: 'China',
  azuregermancloud: 'Germany',
};

/** The cloud of a node. */
export interface NodeCloud {
  /** Its name, for messages. */
  readonly name: string;
  /** Base URL of its Entra ID; `undefined` if nothing names it. */
  readonly authority: string | undefined;
  /** The cloud as the operator describes it, if it has registries. */
  readonly added: Cloud | undefined;
}

/**
 * Finds the cloud of a node.
 * @param name as in azure.json; case and surrounding spaces do not matter.
 * @returns `undefined` when there is no name, or a name that nobody knows: the registry decides then where to sign in.
 * @throws CONFIG_INVALID when the operator's file cannot be read, or has a mistake.
 */
export function findNodeCloud(runtime: Runtime, name = ''): NodeCloud | undefined {
  const wanted = name.trim().toLowerCase();
  if (wanted === DESCRIBED_CLOUD) return readDescribedCloud(runtime);
  const known = CLOUDS.find((cloud) => cloud.name === NAMES[wanted]);
  return known === undefined ? undefined : { name: known.name, authority: known.authority, added: undefined };
}

function readDescribedCloud(runtime: Runtime): NodeCloud | undefined {
  const file = readPathVariable(runtime, VARIABLE, 'CONFIG_INVALID');
  if (file === undefined) return undefined;
  const object = parseJsonObject(readNodeFile(file, `ls -l ${shellWord(file)}, or unset AZURE_ENVIRONMENT_FILEPATH`));
  if (object === undefined) throw invalidFile(file, 'it must contain a JSON object');
  const values = readKeys(object, [SUFFIX_KEY, AUTHORITY_KEY], (key) => invalidFile(file, `it has "${key}" twice`));
  const authority = readAuthority(values[AUTHORITY_KEY], file);
  const registrySuffix = readSuffix(values[SUFFIX_KEY], file);
  const settings = authority === undefined ? {} : { authorityHost: authority };
  const added = registrySuffix === undefined ? undefined : createCloud({ registrySuffix, isOneHost: false }, settings);
  return { name: registrySuffix ?? file, authority, added };
}

function readAuthority(value: unknown, file: string): string | undefined {
  if (value === undefined || value === NOT_AVAILABLE) return undefined;
  // The sign-in sends the client's secret there, so only a plain https URL is accepted.
  const url = parsePlainUrl(asText(value) ?? '');
  if (url === undefined) throw invalidFile(file, `"${AUTHORITY_KEY}" must be an https URL`);
  return formatBaseUrl(url);
}

/**
 * Reads the suffix of the cloud's registries: `azurecr.example.com`, or the same after a dot.
 * @throws CONFIG_INVALID when it is no domain, or would make other hosts registries: those of a known cloud, of which
 * its name is a part, or a lookalike of them.
 */
function readSuffix(value: unknown, file: string): string | undefined {
  if (value === undefined || value === NOT_AVAILABLE) return undefined;
  const suffix = (asText(value) ?? '').trim().replace(/^\./, '').toLowerCase();
  const labels = suffix.split('.');
  if (labels.length < 2 || suffix.length > MAX_NAME || !labels.every((label) => LABEL.test(label))) {
    throw invalidFile(file, `"${SUFFIX_KEY}" must be a domain of two labels or more`);
  }
  const other = CLOUDS.find(({ registrySuffix }) => registrySuffix !== suffix && isWithin(registrySuffix, suffix));
  if (other !== undefined) {
    throw invalidFile(
      file,
      `"${SUFFIX_KEY}" must not overlap with ${other.registrySuffix}, of the ${other.name} cloud`,
    );
  }
  return suffix;
}

/** Whether the labels of one domain stand in the other, wherever. */
function isWithin(one: string, other: string): boolean {
  return `.${one}.`.includes(`.${other}.`) || `.${other}.`.includes(`.${one}.`);
}
