/** `token`: the token of a registry, for other programs. */

import { type Command, Option } from '@commander-js/extra-typings';
import { parseScopes } from '../config/registry-settings.ts';
import { Cancelled, EXIT, type ExitCode, UsageError } from '../terminal/failure.ts';
import { withProgress } from '../terminal/progress.ts';
import { confirm } from '../terminal/prompts.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { type CommandContext, collect, defineCommand, GROUPS } from './command.ts';
import { readRegistry } from './registry-argument.ts';
import type { ExposedToken } from './token/find-token.ts';

/** The options that say how the token is written; at most one is given. */
interface Form {
  readonly json?: true | undefined;
  readonly dockerLogin?: true | undefined;
  readonly helmLogin?: true | undefined;
  readonly kubernetesSecret?: string | undefined;
  readonly namespace?: readonly string[] | undefined;
  readonly apply?: true | undefined;
}

/** Where the token for the API server is. */
interface ServiceAccount {
  readonly serviceAccount?: string | undefined;
}

/** The command `token`. */
export const TOKEN = defineCommand({
  name: 'token',
  group: GROUPS.examine,
  summary: 'print a token for a registry, like az acr login --expose-token',
  details:
    "Prints the registry's refresh token, which lives for three hours. Every client takes it as the password of the user 00000000-0000-0000-0000-000000000000. A stored login is printed instead of a token.\n\nThe forms for docker, helm and kubectl are for a pipe, so that the token is never an argument of a program, where others could read it.",
  examples: [
    ['token myregistry.azurecr.io --helm-login | sh', 'log helm in'],
    ['token myregistry.azurecr.io --docker-login | ssh buildhost sh', 'log docker on another machine in'],
    ['token myregistry.azurecr.io --kubernetes-secret acr | kubectl apply -f -', 'let a cluster pull for three hours'],
    [
      'token myregistry.azurecr.io --kubernetes-secret acr --namespace team-a --apply',
      'renew the pull secret of a namespace, in a CronJob',
    ],
    ['token myregistry.azurecr.io --scope repository:team/app:pull', 'a token for pulls from one repository only'],
  ],
  define: (command: Command) =>
    command
      .argument('<host>', 'the registry, such as myregistry.azurecr.io')
      .addOption(
        new Option(
          '--scope <scope>',
          'print an access token for this scope only, such as repository:team/app:pull; it lives for 75 minutes (repeatable)',
        )
          .argParser(collect)
          .conflicts('refreshToken'),
      )
      .option('--refresh-token', 'print the refresh token in any case')
      .addOption(
        new Option('--json', 'print the object that az prints').conflicts([
          'dockerLogin',
          'helmLogin',
          'kubernetesSecret',
        ]),
      )
      .addOption(
        new Option('--docker-login', 'print a docker login command for sh').conflicts([
          'helmLogin',
          'kubernetesSecret',
        ]),
      )
      .addOption(new Option('--helm-login', 'print a helm registry login command for sh').conflicts('kubernetesSecret'))
      .option('--kubernetes-secret <name>', 'print a pull secret for kubectl')
      .addOption(new Option('--namespace <name>', 'of the Secret (repeatable with --apply)').argParser(collect))
      .option('--apply', 'in a pod: write the Secret itself')
      .option('--service-account <file>', "folder of the pod's token, for --apply")
      .option('-y, --yes', 'show the token on a terminal without a question'),
  run: async (context, { scope: scopeTexts, refreshToken: mustRefresh = false, yes = false, ...options }, host) => {
    const { runtime, terminal, log } = context;
    const { serviceAccount, ...form } = options;
    const scope = readScope(scopeTexts);
    await checkNames(form, serviceAccount);
    const registry = await readRegistry(runtime, host);
    const { findToken } = await import('./token/find-token.ts');
    const request = { runtime, log, registry, scope, mustRefresh };
    const getToken = () => withProgress(terminal, `Getting a token for ${registry.host}`, findToken(request));
    if (form.apply === true) return await applyToken(context, getToken, { ...form, serviceAccount });
    const token = await getToken();
    const text = await formatToken(token, form);
    if (token.missing.length > 0) {
      terminal.writeError(`${warning(terminal)} ${registry.host} did not grant ${token.missing.join(', ')}\n`);
    }
    if (terminal.isOutputSeen && !yes) await askToShow(terminal, token);
    terminal.writeSecret(text);
    if (terminal.isOutputSeen) terminal.writeError(describeExpiry(context, token));
    return EXIT.ok;
  },
});

