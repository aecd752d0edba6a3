/**
 * Reads DER, the binary form of ASN.1.
 *
 * @see https://www.itu.int/rec/T-REC-X.690
 */

/** A value with its tag. */
export interface DerValue {
  readonly tag: number;
  readonly content: Buffer;
}

/** The tags of the values that are read. */
export const DER = {
  integer: 0x02,
  octets: 0x04,
  oid: 0x06,
  sequence: 0x30,
  /** `[0]`, with a value in it. */
  context: 0xa0,
  /** `[0]`, with octets in it. */
  contextOctets: 0x80,
} as const;

/** The text is not DER, or not what its reader expects. */
export class DerError extends Error {}

const MAX_LENGTH_BYTES = 4;

/** Reads the values that follow each other. @throws DerError when one is cut off. */
export function readValues(bytes: Buffer): readonly DerValue[] {
  const values: DerValue[] = [];
  let position = 0;
  while (position < bytes.length) {
    const { value, end } = readValue(bytes, position);
    values.push(value);
    position = end;
  }
  return values;
}

/** Reads the values within one. @throws DerError when there is none, or it has another tag. */
export function readWithin(value: DerValue | undefined, tag: number): readonly DerValue[] {
  return readValues(contentOf(value, tag));
}

/** Returns the content of a value. @throws DerError when there is none, or it has another tag. */
export function contentOf(value: DerValue | undefined, tag: number): Buffer {
  if (value?.tag !== tag) throw new DerError(`a value with the tag ${tag} is missing`);
  return value.content;
}

/** Returns a small number. @throws DerError when it is none, negative, or larger than 31 bits. */
export function numberOf(value: DerValue | undefined): number {
  const content = contentOf(value, DER.integer);
  const isSmall = content.length > 0 && content.length <= 4 && (content[0] ?? 0) < 0x80;
  if (!isSmall) throw new DerError('a number is too large');
  return content.readUIntBE(0, content.length);
}

/** Returns an object identifier as the hexadecimal digits of its content. @throws DerError when it is none. */
export function oidOf(value: DerValue | undefined): string {
  return contentOf(value, DER.oid).toString('hex');
}

function readValue(bytes: Buffer, start: number): { readonly value: DerValue; readonly end: number } {
  const tag = bytes[start] ?? 0;
  const first = bytes[start + 1];
  if (first === undefined || (tag & 0x1f) === 0x1f) throw new DerError('a value is cut off');
  // Without the first bit, it is the length of the length.
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
  const begin = start + 2 + lengthBytes;
  if (first === 0x80 || lengthBytes > MAX_LENGTH_BYTES || begin > bytes.length) throw new DerError('a length is wrong');
  const end = begin + (lengthBytes === 0 ? first : bytes.readUIntBE(start + 2, lengthBytes));
  if (end > bytes.length) throw new DerError('a value is cut off');
  return { value: { tag, content: bytes.subarray(begin, end) }, end };
}
