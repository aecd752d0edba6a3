/** Certificates in PKCS#12, the form of PFX files, as OpenSSL writes it. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Whether OpenSSL 3 is installed. */
export function hasOpenSsl(): boolean {
  try {
    return execFileSync('openssl', ['version'], { encoding: 'utf8' }).startsWith('OpenSSL 3');
  } catch {
    return false;
  }
}

/**
 * Writes PKCS#12.
 * @param pem a key and its certificate, and others after it.
 * @param options of `openssl pkcs12 -export`.
 */
export function writePfx(pem: string, password: string, options: readonly string[] = []): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'acr-pfx-'));
  try {
    const [input, passwordFile] = [join(folder, 'in.pem'), join(folder, 'password')];
    writeFileSync(input, pem);
    writeFileSync(passwordFile, `${password}\n`);
    const args = ['pkcs12', '-export', '-in', input, '-passout', `file:${passwordFile}`, ...options];
    return execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'ignore'] });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