function readScope(texts: readonly string[] | undefined): readonly string[] | undefined {
  if (texts === undefined) return undefined;
  const scope = parseScopes(texts);
  if (scope !== undefined) return scope;
  throw new UsageError('The value of --scope is not a scope', {
    hint: 'write it as repository:team/app:pull, repository:team/app:pull,push or registry:catalog:*',
  });
}

/** @throws UsageError when Kubernetes would refuse the manifest, or an option says nothing. */
async function checkNames(form: Form, serviceAccount: string | undefined): Promise<void> {
  const { kubernetesSecret, namespace = [], apply } = form;
  if (kubernetesSecret === undefined) {
    const needing = apply === true ? '--apply' : namespace.length > 0 ? '--namespace' : undefined;
    if (needing !== undefined) {
      throw new UsageError(`${needing} needs --kubernetes-secret`, { hint: 'add --kubernetes-secret NAME' });
    }
  }
  if (serviceAccount !== undefined && apply !== true) {
    throw new UsageError('--service-account needs --apply', { hint: 'add --apply' });
  }
  if (namespace.length > 1 && apply !== true) {
    throw new UsageError('A manifest has one namespace', { hint: 'run it once for each --namespace' });
  }
  const { isLabel, isSecretName } = await import('./token/kubernetes-secret.ts');
  const allowed = 'lower-case letters, digits and hyphens, with a letter or digit at both ends';
  if (kubernetesSecret !== undefined && !isSecretName(kubernetesSecret)) {
    throw new UsageError('The value of --kubernetes-secret is not a name that Kubernetes accepts', { hint: allowed });
  }
  if (!namespace.every(isLabel)) {
    throw new UsageError('The value of --namespace is not a name that Kubernetes accepts', { hint: allowed });
  }
}

/** Writes the token into the Secrets of namespaces. @throws CLUSTER_REFUSED when one of them could not be written. */
async function applyToken(
  { runtime, terminal, log }: CommandContext,
  getToken: () => Promise<ExposedToken>,
  { kubernetesSecret: name = '', namespace = [], serviceAccount }: Form & ServiceAccount,
): Promise<ExitCode> {
  const [{ prepareApply }, { SERVICE_ACCOUNT_FOLDER }] = await Promise.all([
    import('./token/apply-secret.ts'),
    import('./token/cluster-api.ts'),
  ]);
  const folder = serviceAccount ?? SERVICE_ACCOUNT_FOLDER;
  // First, since without a cluster there is no use for a token.
  const prepared = prepareApply({ runtime, log, name, namespaces: namespace, serviceAccountFolder: folder });
  const { applied, failure } = await prepared.apply(await getToken());
  const lines = applied.map(
    (one) =>
      `Applied Secret ${one.name} in namespace ${one.namespace}${one.expiresAt === undefined ? '' : `; its token expires at ${one.expiresAt}`}\n`,
  );
  terminal.write(lines.join(''));
  if (failure !== undefined) throw failure;
  return EXIT.ok;
}

async function formatToken(token: ExposedToken, form: Form): Promise<string> {
  if (form.json === true) return (await import('./token/expose-json.ts')).formatExposedToken(token);
  if (form.kubernetesSecret !== undefined) {
    const { formatKubernetesSecret } = await import('./token/kubernetes-secret.ts');
    return formatKubernetesSecret(token, { name: form.kubernetesSecret, namespace: form.namespace?.[0] });
  }
  if (form.dockerLogin === true || form.helmLogin === true) {
    const { formatLogin } = await import('./token/login-command.ts');
    return formatLogin(form.dockerLogin === true ? 'docker' : 'helm', token);
  }
  return `${token.secret}\n`;
}

/** A terminal keeps what it shows, and others may look at it. */
async function askToShow(terminal: Terminal, { loginServer, kind }: ExposedToken): Promise<void> {
  const what = kind === 'password' ? 'password' : 'token';
  terminal.writeError(
    `${warning(terminal)} whoever sees the ${what} can use ${loginServer} as you; pipe it into a program instead\n`,
  );
  if (!(await confirm(terminal, { message: `Show the ${what}?`, option: '--yes', isNoFirst: true })))
    throw new Cancelled();
}

function warning(terminal: Terminal): string {
  return terminal.errorStyle('yellow', 'warning:');
}

function describeExpiry({ runtime }: CommandContext, { expiresAtSeconds }: ExposedToken): string {
  if (expiresAtSeconds === undefined) return '';
  const minutes = Math.max(0, Math.round(expiresAtSeconds - runtime.now() / 1000) / 60);
  const [, time = ''] = new Date(expiresAtSeconds * 1000).toISOString().split('T');
  return `The token expires in ${Math.floor(minutes)} minutes, at ${time.slice(0, 5)} UTC.\n`;
}
