/** Finds the word that somebody meant who mistyped it. */

const MAX_EDITS = 3;

/**
 * Finds the candidate with the fewest edits from a word, ignoring case.
 * @returns `undefined` when every candidate is more than three edits away, or three of at most five letters.
 */
export function findNearest<T extends string>(word: string, candidates: readonly T[]): T | undefined {
  let nearest: { candidate: T; distance: number } | undefined;
  for (const candidate of candidates) {
    const distance = countEdits(word.toLowerCase(), candidate.toLowerCase());
    if (nearest === undefined || distance < nearest.distance) nearest = { candidate, distance };
  }
  if (nearest === undefined || nearest.distance > MAX_EDITS) return undefined;
  const { candidate, distance } = nearest;
  return distance < MAX_EDITS || Math.max(word.length, candidate.length) > 5 ? candidate : undefined;
}

/** The Levenshtein distance, up to `MAX_EDITS`. */
function countEdits(from: string, to: string): number {
  if (Math.abs(from.length - to.length) > MAX_EDITS) return MAX_EDITS + 1; // also keeps hostile lengths cheap
  let previous = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let row = 1; row <= from.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= to.length; column += 1) {
      const replaced = (previous[column - 1] ?? 0) + (from[row - 1] === to[column - 1] ? 0 : 1);
      current.push(Math.min(replaced, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[to.length] ?? 0;
}
