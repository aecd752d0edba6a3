import { expect, test } from 'vitest';
import { signInWithBrowser } from '../../../../src/commands/login/sign-in-person.ts';
import { catchAnything, catchFailure } from '../../failure.ts';
import { makePersonRequest } from './person-request.ts';

const CALLBACKS = { open: () => undefined, wait: <T>(work: Promise<T>) => work, save: async () => undefined };

test('waits for the browser only so long, names the other way, and then listens no longer', async () => {
  let url = '';
  const open = (opened: string) => {
    url = opened;
  };
  const failure = await catchFailure(() => signInWithBrowser(makePersonRequest(), { ...CALLBACKS, open }, 20));
  expect(failure.message).toBe('the browser sent no answer within 0 minutes');
  expect(failure.hint).toBe(
    'where no browser reaches this machine: docker-credential-acr login myregistry.azurecr.io --device-code',
  );
  await expect(fetch(new URL(url).searchParams.get('redirect_uri') ?? '')).rejects.toThrow();
});

test('listens no longer when the browser cannot be opened', async () => {
  let redirectUri = '';
  const open = (url: string) => {
    redirectUri = new URL(url).searchParams.get('redirect_uri') ?? '';
    throw new Error('no browser');
  };
  const failure = await catchAnything(() => signInWithBrowser(makePersonRequest(), { ...CALLBACKS, open }));
  expect(failure).toEqual(new Error('no browser'));
  await expect(fetch(redirectUri)).rejects.toThrow();
});

test('keeps the verifier out of all output, but not the state, which the URL shows', async () => {
  const request = makePersonRequest();
  let url = '';
  const open = (opened: string) => {
    url = opened;
  };
  await catchFailure(() => signInWithBrowser(request, { ...CALLBACKS, open }, 1));
  const [verifier = '', ...others] = [...request.runtime.secrets];
  expect(verifier).toMatch(/^[\w-]{43}$/);
  expect(others).toEqual([]);
  expect(url).not.toContain(verifier);
});
