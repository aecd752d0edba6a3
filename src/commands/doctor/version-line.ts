/** Reads what a program prints for `version`. */

/** Under whatever name it was called; behind the version stand the commit and the Node. */
const VERSION_LINE = /^\S{1,100} \(docker-credential-acr\) v([^\s,]{1,50})(?:, .{0,200})?$/;

/** @returns the version; `undefined` when another program has said this. */
export function readVersionLine(said: string): string | undefined {
  return VERSION_LINE.exec(said)?.[1];
}
