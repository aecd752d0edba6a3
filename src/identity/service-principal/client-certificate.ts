/** Signs in a service principal with a certificate. */

import { findAuthority } from '../../entra/authority.ts';
import { flag, path, type Values, variable } from '../../field.ts';
import type { NotSetUp } from '../../not-set-up.ts';
import { readPathVariable } from '../../system/path-variable.ts';
import { type Runtime, readVariable } from '../../system/runtime.ts';
import { CLIENT_FIELDS, findClient } from '../client.ts';
import { defineSource, type Identity, type IdentityRequest } from '../identity.ts';
import { identifySecretFile, readSecretFile } from '../secret-file.ts';

const PATH_VARIABLE = 'AZURE_CLIENT_CERTIFICATE_PATH';
const PASSWORD_VARIABLE = 'AZURE_CLIENT_CERTIFICATE_PASSWORD';
const CHAIN_VARIABLE = 'AZURE_CLIENT_SEND_CERTIFICATE_CHAIN';

const FIELDS = {
  ...CLIENT_FIELDS,
  certificatePath: path('Absolute path of a PEM or PFX file with certificate and key.'),
  certificatePasswordFile: path("Absolute path of a file that holds the key's password."),
  certificatePasswordEnv: variable("Variable that holds the key's password."),
  sendCertificateChain: flag('Sends the certificates, for subject-name/issuer authentication.'),
};

type Request = IdentityRequest<Values<typeof FIELDS>>;

/**
 * The source for a service principal with a certificate. A client secret in the environment takes precedence, as in
 * Azure's SDKs.
 * @see https://learn.microsoft.com/javascript/api/@azure/identity/environmentcredential
 */
export const CLIENT_CERTIFICATE = defineSource({
  name: 'client-certificate',
  aliases: ['EnvironmentCredential'],
  group: 'prod',
  summary: 'AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_CLIENT_CERTIFICATE_PATH',
  fields: FIELDS,
  find: findClientCertificate,
});

function findClientCertificate(request: Request): Identity | NotSetUp {
  const { runtime, parameters, isChosen, foreignFile } = request;
  const file = parameters.certificatePath ?? readVariable(runtime, PATH_VARIABLE);
  if (file === undefined) return { notSetUp: `${PATH_VARIABLE} is not set` };
  if (!isChosen && readVariable(runtime, 'AZURE_CLIENT_SECRET') !== undefined) {
    return { notSetUp: `${PATH_VARIABLE} is set, but AZURE_CLIENT_SECRET takes precedence` };
  }
  const client = findClient(request);
  if (typeof client === 'string') return { notSetUp: `${PATH_VARIABLE} is set, but ${client} is not` };
  if (parameters.certificatePath === undefined) readPathVariable(runtime, PATH_VARIABLE, 'IDENTITY_INVALID');
  const { clientId, tenant } = client;
  const authority = findAuthority(request);
  const passwordVariable = parameters.certificatePasswordEnv ?? PASSWORD_VARIABLE;
  const sendChain = parameters.sendCertificateChain ?? readFlag(runtime, CHAIN_VARIABLE);
  return {
    source: CLIENT_CERTIFICATE.name,
    description: `${CLIENT_CERTIFICATE.name} ${authority.url}/${tenant} ${clientId}`,
    readSecret: () => `${identifySecretFile(file)} ${identifyPassword(request, passwordVariable)}`,
    get origins() {
      return [new URL(authority.url).origin]; // computed on access: a cached token does not need it
    },
    getToken: async (context) => {
      const [
        { formatAssertion, formatTokenEndpoint, requestToken },
        { loadClientCertificate },
        { signClientAssertion },
      ] = await Promise.all([
        import('../../entra/token-endpoint.ts'),
        import('./certificate-file.ts'),
        import('./client-assertion.ts'),
      ]);
      const certificate = loadClientCertificate(runtime, {
        file,
        fileSetting: foreignFile?.keyOf('certificatePath') ?? PATH_VARIABLE,
        password: readPassword(request, passwordVariable),
        passwordSetting:
          foreignFile?.keyOf('certificatePassword') ?? parameters.certificatePasswordFile ?? passwordVariable,
      });
      const assertion = await signClientAssertion(certificate, {
        clientId,
        tokenEndpoint: formatTokenEndpoint(authority, tenant),
        nowSeconds: runtime.now() / 1000,
        sendChain,
      });
      runtime.secrets.add(assertion);
      return await requestToken(context, {
        authority,
        tenant,
        clientId,
        credential: formatAssertion(assertion),
        actor: `the certificate of ${clientId}`,
        certificate: certificate.description,
      });
    },
  };
}

/** Reads a flag as Azure's SDKs do. */
function readFlag(runtime: Runtime, name: string): boolean {
  return /^(?:1|true)$/i.test(readVariable(runtime, name) ?? '');
}

function identifyPassword({ runtime, parameters, foreignFile }: Request, passwordVariable: string): string {
  if (foreignFile !== undefined) return foreignFile.secret ?? '';
  const file = parameters.certificatePasswordFile;
  return file === undefined ? (readVariable(runtime, passwordVariable) ?? '') : identifySecretFile(file);
}

/** @throws IDENTITY_INVALID when the password file cannot be read or is blank. */
function readPassword({ runtime, parameters, foreignFile }: Request, passwordVariable: string): string | undefined {
  if (foreignFile !== undefined) return foreignFile.secret;
  const file = parameters.certificatePasswordFile;
  const password =
    file === undefined
      ? readVariable(runtime, passwordVariable)
      : // A password may end in a space, so only the line end is removed.
        readSecretFile(file, 'certificate password').replace(/\r?\n$/, '');
  if (password !== undefined) runtime.secrets.add(password);
  return password;
}
