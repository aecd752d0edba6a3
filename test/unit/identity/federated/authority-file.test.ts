/** The file with the certificate authority of a cluster. */
import { writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { checkCertificates, readAuthorityFile } from '../../../../src/identity/federated/authority-file.ts';
import { createCertificateAuthority } from '../../../emulator/certificates.ts';
import { catchFailure } from '../../failure.ts';
import { useTemporaryFolder } from '../../temporary-folder.ts';

const folder = useTemporaryFolder();
const { pem } = await createCertificateAuthority();

describe('readAuthorityFile', () => {
  test('returns the certificates', () => {
    writeFileSync(folder.path('ca.crt'), pem);
    expect(readAuthorityFile(folder.path('ca.crt'), '--ca')).toBe(pem);
  });

  test.each(['', ' \n'])('returns nothing while the file holds only %j', (text) => {
    writeFileSync(folder.path('ca.crt'), text);
    expect(readAuthorityFile(folder.path('ca.crt'), '--ca')).toBeUndefined();
  });

  test.each([
    ['no-such-file', undefined, 'but there is no such file', 'ls -l '],
    ['', undefined, 'cannot be read', 'ls -l '],
    ['ca.crt', '<html>', 'contains no certificate', 'set --ca to a PEM file'],
  ])('rejects %j with %j', async (name, text, problem, hint) => {
    if (text !== undefined) writeFileSync(folder.path(name), text);
    const failure = await catchFailure(() => readAuthorityFile(folder.path(name), '--ca'));
    expect(failure.code).toBe('IDENTITY_INVALID');
    expect(failure.message).toContain('--ca ');
    expect(failure.message).toContain(problem);
    expect(failure.hint).toContain(hint);
  });
});

test('checkCertificates names what contains no certificate', async () => {
  expect(checkCertificates(pem, 'X', 'X')).toBe(pem);
  expect((await catchFailure(() => checkCertificates('x', 'X', 'Y'))).message).toBe('X contains no certificate');
});
