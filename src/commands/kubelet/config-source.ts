/** Reads the configuration whose providers `kubelet install` adds to that of a node. */

import type { Readable } from 'node:stream';
import { CredentialError } from '../../errors.ts';
import type { Runtime } from '../../system/runtime.ts';
import { withNodeFile } from './node-failure.ts';
import { readText } from './node-text.ts';

const STANDARD_INPUT = '-';
const MAX_BYTES = 1024 * 1024;

/**
 * Reads the configuration.
 * @param source a file, or `-` for standard input.
 * @throws INSTALL_FAILED when it is missing, cannot be read or is too large.
 */
export async function readConfigSource(runtime: Runtime, source: string, openInput: () => Readable): Promise<string> {
  if (source === STANDARD_INPUT) return await readStream(openInput());
  const text = withNodeFile(runtime, source, 'read', () => readText(source));
  if (text !== undefined) return text;
  throw new CredentialError('INSTALL_FAILED', `Cannot read ${source}: there is no such file`, {
    hint: 'docker-credential-acr kubelet config prints one',
  });
}

async function readStream(input: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of input) {
    const part = Buffer.from(chunk);
    bytes += part.length;
    if (bytes > MAX_BYTES) {
      throw new CredentialError('INSTALL_FAILED', 'Cannot read standard input: it is larger than a configuration', {
        hint: 'docker-credential-acr kubelet config prints one',
      });
    }
    chunks.push(part);
  }
  return Buffer.concat(chunks).toString('utf8');
}
