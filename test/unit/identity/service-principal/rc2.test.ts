/** RC2 in CBC mode: the standard's examples of single blocks, and text that does not end as it should. */
import { describe, expect, test } from 'vitest';
import { decryptRc2 } from '../../../../src/identity/service-principal/rc2.ts';

const hex = (text: string) => Buffer.from(text, 'hex');
const IV = Buffer.alloc(8);

describe('decryptRc2', () => {
  /** With this IV, the clear block becomes padding. */
  test.each([
    ['ffffffffffffffff', '278b27e42e2f0d49', 'ffffffffffffffff'],
    ['88bca90e90875a7f0f79c384627bafb2', '2269552ab0f85ca6', '0000000000000000'],
  ])('with the key %s decrypts %s', (key, encrypted, clear) => {
    const iv = hex(clear).map((byte) => byte ^ 8);
    expect(decryptRc2(hex(key), Buffer.from(iv), hex(encrypted))).toEqual(Buffer.alloc(0));
  });

  test.each([
    ['is empty', ''],
    ['is not a whole number of blocks', '2269552ab0f85ca600'],
    ['does not end with padding', '2269552ab0f85ca6'],
  ])('gives nothing for text that %s', (_what, encrypted) => {
    expect(decryptRc2(hex('88bca90e90875a7f0f79c384627bafb2'), IV, hex(encrypted))).toBeUndefined();
  });
});
