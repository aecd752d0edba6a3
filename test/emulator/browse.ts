/** Stands in for the user's browser: opens the sign-in page and carries its form, or follows its redirect, to the loopback. */
import { parseAuthorizeForm } from './entra-authorize.ts';
import type { EmulatedResponse } from './message.ts';

export interface BrowserPage {
  readonly status: number;
  readonly text: string;
}

/** @returns the page on which the browser ends up: the program's own, or Entra's when it refuses. */
export async function browse(page: EmulatedResponse): Promise<BrowserPage> {
  const location = page.headers['Location'];
  if (typeof location === 'string') {
    return read(await fetch(location, { redirect: 'manual' }));
  }
  const form = parseAuthorizeForm(page.body);
  if (form === undefined) {
    return { status: page.status, text: page.body };
  }
  return read(await fetch(form.action, { method: 'POST', body: form.body, redirect: 'manual' }));
}

async function read(response: Response): Promise<BrowserPage> {
  return { status: response.status, text: await response.text() };
}
