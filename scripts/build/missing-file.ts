/** For work on files that may not be there. */

/** Ends a promise that was rejected because a file is missing. @throws any other error. */
export function ignoreMissing(error: unknown): undefined {
  if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
}
