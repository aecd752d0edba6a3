/** The record of what is installed on a node, beside the executable, so that it can be taken away again. */

import { asJsonObject, asText, parseJsonObject } from '../../json.ts';
import { readText } from './node-text.ts';

/** One place that was filled. */
export interface InstalledPlace {
  /** As the node's programs see it. */
  readonly path: string;
  readonly role: 'program' | 'name' | 'file' | 'config';
  /** What was put there, as `identify` says it. */
  readonly content: string;
  /** What was put there by the installation before, which a killed process may have left in place. */
  readonly formerContent: string | undefined;
  /** Whether something was there before, which is kept beside it. */
  readonly isKept: boolean;
}

/** What is installed. */
export interface Installation {
  readonly version: string;
  /** In the order in which they were filled. */
  readonly places: readonly InstalledPlace[];
  /** Folders that were made, the outermost first. */
  readonly folders: readonly string[];
  /** The names of the providers that were added to the configuration. */
  readonly providers: readonly string[];
  /** The SHA-256 of the configuration to which they were added; `undefined` when there was none. */
  readonly configBefore: string | undefined;
}

/** The name of the record, in the folder of the executable. */
export const RECORD_NAME = 'docker-credential-acr.installed.json';

const ROLES = ['program', 'name', 'file', 'config'] as const;

/** Formats the record. */
export function formatInstallation(installation: Installation): string {
  return `${JSON.stringify(installation, undefined, 2)}\n`;
}

/** Parses the record. @returns `undefined` when it is not one. */
function parseInstallation(text: string): Installation | undefined {
  const object = parseJsonObject(text);
  const version = asText(object?.['version']);
  const places = readList(object?.['places'], readPlace);
  const folders = readList(object?.['folders'], asText);
  const providers = readList(object?.['providers'], asText);
  if (version === undefined || places === undefined || folders === undefined || providers === undefined) {
    return undefined;
  }
  return { version, places, folders, providers, configBefore: asText(object?.['configBefore']) };
}

/**
 * Reads the record of what is installed.
 * @returns `undefined` when nothing is.
 * @throws an error without a code when it is not a record; the system's error.
 */
export function readInstallation(file: string): Installation | undefined {
  const text = readText(file);
  if (text === undefined) return undefined;
  const installation = parseInstallation(text);
  if (installation === undefined) throw new Error('it is not a record of this program');
  return installation;
}

/** Whether something, in the words of `identify`, is what this program has put in a place. */
export function isInstalled({ content, formerContent }: InstalledPlace, found: string): boolean {
  return found === content || found === formerContent;
}

function readPlace(value: unknown): InstalledPlace | undefined {
  const object = asJsonObject(value);
  const path = asText(object?.['path']);
  const content = asText(object?.['content']);
  const role = ROLES.find((one) => one === object?.['role']);
  const isKept = object?.['isKept'];
  if (path === undefined || content === undefined || role === undefined || typeof isKept !== 'boolean')
    return undefined;
  return { path, role, content, isKept, formerContent: asText(object?.['formerContent']) };
}

/** @returns `undefined` unless every item can be read. */
function readList<T>(value: unknown, read: (item: unknown) => T | undefined): readonly T[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const items = value.map((one: unknown) => read(one)).filter((one) => one !== undefined);
  return items.length === value.length ? items : undefined;
}
