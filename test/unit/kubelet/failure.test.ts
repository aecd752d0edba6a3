/** A failure in the log of a kubelet: one line, with what to do. */
import { describe, expect, test } from 'vitest';
import { CredentialError } from '../../../src/errors.ts';
import { formatProviderFailure } from '../../../src/kubelet/failure.ts';
import { makeRuntime } from '../runtime.ts';

const format = (failure: unknown, secrets: readonly string[] = []) =>
  formatProviderFailure(makeRuntime({}, { secrets: new Set(secrets) }), failure);

describe('formatProviderFailure', () => {
  test('puts the causes in parentheses and the hint at the end', () => {
    const failure = new CredentialError('NETWORK_FAILED', 'Cannot x: y', { causes: ['a', 'b'], hint: 'do z' });
    expect(format(failure)).toBe('docker-credential-acr: error: Cannot x: y (a; b); hint: do z\n');
    expect(format(new CredentialError('BUSY', 'Cannot x: y'))).toBe('docker-credential-acr: error: Cannot x: y\n');
  });

  test('names only the kind of an internal error', () => {
    expect(format(new TypeError('x is not a function'))).toBe(
      'docker-credential-acr: error: Cannot answer: internal error: x is not a function\n',
    );
  });

  test('is one line without control characters and secrets, whatever the texts hold', () => {
    const secret = 'hunter2-and-more';
    const failure = new CredentialError('IDENTITY_FAILED', `Cannot x:\n${secret}\r\u001b[31m`, {
      causes: [`\u2028${secret}\n`],
      hint: `echo\n${secret}`,
    });
    const line = format(failure, [secret]);
    expect(line).toMatch(/^[^\p{Cc}]+\n$/u);
    expect(line).not.toContain(secret);
  });

  test('cuts a long story, and never the hint', () => {
    const causes = Array.from({ length: 30 }, (_, index) => `${index} ${'long '.repeat(100)}`);
    const line = format(new CredentialError('ENTRA_REFUSED', 'Cannot x', { causes, hint: 'do z' }));
    expect(line.length).toBeLessThan(2000);
    expect(line).toMatch(/…; hint: do z\n$/);
  });
});
