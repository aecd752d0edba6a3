/** The request of a sign-in, as a test changes it. */
import type { PersonRequest } from '../../../../src/commands/login/person-request.ts';
import { makeRuntime } from '../../runtime.ts';

export function makePersonRequest(changes: Partial<PersonRequest> = {}): PersonRequest {
  return {
    runtime: makeRuntime(),
    log: undefined,
    authority: { url: 'https://login.microsoftonline.com', contradiction: undefined },
    tenant: 'organizations',
    clientId: '04b07795-8ddb-461a-bbee-02f9e1bf7b46',
    audience: 'https://containerregistry.azure.net',
    username: undefined,
    claims: undefined,
    signInCommand: 'docker-credential-acr login myregistry.azurecr.io',
    ...changes,
  };
}
