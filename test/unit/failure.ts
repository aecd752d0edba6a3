/** Catches the error that a test expects. */
import { CredentialError } from '../../src/errors.ts';

/** @throws when the action does anything but fail with one of the program's own errors. */
export async function catchFailure(action: () => unknown): Promise<CredentialError> {
  const failure = await catchAnything(action);
  if (failure instanceof CredentialError) return failure;
  throw new Error('it failed, but not with a CredentialError', { cause: failure });
}

/** @throws when the action does not fail. */
export async function catchAnything(action: () => unknown): Promise<unknown> {
  try {
    await action();
  } catch (failure) {
    return failure;
  }
  throw new Error('it did not fail');
}
