/** Reads the key file that the Azure Arc agent names in its challenge. */

import { posix, win32 } from 'node:path';
import { CredentialError, describeCause } from '../../errors.ts';
import type { HttpResponse } from '../../network/http.ts';
import { readForeignFile } from '../../system/files.ts';
import { type Runtime, readVariable } from '../../system/runtime.ts';

const LINUX_FOLDER = '/var/opt/azcmagent/tokens';
const MAX_KEY_BYTES = 4096;
const CHALLENGE = /^Basic realm=(.+)$/i;
/** Visible ASCII: the key is sent in a header as it is. */
const KEY = /^[\x21-\x7E]+$/;

/**
 * Reads the key that proves to the agent that this program may read the agent's files. It reads no other file, whatever
 * the challenge names.
 * @param challenge the 401 response with `WWW-Authenticate: Basic realm=FILE`.
 * @throws ANSWER_INVALID when the challenge names no file, IDENTITY_FAILED when the file is not a key of the agent or
 * cannot be read.
 */
export function readArcKey(runtime: Runtime, challenge: HttpResponse): string {
  const [, file] = CHALLENGE.exec(challenge.header('www-authenticate') ?? '') ?? [];
  if (file === undefined) {
    throw new CredentialError('ANSWER_INVALID', `the Azure Arc agent named no key file`, {
      hint: 'azcmagent version (another program may be listening in its place)',
    });
  }
  if (!isKeyFile(runtime, file)) {
    // Otherwise a rogue server could make the program send it any file of the user.
    throw new CredentialError('IDENTITY_FAILED', `the Azure Arc agent named a file that is not one of its keys`, {
      causes: [challenge.quote(file)],
      hint: 'azcmagent version (another program may be listening in its place)',
    });
  }
  const hint =
    runtime.platform === 'win32'
      ? 'net localgroup "Hybrid agent extension applications" %USERNAME% /add (then sign in to Windows again)'
      : 'sudo usermod -aG himds $(id -un) (then log in again)';
  let key: string | undefined;
  let reason = 'there is no such file';
  try {
    // Who may write to the folder must not make the program send another file of the user.
    key = readForeignFile(file, MAX_KEY_BYTES, { isLinkRefused: true });
  } catch (cause) {
    reason = describeCause(cause);
  }
  if (key !== undefined) {
    runtime.secrets.add(key);
    if (KEY.test(key)) return key;
    reason = 'it does not contain a key';
  }
  throw new CredentialError('IDENTITY_FAILED', `the key file of the Azure Arc agent cannot be read`, {
    causes: [`${file}: ${reason}`],
    hint,
  });
}

/** Whether the file is a key directly in the agent's own folder. */
function isKeyFile(runtime: Runtime, file: string): boolean {
  if (runtime.platform === 'linux') {
    const name = posix.basename(file);
    return `${LINUX_FOLDER}/${name}` === file && hasKeyName(name);
  }
  const programData = readVariable(runtime, 'ProgramData');
  if (runtime.platform !== 'win32' || programData === undefined) return false;
  const folder = `${programData}\\AzureConnectedMachineAgent\\Tokens`;
  const name = win32.basename(file);
  return `${folder}\\${name}` === file && !name.includes(':') && hasKeyName(name);
}

function hasKeyName(name: string): boolean {
  return name.endsWith('.key') && name !== '.key' && !name.includes('\0');
}
