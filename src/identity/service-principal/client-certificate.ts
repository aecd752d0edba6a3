/** A service principal with a certificate. */

import { findAuthority, findClient } from '../../entra/authority.ts';
import { CredentialError, describeCause } from '../../errors.ts';
import { readForeignFile } from '../../system/files.ts';
import { readVariable } from '../../system/runtime.ts';
import type { Identity, IdentityRequest, NotSetUp } from '../identity.ts';

const PATH_VARIABLE = 'AZURE_CLIENT_CERTIFICATE_PATH';
const MAX_PASSWORD_BYTES = 64 * 1024;

/**
 * Takes `AZURE_CLIENT_ID`, `AZURE_TENANT_ID` and `AZURE_CLIENT_CERTIFICATE_PATH` with its two companions, or what the
 * configuration names instead. A client secret in the environment wins, as it does in Azure's SDKs.
 * @see https://learn.microsoft.com/javascript/api/@azure/identity/environmentcredential
 */
export function findClientCertificate(request: IdentityRequest): Identity | NotSetUp {
  const { runtime, parameters, isChosen } = request;
  const file = parameters.certificatePath ?? readVariable(runtime, PATH_VARIABLE);
  if (file === undefined) return { notSetUp: `${PATH_VARIABLE} is not set` };
  if (!isChosen && readVariable(runtime, 'AZURE_CLIENT_SECRET') !== undefined) {
    return { notSetUp: `${PATH_VARIABLE} is set, and so is AZURE_CLIENT_SECRET, which wins` };
  }
  const client = findClient(request);
  if (typeof client === 'string') return { notSetUp: `${PATH_VARIABLE} is set, ${client} is not` };
  const { clientId, tenant } = client;
  const authority = findAuthority(request);
  const passwordVariable = parameters.certificatePasswordEnv ?? 'AZURE_CLIENT_CERTIFICATE_PASSWORD';
  const sendChain = parameters.sendCertificateChain ?? readFlag(request, 'AZURE_CLIENT_SEND_CERTIFICATE_CHAIN');
  return {
    source: 'client-certificate',
    description: `client-certificate ${authority.url}/${tenant} ${clientId}`,
    readSecret: () => `${file} ${readVariable(runtime, passwordVariable) ?? ''}`,
    get origins() {
      return [new URL(authority.url).origin]; // which a cached answer does not ask for
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
      const certificate = loadClientCertificate(context, {
        file,
        password: readPassword(request, passwordVariable),
        passwordSetting: parameters.certificatePasswordFile ?? passwordVariable,
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

/** What Azure's SDKs take for yes. */
function readFlag({ runtime }: IdentityRequest, variable: string): boolean {
  return /^(?:1|true)$/i.test(readVariable(runtime, variable) ?? '');
}

/** @throws IDENTITY_INVALID when it is not where the configuration says. */
function readPassword({ runtime, registry, parameters }: IdentityRequest, variable: string): string | undefined {
  const file = parameters.certificatePasswordFile;
  let password: string | undefined;
  if (file === undefined) {
    password = readVariable(runtime, variable);
  } else {
    const fail = (what: string) =>
      new CredentialError('IDENTITY_INVALID', `Cannot sign in for ${registry.host}: ${what}`, {
        hint: `ls -l ${file}`,
      });
    try {
      // A password may well end in a space; only the line's end is not part of it.
      password = readForeignFile(file, MAX_PASSWORD_BYTES)?.replace(/\r?\n$/, '');
    } catch (cause) {
      throw fail(`the password of the certificate in ${file} cannot be read (${describeCause(cause)})`);
    }
    if (!password) throw fail(`there is no password of the certificate in ${file}`);
  }
  if (password !== undefined) runtime.secrets.add(password);
  return password;
}
