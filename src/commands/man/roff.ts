/** Writes texts in the language of manual pages. */

/** Characters that roff would replace by a typographic one, or take for its own. */
const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\e',
  '-': '\\-',
  "'": '\\(aq',
  '`': '\\(ga',
  '^': '\\(ha',
  '~': '\\(ti',
  '"': '\\(dq',
};

/** Escapes a text within a line. */
export function escapeRoff(text: string): string {
  return text.replace(/[\\\-'`^~"]|[^\x20-\x7E]/gu, (sign) => ESCAPES[sign] ?? escapeOther(sign));
}

function escapeOther(sign: string): string {
  const code = sign.codePointAt(0) ?? 0;
  // A control character has no place in a page.
  return code < 0xa0 ? ' ' : `\\[u${code.toString(16).toUpperCase().padStart(4, '0')}]`;
}

/** Lines of 80 bytes, with room for the sign that protects their beginning. */
const MAX_LINE_LENGTH = 78;

/** Running text, in lines that are not too long. A full stop at the beginning of a line would make a request of it. */
export function formatText(text: string): string {
  const lines: string[] = [];
  let line = '';
  for (const word of escapeRoff(text)
    .split(' ')
    .filter((one) => one !== '')) {
    if (line !== '' && line.length + 1 + word.length > MAX_LINE_LENGTH) {
      lines.push(line);
      line = '';
    }
    line += `${line === '' ? '' : ' '}${word}`;
  }
  return [...lines, line].map(protectStart).join('\n');
}

function protectStart(line: string): string {
  return line.startsWith('.') ? `\\&${line}` : line;
}

/** A text in bold. */
export function bold(text: string): string {
  return `\\fB${escapeRoff(text)}\\fR`;
}

/** A text in italics, as for what is to be replaced. */
export function italic(text: string): string {
  return `\\fI${escapeRoff(text)}\\fR`;
}

/** Lines that are shown as they are. */
export function formatBlock(lines: readonly string[]): string {
  const shown = lines.map((line) => protectStart(escapeRoff(line.trimEnd())));
  return ['.EX', ...shown, '.EE'].join('\n');
}

/** A term, with its meaning indented below or beside it. @param term in roff. */
export function formatItem(term: string, meaning: string): string {
  return ['.TP', term, formatText(meaning)].join('\n');
}

/** Formats the paragraphs of a help text, between which are empty lines. One with an indented line keeps its lines. */
export function formatParagraphs(text: string): string {
  return text
    .split('\n\n')
    .map((paragraph) => {
      const lines = paragraph.split('\n');
      const isBlock = lines.some((line) => line.startsWith(' '));
      return `.PP\n${isBlock ? formatBlock(lines) : formatText(lines.join(' '))}`;
    })
    .join('\n');
}
