/** Quotes a value in a command that a hint tells people to paste. The value may come from a stranger. */

const MAX_LENGTH = 200;
/** Means itself in sh, PowerShell and cmd. PowerShell treats a comma and a leading `@` in its own way, zsh a leading `=`. */
const PLAIN = /^[\w./:+][\w./:+@=-]*$/;

/**
 * Makes one word of a value, which no shell takes for anything else. What cannot be quoted safely becomes `?`, as does
 * a leading hyphen, which would make an option of it. A long value is cut.
 */
export function shellWord(text: string): string {
  if (text.length <= MAX_LENGTH && PLAIN.test(text)) return text;
  const cut = text.length <= MAX_LENGTH ? text : `${text.slice(0, MAX_LENGTH)}?`;
  // Kept are letters and digits of any language, spaces, and signs that mean nothing there. Left out are all kinds of
  // quotes, which end a word in sh or PowerShell, `& | < > ^ % !`, which mean something to cmd even so, the backtick, for
  // which the report prints an apostrophe, and a backslash at the end, after which fish does not end the word.
  return `'${cut.replace(/^-|\\$/g, '?').replace(/[^\p{L}\p{M}\p{N} $#()*+,./:;=?@[\\\]_{}~-]/gu, '?')}'`;
}
