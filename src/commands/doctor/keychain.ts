/** The keychain: which program keeps logins, and whether it answers. */

import { loadConfig } from '../../config/config.ts';
import { describeCause } from '../../errors.ts';
import { findIndexFile, listEntries, readIndex } from '../../logins/login-index.ts';
import { createQuote } from '../../redact.ts';
import { shellWord } from '../../shell-word.ts';
import {
  describeMissingKeychains,
  findKeychain,
  keychainEntryName,
  listKeychains,
  readKeychain,
} from '../../system/keychain.ts';
import { type Check, type DoctorContext, type Finding, found } from './check.ts';

/** Nobody stores a login under this name. */
const NOBODY = 'doctor.invalid';

/** The check of the keychain. */
export const KEYCHAIN: Check = {
  name: 'keychain',
  title: 'Asking the keychain',
  needsRegistry: false,
  run: checkKeychain,
};

async function checkKeychain(context: DoctorContext): Promise<readonly Finding[]> {
  const index = await judgeIndex(context);
  const keychains = await tryKeychains(context);
  return [...keychains, ...index];
}

async function tryKeychains({ runtime, log }: DoctorContext): Promise<readonly Finding[]> {
  const entries = [...(await listEntries(runtime)).values()];
  const inUse = new Set(entries.flatMap((entry) => ('keychain' in entry ? [entry.keychain] : [])));
  const names = [...new Set([...listKeychains(runtime), ...inUse])];
  const isWanted = await wantsKeychain(runtime);
  const findings = await Promise.all(
    names.map(async (name): Promise<Finding | undefined> => {
      const program = `docker-credential-${name}`;
      const isUsed = inUse.has(name);
      const keychain = findKeychain(runtime, name);
      if (keychain === undefined) {
        return isUsed
          ? found('problem', `${program} keeps stored logins, and is not on PATH`, { fix: `install ${program}` })
          : undefined;
      }
      const details = { keychain: name, file: keychain.file };
      try {
        await readKeychain(runtime, keychain, keychainEntryName(NOBODY), log);
        return found('ok', `${program} answers${isUsed ? ', and keeps stored logins' : ''}`, { details });
      } catch (cause) {
        const reason = describeCause(cause);
        const how = reason.includes(': no response within ') ? 'does not answer: it may be locked' : 'does not work';
        const what = `${program} ${how}${isUsed ? '; it keeps stored logins' : ''}`;
        const fix = 'unlock the keychain, or set "store": "file" in the configuration';
        return found(isUsed ? 'problem' : 'note', what, {
          fix: isUsed || isWanted ? fix : undefined,
          causes: [reason],
          details,
        });
      }
    }),
  );
  const seen = findings.filter((finding) => finding !== undefined);
  if (seen.length > 0) return seen;
  const programs = listKeychains(runtime).map((name) => `docker-credential-${name}`);
  const what = describeMissingKeychains(listKeychains(runtime));
  return isWanted
    ? [
        found('warning', `${what}, so no login can be stored`, {
          fix: `install ${programs.at(-1) ?? 'a keychain'}`,
        }),
      ]
    : [found('note', `${what}, so stored logins are in a file that only you can open`)];
}

async function wantsKeychain(runtime: DoctorContext['runtime']): Promise<boolean> {
  try {
    return (await loadConfig(runtime)).loginSettingsOf(undefined, NOBODY).backend === 'keychain';
  } catch {
    return false; // the check of the configuration tells it
  }
}

/** Whether the list of the stored logins can be read. */
async function judgeIndex({ runtime, names }: DoctorContext): Promise<readonly Finding[]> {
  const file = await findIndexFile(runtime);
  if (file === undefined) return [];
  const index = readIndex(file);
  const quoted = createQuote(runtime)(file);
  if (index === 'damaged') {
    const what = `${quoted} is damaged, so no stored login is found`;
    return [found('problem', what, { fix: `mv ${shellWord(file)} ${shellWord(`${file}.damaged`)}; log in again` })];
  }
  if (index === 'untrusted') {
    const what = `${quoted} is not used: others can open it, or it is a link or too large`;
    return [found('problem', what, { fix: `chmod 600 ${shellWord(file)}` })];
  }
  for (const { username, server } of index.entries.values()) {
    names.add('USER', username);
    names.add('REGISTRY', server);
  }
  const { size } = index.entries;
  return size === 0 ? [] : [found('note', `${size} stored ${size === 1 ? 'login' : 'logins'} in ${quoted}`)];
}
