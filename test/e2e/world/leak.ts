/** Finds secrets in the output of a program, in every form in which they usually appear. */

/** @returns what kind of leak there is and an excerpt without the secret, `undefined` when there is none */
export function findLeak(text: string, secrets: readonly string[]): string | undefined {
  for (const secret of secrets.filter(({ length }) => length >= 8)) {
    for (const [form, needle] of writeForms(secret)) {
      const position = text.indexOf(needle);
      if (position >= 0)
        return `a secret, ${form}, after: ${JSON.stringify(text.slice(Math.max(0, position - 80), position))}`;
    }
  }
  return undefined;
}

function writeForms(secret: string): readonly (readonly [string, string])[] {
  const base64 = [0, 1, 2].map((offset) => ['in base64', writeBase64(secret, offset)] as const);
  return [
    ['as it is', secret],
    ['URL-encoded', encodeURIComponent(secret)],
    ['form-encoded', new URLSearchParams({ '': secret }).toString().slice(1)],
    ['as JSON', JSON.stringify(secret).slice(1, -1)],
    ...base64,
    ...base64.map(([, text]) => ['in base64url', text.replaceAll('+', '-').replaceAll('/', '_')] as const),
  ];
}

/** The base64 characters that depend on the secret alone, when it starts `offset` bytes into a group. */
function writeBase64(secret: string, offset: number): string {
  const encoded = Buffer.from('\0'.repeat(offset) + secret)
    .toString('base64')
    .replace(/=+$/, '');
  const bits = (offset + Buffer.byteLength(secret)) * 8;
  return encoded.slice(Math.ceil((offset * 8) / 6), Math.floor(bits / 6));
}
