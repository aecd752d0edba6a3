/** The image: asks the plug-ins for its credential as the kubelet does, and says what a pod would get. */

import { readExpiry } from '../../../entra/claims.ts';
import { CredentialError } from '../../../errors.ts';
import { asText, type JsonObject } from '../../../json.ts';
import { registryOf } from '../../../kubelet/image.ts';
import { createQuote } from '../../../redact.ts';
import { shellWord } from '../../../shell-word.ts';
import { type ChildResult, runChild } from '../../../system/child-process.ts';
import { readClockMs } from '../../../system/clock.ts';
import type { Runtime } from '../../../system/runtime.ts';
import { type Finding, found } from '../../doctor/check.ts';
import { explain, formatWhen } from '../../doctor/explain.ts';
import { matchesImage, parsePattern } from '../image-pattern.ts';
import type { Cluster, ServiceAccountName } from './cluster.ts';
import type { NodeCheck, NodeContext } from './context.ts';
import { environmentOf } from './environment.ts';
import type { KubeletNode } from './node.ts';
import { type PluginCredential, type PluginResponse, readPluginResponse } from './plugin-response.ts';
import { findProgram, isShared } from './programs.ts';
import type { Provider, TokenSettings } from './provider-file.ts';

/** The check of an image. */
export const IMAGE: NodeCheck = {
  name: 'image',
  title: 'Asking the plug-ins for a credential',
  needsRegistry: false,
  run: checkImage,
};

const SLOW_MS = 20_000;
const MAX_STDERR = 2_000;
/** Stands in a failure of this program before what helps. */
const HINT = '; hint: ';

/** What the kubelet tells a plug-in of a pod. */
interface PodFacts {
  readonly token?: string;
  readonly annotations?: JsonObject;
}

async function checkImage(context: NodeContext): Promise<readonly Finding[]> {
  const { image } = context;
  if (image === undefined) return [found('skipped', 'no image was named')];
  const node = await context.node;
  if (node.file === undefined || node.binFolder === undefined) return [found('skipped', 'the plug-ins are not known')];
  if (node.file.mistakes.length > 0) return [found('skipped', 'the kubelet does not start with this configuration')];
  const { providers } = node.file;
  const asked = providers.filter(({ patterns }) => patterns.some(({ pattern }) => matchesImage(pattern, image)));
  if (asked.length === 0) return [explainNoMatch(createQuote(context.runtime)(image), image, providers)];
  // One after the other, so that each has the machine for itself.
  const findings: Finding[] = [];
  for (const provider of asked) findings.push(...(await tryProvider(context, node, provider, image)));
  return findings;
}

/** Says what the nearest pattern lacks. */
function explainNoMatch(quoted: string, image: string, providers: readonly Provider[]): Finding {
  const registry = registryOf(image);
  const port = parsePattern(registry)?.port;
  const bare = registry.replace(/:\d+$/, '');
  const patterns = providers.flatMap((one) => one.patterns);
  const isPortMissing =
    port !== undefined && patterns.some(({ pattern }) => matchesImage(pattern, image.replace(registry, bare)));
  const why = isPortMissing ? `: a pattern without a port matches no image with the port ${port}` : '';
  const what = `no plug-in is asked for ${quoted}${why}; it is pulled without a credential of this node`;
  return found('problem', what, { fix: `add to matchImages: - '${registry}'` });
}

async function tryProvider(
  context: NodeContext,
  node: KubeletNode,
  provider: Provider,
  image: string,
): Promise<readonly Finding[]> {
  const program = findProgram(node, provider);
  if ('failure' in program) return [found('skipped', program.failure)];
  if (isShared(program.file)) return [found('skipped', `${program.file} is not run, since other users can replace it`)];
  const { runtime, pluginTimeoutMs, lastWordsMs } = context;
  const pod = await findPodFacts(context, provider);
  if ('findings' in pod) return pod.findings;
  const { token, annotations } = pod;
  const request = {
    kind: 'CredentialProviderRequest',
    apiVersion: provider.apiVersion,
    image,
    ...(token === undefined ? {} : { serviceAccountToken: token }),
    ...(annotations === undefined || Object.keys(annotations).length === 0
      ? {}
      : { serviceAccountAnnotations: annotations }),
  };
  const startedMs = readClockMs();
  let result: ChildResult;
  try {
    result = await runChild(runtime, {
      ...{ file: program.file, args: provider.args, timeoutMs: pluginTimeoutMs, lastWordsMs },
      environment: environmentOf(node, provider),
      input: `${JSON.stringify(request)}\n`,
    });
  } catch (failure) {
    return [explain(failure, { about: provider.name, fix: `file ${shellWord(program.file)}` })];
  }
  const durationMs = Math.round(readClockMs() - startedMs);
  const run: Run = { runtime, provider, image, file: program.file, token, result, durationMs, pluginTimeoutMs };
  return judgeRun(run);
}

