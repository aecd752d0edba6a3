/**
 * Decrypts RC2 in CBC mode, with which OpenSSL before 3.0 and Windows encrypt the certificates in PFX files. Node has no
 * RC2 any more.
 *
 * @see https://www.rfc-editor.org/rfc/rfc2268
 */

const BLOCK_BYTES = 8;
const EXPANDED_BYTES = 128;
/** How far each of the four words of a block is turned. */
const TURNS = [1, 2, 3, 5] as const;
/** How many rounds there are between those that mash. */
const ROUNDS = [5, 6, 5] as const;
/** A permutation of the bytes, from the digits of pi. */
const PI = Buffer.from(
  'd978f9c419ddb5ed28e9fd794aa0d89dc67e37832b76538e624c6488448bfba2' +
    '179a59f587b34f1361456d8d09817d32bd8f40eb86b77b0bf09521225c6b4e82' +
    '54d66593ce60b21c7356c014a78cf1dc1275ca1f3bbee4d1423dd430a33cb626' +
    '6fbf0eda4669075727f21d9bbc944303f811c7f690ef3ee706c3d52fc8661ed7' +
    '08e8eade8052eef784aa72ac354d6a2a961ad2715a1549744b9fd05e0418a4ec' +
    'c2e0416e0f51cbcc2491af50a1f47039997c3a8523b8b47afc02365b25559731' +
    '2d5dfa98e38a92ae05df2910676cbac9d300e6cfe19ea82c6316013f58e289a9' +
    '0d38341bab33ffb0bb480c5fb9b1cd2ec5f3db47e5a59c770aa62068fe7fc1ad',
  'hex',
);

/**
 * Decrypts a text, whose last block is padded as in PKCS#7.
 * @param key all of whose bits count.
 * @returns `undefined` when what comes out does not end as it should: the key is wrong.
 */
export function decryptRc2(key: Buffer, iv: Buffer, encrypted: Buffer): Buffer | undefined {
  if (encrypted.length === 0 || encrypted.length % BLOCK_BYTES !== 0 || iv.length !== BLOCK_BYTES) return undefined;
  const words = expandKey(key);
  const clear = Buffer.alloc(encrypted.length);
  let before = iv;
  for (let start = 0; start < encrypted.length; start += BLOCK_BYTES) {
    const block = encrypted.subarray(start, start + BLOCK_BYTES);
    decryptBlock(words, block, before).copy(clear, start);
    before = block;
  }
  const padding = clear.at(-1) ?? 0;
  const isPadded = padding >= 1 && padding <= BLOCK_BYTES && clear.subarray(-padding).every((one) => one === padding);
  return isPadded ? clear.subarray(0, -padding) : undefined;
}

/** Makes 64 words of a key. */
function expandKey(key: Buffer): readonly number[] {
  const bytes = Buffer.alloc(EXPANDED_BYTES);
  const at = (index: number) => bytes[index] ?? 0;
  const pi = (index: number) => PI[index & 0xff] ?? 0;
  key.copy(bytes);
  const { length } = key;
  for (let index = length; index < EXPANDED_BYTES; index += 1) bytes[index] = pi(at(index - 1) + at(index - length));
  bytes[EXPANDED_BYTES - length] = pi(at(EXPANDED_BYTES - length));
  for (let index = EXPANDED_BYTES - length - 1; index >= 0; index -= 1) {
    bytes[index] = pi(at(index + 1) ^ at(index + length));
  }
  return Array.from({ length: EXPANDED_BYTES / 2 }, (_, index) => bytes.readUInt16LE(2 * index));
}

function decryptBlock(key: readonly number[], block: Buffer, before: Buffer): Buffer {
  const words = TURNS.map((_, index) => block.readUInt16LE(2 * index));
  /** The word, counted backwards beyond the first one. */
  const word = (index: number) => words[(index + 4) % 4] ?? 0;
  let next = key.length - 1;
  for (const [part, rounds] of ROUNDS.entries()) {
    if (part > 0) {
      for (const index of [3, 2, 1, 0]) words[index] = (word(index) - (key[word(index - 1) & 63] ?? 0)) & 0xffff;
    }
    for (let round = 0; round < rounds; round += 1) {
      for (let index = 3; index >= 0; index -= 1) {
        const turn = TURNS[index] ?? 0;
        const turned = (word(index) >>> turn) | (word(index) << (16 - turn));
        const mixed = (word(index - 1) & word(index - 2)) + (~word(index - 1) & word(index - 3));
        words[index] = (turned - (key[next] ?? 0) - mixed) & 0xffff;
        next -= 1;
      }
    }
  }
  const clear = Buffer.alloc(BLOCK_BYTES);
  for (const index of TURNS.keys()) clear.writeUInt16LE(word(index) ^ before.readUInt16LE(2 * index), 2 * index);
  return clear;
}
