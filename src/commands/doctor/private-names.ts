/**
 * Takes out of a text for the public what tells who and where somebody is: names of people, registries, repositories
 * and machines, ids, addresses and the home folder.
 */

import { findHome } from '../../system/paths.ts';
import type { Runtime } from '../../system/runtime.ts';

/** Shorter names would also be found within ordinary words. */
const MIN_LENGTH = 3;
const GUID = /\b([0-9a-f]{8})-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi;
/** What an e-mail address consists of, on both sides of the `@`. */
const EMAIL_CHARACTER = /[\p{L}\p{N}_.%+#'-]/u;
/** The domain that every tenant has. */
const TENANT_DOMAIN = /(?<![\w-])[\w-]{1,63}(?=\.(?:partner\.)?onmicrosoft\.)/gi;
const IPV4 = /\b(\d{1,3}\.\d{1,3})\.\d{1,3}\.\d{1,3}\b/g;
const IPV6 = /(?<![\w:])[0-9a-f]{1,4}(?::[0-9a-f]{0,4}){3,8}(?![\w:])/gi;
const REGISTRY =
  /(?<![\w-])[a-z0-9][a-z0-9-]{0,62}((?:\.[a-z0-9]{1,63}\.(?:geo|data)|\.privatelink)?\.azurecr\.(?:io|us|cn|de|sovcloud-azure|eaglex|microsoft)\b)/gi;
const WORD = /[\p{L}\p{N}_]/u;

/** What stands for a name: it tells what it was, so that the text can still be read. */
export type NameKind = 'REGISTRY' | 'REPOSITORY' | 'USER' | 'TENANT' | 'HOST';

/** The names that a run has met. */
export interface PrivateNames {
  /** Adds a name. Every later text for the public has `kind` in its place. */
  readonly add: (kind: NameKind, name: string | undefined) => void;
  /** Takes the names, ids, addresses and the home folder out of a text. */
  readonly hide: (text: string) => string;
}

/** Starts a collection of names, with those that the environment tells. */
export function createPrivateNames(runtime: Runtime): PrivateNames {
  const names = new Map<string, NameKind>();
  const home = findHome(runtime);
  const keep = (kind: NameKind, name: string | undefined) => {
    const lower = name?.toLowerCase() ?? '';
    if (lower.length >= MIN_LENGTH && !names.has(lower)) names.set(lower, kind);
  };
  const add = (kind: NameKind, name: string | undefined) => {
    keep(kind, name);
    // Commands name a registry without its domain, and without its hash.
    if (kind === 'REGISTRY') for (const end of ['.', '-']) keep(kind, name?.split(end)[0]);
  };
  const user = home?.split(/[\\/]/).findLast((part) => part !== '');
  if (user !== 'root') add('USER', user);
  for (const name of ['USER', 'LOGNAME', 'USERNAME', 'SUDO_USER']) {
    if (runtime.env[name] !== 'root') add('USER', runtime.env[name]);
  }
  for (const name of ['HOSTNAME', 'COMPUTERNAME']) add('HOST', runtime.env[name]);
  for (const prefix of ['AZURE', 'ARM', 'AZURESUBSCRIPTION']) add('TENANT', runtime.env[`${prefix}_TENANT_ID`]);
  return {
    add,
    hide: (text) => {
      let clean = home === undefined || home.length < MIN_LENGTH ? text : text.replaceAll(home, '~');
      // Ids first: half of one could be a name.
      clean = hideEmails(clean.replace(GUID, '$1…')).replace(TENANT_DOMAIN, 'TENANT');
      clean = clean.replace(REGISTRY, 'REGISTRY$1');
      // The longest first: a name may contain another.
      const ordered = [...names].sort(([one], [other]) => other.length - one.length);
      for (const [name, kind] of ordered) clean = replaceWord(clean, name, kind);
      return clean.replace(IPV4, '$1.x.x').replace(IPV6, 'IPV6');
    },
  };
}

/** Replaces e-mail addresses, and user names of the form `user@host`. */
function hideEmails(text: string): string {
  let clean = '';
  let copied = 0;
  for (let at = text.indexOf('@'); at >= 0; at = text.indexOf('@', at + 1)) {
    if (at < copied) continue;
    let [start, end] = [at, at + 1];
    while (start > copied && EMAIL_CHARACTER.test(text[start - 1] ?? ' ')) start -= 1;
    while (end < text.length && EMAIL_CHARACTER.test(text[end] ?? ' ')) end += 1;
    if (start === at || end === at + 1) continue;
    clean += `${text.slice(copied, start)}USER@…`;
    copied = end;
  }
  return clean + text.slice(copied);
}

/** Replaces a name where it is a word of its own, in upper or lower case. */
function replaceWord(text: string, name: string, replacement: string): string {
  const lower = text.toLowerCase();
  // A letter whose lower case is longer would move what follows it.
  const searched = lower.length === text.length ? lower : text;
  let clean = '';
  let copied = 0;
  for (let at = searched.indexOf(name); at >= 0; at = searched.indexOf(name, at + 1)) {
    const end = at + name.length;
    if (at < copied || WORD.test(searched[at - 1] ?? ' ') || WORD.test(searched[end] ?? ' ')) continue;
    clean += text.slice(copied, at) + replacement;
    copied = end;
  }
  return clean + text.slice(copied);
}