/** What is known after a plug-in has run. */
interface Run {
  readonly runtime: Runtime;
  readonly provider: Provider;
  readonly image: string;
  readonly file: string;
  /** The service account's token that it got. */
  readonly token: string | undefined;
  readonly result: ChildResult;
  readonly durationMs: number;
  readonly pluginTimeoutMs: number;
}

function judgeRun(run: Run): readonly Finding[] {
  const { runtime, provider, result, pluginTimeoutMs } = run;
  const quote = createQuote(runtime);
  const name = quote(provider.name, 100);
  const said = quote(result.stderr, MAX_STDERR);
  const causes = said === '' ? [] : [said];
  if (result.timedOut) {
    const what = `${name} did not respond within ${pluginTimeoutMs / 1000} s, after which the kubelet gives up`;
    return [found('problem', what, { causes, fix: explainLog(run) })];
  }
  if (result.exitCode !== 0) {
    const end = result.exitCode === undefined ? 'was killed' : `ended with the exit code ${result.exitCode}`;
    // This program says in the same line what helps.
    const hintAt = said.lastIndexOf(HINT);
    const hint = hintAt < 0 ? undefined : said.slice(hintAt + HINT.length);
    return [
      found('problem', `${name} ${end}, so a pod gets nothing from it`, { causes, fix: hint ?? explainLog(run) }),
    ];
  }
  if (result.isOutputHeld === true) {
    const what = `${name} left a program running that holds its output: the kubelet waits for it, and then discards the response`;
    return [found('problem', what, { causes, fix: explainLog(run) })];
  }
  if (result.isOutputCut === true) {
    return [found('problem', `${name} wrote more than 1 MiB, which is no response`, { fix: explainLog(run) })];
  }
  const response = readPluginResponse(result.stdout, provider.apiVersion);
  if (typeof response === 'string') {
    const what = `the kubelet discards the response of ${name}: ${response}`;
    return [found('problem', what, { causes, fix: explainLog(run) })];
  }
  for (const { password } of response.credentials) if (password !== '') runtime.secrets.add(password);
  return judgeResponse(run, response);
}

/** Another plug-in has a log of its own; this one says in its own how it found its identity. */
function explainLog({ file, provider }: Run): string {
  const words = [file, ...provider.args].map(shellWord).join(' ');
  return `DOCKER_CREDENTIAL_ACR_LOG=stderr ${words} < REQUEST.json`;
}

function judgeResponse(run: Run, response: PluginResponse): readonly Finding[] {
  const { runtime, provider, image, token } = run;
  const quote = createQuote(runtime);
  const name = quote(provider.name, 100);
  const { credentials } = response;
  if (
    token !== undefined &&
    provider.tokens?.cacheType !== 'Token' &&
    credentials.some((one) => one.password === token)
  ) {
    const what = `${name} returned the service account's token itself, which the kubelet refuses`;
    return [found('problem', what, { fix: 'cacheType: Token' })];
  }
  const [first, ...others] = credentials.filter(({ pattern }) => isKeyFor(pattern, image)).sort(compareKeys);
  const registry = quote(registryOf(image), 100);
  if (first === undefined) {
    const ignored = credentials.length === 0 ? '' : `, only ${credentials.length} for other images`;
    const what = `${name} has no credential for ${registry}${ignored}: a pod pulls anonymously`;
    return [found('warning', what, { fix: `${runtime.programName} doctor ${shellWord(registryOf(image))}` })];
  }
  if (first.username === '' && first.password === '') {
    const what = `${name} has only the anonymous login for ${registry}`;
    return [found('warning', what, { fix: `${runtime.programName} doctor ${shellWord(registryOf(image))}` })];
  }
  return [describeCredential(run, response, first, others.length), ...judgeDurations(run, response, first)];
}

function describeCredential(
  { runtime, provider, image, durationMs, token }: Run,
  { cacheKeyType, cacheMs = provider.defaultCacheMs }: PluginResponse,
  { username, password }: PluginCredential,
  others: number,
): Finding {
  const quote = createQuote(runtime);
  const expiresAtSeconds = readExpiry(password);
  const nowSeconds = runtime.now() / 1000;
  const end = expiresAtSeconds === undefined ? '' : `, which expires ${formatWhen(expiresAtSeconds, nowSeconds)}`;
  const kind = expiresAtSeconds === undefined ? 'a password' : 'a token';
  const kept = cacheMs === 0 ? 'the kubelet does not keep it' : `the kubelet keeps it for ${formatSpan(cacheMs)}`;
  const without = provider.tokens === undefined ? 'a pod' : 'a pod without a service account';
  const pod = token === undefined ? without : 'a pod of the service account';
  const what =
    `${pod} gets the user ${quote(username, 60)} and ${kind}${end}, from ${quote(provider.name, 100)} ` +
    `in ${(durationMs / 1000).toFixed(1)} s; ${kept}, by ${cacheKeyType.toLowerCase()}`;
  const details = {
    ...{ image: quote(image), provider: quote(provider.name, 100), username: quote(username, 60) },
    ...{ durationMs, cacheKeyType, cacheSeconds: cacheMs / 1000, expiresAtSeconds, others },
  };
  return found('ok', what, { details });
}

