/** Breaks long texts into lines, so that a terminal does not break them within a word. */

/** Narrower columns would hold a word or two. */
const LEAST_COLUMNS = 30;

/**
 * Breaks a text between words. A word that is too long has a line of its own.
 * @param columns how much room there is; where there is little, the text stays in one line.
 * @returns at least one line.
 */
export function wrapText(text: string, columns: number): readonly string[] {
  if (columns < LEAST_COLUMNS || text.length <= columns) return [text];
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
