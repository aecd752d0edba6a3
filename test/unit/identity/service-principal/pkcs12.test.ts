/** Certificates and keys in PKCS#12, as OpenSSL writes it in each of its ways. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { Pkcs12Error, readPkcs12 } from '../../../../src/identity/service-principal/pkcs12.ts';
import { createClientCertificate } from '../../../emulator/certificates.ts';
import { hasOpenSsl, writePfx } from '../../../emulator/pfx.ts';
import { catchAnything } from '../../failure.ts';

const PASSWORD = 'correct hörse 🔋 "battery" ';
const [own, other] = await Promise.all([createClientCertificate(), createClientCertificate('other')]);

beforeEach(({ skip }) => skip(!hasOpenSsl(), 'OpenSSL 3 is not installed'));

const write = (options: readonly string[] = [], password = PASSWORD) =>
  writePfx(own.privateKeyPem + own.certificatePem, password, options);

function expectOwn(bytes: Buffer, password = PASSWORD): void {
  const items = readPkcs12(bytes, password);
  const find = (label: string) => items.find((item) => item.label === label)?.text ?? '';
  expect(find('CERTIFICATE').trim()).toBe(new X509Certificate(own.certificatePem).toString().trim());
  expect(createPrivateKey(find('PRIVATE KEY')).equals(createPrivateKey(own.privateKeyPem))).toBe(true);
}

async function problemOf(bytes: Buffer, password = PASSWORD): Promise<string> {
  const failure = await catchAnything(() => readPkcs12(bytes, password));
  return failure instanceof Pkcs12Error ? failure.problem : String(failure);
}

describe('readPkcs12 reads what OpenSSL writes', () => {
  const TRIPLE_DES = ['-keypbe', 'PBE-SHA1-3DES', '-certpbe', 'PBE-SHA1-3DES', '-macalg', 'sha1'];
  const rows: readonly (readonly [what: string, options: readonly string[], password: string])[] = [
    ['by default', [], PASSWORD],
    ['as Windows and Azure Key Vault do', TRIPLE_DES, PASSWORD],
    ['with AES-128 and SHA-512', ['-keypbe', 'AES-128-CBC', '-certpbe', 'AES-192-CBC', '-macalg', 'sha512'], PASSWORD],
    [
      'with Triple DES of today',
      ['-keypbe', 'DES-EDE3-CBC', '-certpbe', 'DES-EDE3-CBC', '-macalg', 'sha384'],
      PASSWORD,
    ],
    ['by default before version 3', ['-legacy'], PASSWORD],
    ['with RC2 and a long key', ['-legacy', '-keypbe', 'PBE-SHA1-RC2-128', '-certpbe', 'PBE-SHA1-RC2-128'], PASSWORD],
    ['with 50,000 iterations', ['-iter', '50000'], PASSWORD],
    ['without a proof of the password', ['-nomac'], PASSWORD],
    ['without encryption', ['-keypbe', 'NONE', '-certpbe', 'NONE'], PASSWORD],
    ['without a password', [], ''],
    ['without a password, as Windows does', TRIPLE_DES, ''],
    ['with a name and a long password', ['-name', 'client'], 'x'.repeat(120)],
  ];
  test.each(rows)('%s', (_what, options, password) => {
    expectOwn(write(options, password), password);
  });

  test('with all its certificates', () => {
    const items = readPkcs12(
      writePfx(own.privateKeyPem + own.certificatePem + other.certificatePem, PASSWORD),
      PASSWORD,
    );
    expect(items.map(({ label }) => label).sort()).toEqual(['CERTIFICATE', 'CERTIFICATE', 'PRIVATE KEY']);
  });
});

describe('readPkcs12 reports', () => {
  test('a wrong password, with and without a proof', async () => {
    for (const options of [[], ['-nomac'], ['-legacy'], ['-keypbe', 'PBE-SHA1-3DES', '-certpbe', 'PBE-SHA1-3DES']]) {
      const bytes = write(options);
      expect(await problemOf(bytes, 'wrong')).toBe('password');
      expect(await problemOf(bytes, '')).toBe('password');
    }
  });

  test('a file that was changed', async () => {
    const bytes = write(['-keypbe', 'NONE', '-certpbe', 'NONE']);
    bytes[200] = (bytes[200] ?? 0) ^ 1;
    expect(await problemOf(bytes)).toBe('password');
  });

  test('RC4, which hardly any program uses', async () => {
    const bytes = write(['-legacy', '-certpbe', 'PBE-SHA1-RC4-128']);
    expect(await problemOf(bytes)).toBe('encryption');
  });

  test('an iteration count that would take long', async () => {
    const bytes = write(['-iter', '65536', '-nomac']);
    const count = bytes.indexOf(Buffer.from([2, 3, 1, 0, 0]));
    bytes.writeUInt8(0x7f, count + 2);
    expect(await problemOf(bytes)).toBe('encryption');
  });

  test('a certificate in DER, a file that is cut off at any byte, and a length that is too long', async () => {
    const bytes = write();
    expect(await problemOf(new X509Certificate(own.certificatePem).raw)).toBe('form');
    for (let end = 0; end < bytes.length; end += 37) expect(await problemOf(bytes.subarray(0, end))).toBe('form');
    expect(await problemOf(Buffer.from('3084ffffffff0201', 'hex'))).toBe('form');
  });
});
