/** Replaces what differs between two runs of a program, so that their pictures are the same. */

const MASKS: readonly (readonly [pattern: RegExp, value: string])[] = [
  [/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g, '2026-01-02T03:04:05Z'],
  [/\b\d+ ms\b/g, '40 ms'],
  [/\bv\d+\.\d+\.\d+\b/g, 'v1.0.0'],
  [/\b127\.0\.0\.1:\d+\b/g, '127.0.0.1:8080'],
  [/(?<=\[\d{1,2}m)[0-9A-F]{9}(?![0-9A-Za-z])/g, 'ABCD12345'],
  [/\bcorrelation id [\da-f-]{36}\b/g, 'correlation id 6c9036a6-7d51-4e97-8549-ba52a2fbd273'],
  [/\bvalid until \d\d:\d\d\b/g, 'valid until 15:30'],
  [/\bin 2 h [0-4]?\d min\b/g, 'in 2 h 10 min'],
];

/**
 * Masks a screen. Where a value stands in a column, the next column stays where it is.
 * @param folder the folder of the machine, which a person would have as their home.
 */
export function maskScreen(text: string, folder: string): string {
  const escaped = folder.replace(/[^\w/]/g, '\\$&');
  const masks = [
    [new RegExp(`${escaped}/docker\\b`, 'g'), '~/.docker'],
    [new RegExp(`${escaped}/home\\b`, 'g'), '~'],
    [new RegExp(`${escaped}/cache\\b`, 'g'), '~/.cache/docker-credential-acr'],
    [new RegExp(`${escaped}\\b`, 'g'), '~'],
    ...MASKS,
  ] as const;
  let masked = text;
  for (const [pattern, value] of masks) masked = replaceAligned(masked, pattern, value);
  return masked;
}

/** Replaces matches, and adds or takes blanks before the next column. */
function replaceAligned(text: string, pattern: RegExp, value: string): string {
  const lines = text.split('\n').map((line) => {
    let result = '';
    let end = 0;
    for (const { 0: found, index } of line.matchAll(pattern)) {
      const after = index + found.length;
      const rest = /^(\S*)( {2,})/.exec(line.slice(after));
      result += line.slice(end, index) + value;
      end = after;
      if (rest === null) continue;
      const [, word = '', blanks = ''] = rest;
      result += word + ' '.repeat(Math.max(2, blanks.length + found.length - value.length));
      end = after + word.length + blanks.length;
    }
    return result + line.slice(end);
  });
  return lines.join('\n');
}
