/** Turns a failed request into an error message and a hint. */

import { CredentialError, describeCause, type ErrorCode, readErrorCode } from '../errors.ts';
import { createQuote } from '../redact.ts';
import { shellWord } from '../shell-word.ts';
import type { Runtime } from '../system/runtime.ts';
import { parseUrl } from '../url.ts';
import { explainCertificate } from './certificate-failure.ts';
import type { HttpRequest, HttpResponse } from './http.ts';
import { findProxy } from './proxy.ts';
import { ResponseTooLargeError } from './request-sender.ts';
import { readPort } from './sockets.ts';
import { ProxyRefusal } from './tunnel.ts';

/**
 * Explains a redirect, which the program never follows.
 * @param isDirect whether the request went without a proxy.
 * @returns an ANSWER_INVALID error.
 */
export function explainRedirect(
  { url }: HttpRequest,
  { status, header, quote }: HttpResponse,
  isDirect: boolean,
): CredentialError {
  const target = parseUrl(header('location') ?? '', url)?.host ?? 'nowhere';
  const { host } = new URL(url);
  const what = `${host} redirects to ${quote(target, 100)}, which is not followed`;
  return new CredentialError('ANSWER_INVALID', what, {
    causes: [`HTTP ${status}`],
    hint: isDirect
      ? adviseDirect(host)
      : `curl -sSI ${shellWord(`https://${host}/`)} (a proxy or a captive portal may be in the way)`,
  });
}

/**
 * Explains why a request has no response, and what to do about it.
 * @param attempts how many times the request was sent.
 * @param isDirect whether it went without a proxy.
 * @returns a NETWORK_FAILED error; ANSWER_INVALID for a response that is too large.
 */
export function explainFailure(
  runtime: Runtime,
  { url }: HttpRequest,
  failure: unknown,
  { attempts, isDirect }: { readonly attempts: number; readonly isDirect: boolean },
): CredentialError {
  const target = new URL(url);
  const { host, hostname } = target;
  const code = readErrorCode(failure) ?? '';
  const text = createQuote(runtime)(describeCause(failure));
  const causes = [attempts === 1 ? text : `${text} (${attempts} attempts)`];
  const explain = (
    what: string,
    throughProxies: string,
    errorCode: ErrorCode = 'NETWORK_FAILED',
    directly = adviseDirect(host),
  ) =>
    new CredentialError(errorCode, what, {
      causes,
      hint: isDirect ? directly : throughProxies,
      cause: failure,
    });

  if (failure instanceof ResponseTooLargeError) {
    return explain(
      `${host} sent a response that is too large`,
      'check HTTPS_PROXY; the response may come from a proxy',
      'ANSWER_INVALID',
    );
  }
  if (failure instanceof ProxyRefusal) {
    return explain(
      `the proxy responded with status ${failure.status} for ${host}`,
      'check HTTPS_PROXY and NO_PROXY, and the name of the registry',
    );
  }
  if (failure instanceof Error && (failure.name === 'TimeoutError' || /TIMEOUT|ETIMEDOUT/.test(code))) {
    return explain(
      `${host} did not respond in time`,
      'check the network: a firewall, HTTPS_PROXY, or a private endpoint',
    );
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    const [name = hostname] = hostname.split(/[-.]/);
    const isRegistry = hostname.includes('.azurecr.');
    return explain(
      `the host name ${hostname} cannot be resolved`,
      isRegistry ? `az acr show -n ${shellWord(name)} --query loginServer` : 'check the network, DNS and HTTPS_PROXY',
    );
  }
  const certificate = explainCertificate(target, code, text);
  if (certificate !== undefined) {
    const { problem, hint, isUntrusted } = certificate;
    const what = `the certificate of ${host} ${problem} (${code})`;
    return explain(what, hint, 'NETWORK_FAILED', isUntrusted ? undefined : hint);
  }
  const proxy = isDirect ? undefined : findProxy(runtime, hostname, readPort(target));
  const throughProxy = proxy === undefined ? '' : ' through the proxy of HTTPS_PROXY';
  return explain(
    `${host} cannot be reached${throughProxy} (${code || 'no response'})`,
    'check the network and HTTPS_PROXY',
  );
}

/** The hint for a server that is reached without a proxy. */
function adviseDirect(host: string): string {
  return `check the settings for ${shellWord(host)} and its certificate; no proxy is used for it`;
}