function judgeDurations(
  { runtime, provider, durationMs }: Run,
  { cacheMs = provider.defaultCacheMs, cacheKeyType }: PluginResponse,
  { password }: PluginCredential,
): readonly Finding[] {
  const findings: Finding[] = [];
  const expiresAtSeconds = readExpiry(password);
  if (expiresAtSeconds !== undefined && runtime.now() + cacheMs > expiresAtSeconds * 1000) {
    const what = 'the kubelet keeps the token longer than it lives, so later pulls fail';
    findings.push(
      found('problem', what, { fix: 'defaultCacheDuration: 10m, or a plug-in that names a shorter cacheDuration' }),
    );
  }
  if (cacheKeyType === 'Global' && cacheMs > 0) {
    const what =
      'the kubelet uses this response for the images of every other registry as well, for which it holds nothing';
    findings.push(found('warning', what, { fix: 'a plug-in whose cacheKeyType is Registry' }));
  }
  if (durationMs > SLOW_MS) {
    const what = `it took ${Math.round(durationMs / 1000)} s, and the kubelet gives up after 60 s`;
    findings.push(found('warning', what, { fix: 'see DOCKER_CREDENTIAL_ACR_LOG=stderr' }));
  }
  return findings;
}

/** Whether the key of a credential is for an image: the kubelet takes a scheme and `/v2/` off. */
function isKeyFor(key: string, image: string): boolean {
  const plain = key.replace(/^https?:\/\//, '').replace(/^([^/]*)\/v[12](\/)/, '$1$2');
  return matchesImage(plain.replace(/\/$/, ''), image);
}

/** The kubelet tries them in descending order. */
function compareKeys(one: PluginCredential, other: PluginCredential): number {
  if (one.pattern === other.pattern) return 0;
  return one.pattern < other.pattern ? 1 : -1;
}

/** Gets what the kubelet would tell of the pod. @returns findings when it would not ask the plug-in, or cannot. */
async function findPodFacts(
  context: NodeContext,
  provider: Provider,
): Promise<PodFacts | { readonly findings: readonly Finding[] }> {
  const { serviceAccount: account, runtime } = context;
  const { tokens } = provider;
  const name = createQuote(runtime)(provider.name, 100);
  if (tokens === undefined) return {};
  if (account === undefined) {
    if (!tokens.isRequired) return {};
    const what = `${name} is asked only for pods with a service account`;
    const fix = `${runtime.programName} kubelet doctor ${shellWord(context.image ?? '')} --service-account NAMESPACE/NAME --kubeconfig FILE`;
    return { findings: [found('skipped', what, { fix })] };
  }
  if (context.cluster === undefined) {
    return { findings: [found('skipped', 'a token needs an API server', { fix: 'add --kubeconfig FILE' })] };
  }
  try {
    return await requestPodFacts(await context.cluster, account, tokens);
  } catch (failure) {
    const fix = failure instanceof CredentialError ? failure.hint : undefined;
    return { findings: [explain(failure, { fix })] };
  }
}

async function requestPodFacts(
  cluster: Cluster,
  account: ServiceAccountName,
  tokens: TokenSettings,
): Promise<PodFacts | { readonly findings: readonly Finding[] }> {
  const { namespace, name } = account;
  const facts = await cluster.readServiceAccount(account);
  if (facts === undefined) {
    const fix = `kubectl get serviceaccounts -n ${shellWord(namespace)}`;
    return {
      findings: [found('problem', `there is no service account ${shellWord(`${namespace}/${name}`)}`, { fix })],
    };
  }
  const missing = tokens.requiredKeys.find((key) => facts.annotations[key] === undefined);
  if (missing !== undefined) {
    const what = `the service account has no annotation ${missing}, so the kubelet does not ask the plug-in`;
    const fix = `kubectl annotate serviceaccount -n ${shellWord(namespace)} ${shellWord(name)} ${shellWord(missing)}=ID`;
    return { findings: [found('problem', what, { fix })] };
  }
  const wanted = [...tokens.requiredKeys, ...tokens.optionalKeys].flatMap((key) => {
    const value = asText(facts.annotations[key]);
    return value === undefined ? [] : [[key, value] as const];
  });
  const token = await cluster.requestToken(account, tokens.audience);
  return { token, annotations: Object.fromEntries(wanted) };
}

function formatSpan(milliseconds: number): string {
  const minutes = Math.round(milliseconds / 60_000);
  if (minutes < 2) return `${Math.round(milliseconds / 1000)} s`;
  const hours = Math.floor(minutes / 60);
  if (hours === 0) return `${minutes} min`;
  return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
}
