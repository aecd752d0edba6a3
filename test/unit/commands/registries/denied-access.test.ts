import { describe, expect, test } from 'vitest';
import { explainDenied } from '../../../../src/commands/registries/denied-access.ts';
import type { Caller } from '../../../../src/commands/registries/open-registry.ts';
import { registryNamed } from '../../registry-named.ts';
import { answer, toolsAnswering } from '../../token-context.ts';

const REGISTRY = registryNamed('myregistry-e7ggejfuhzhgedc8.eastus.geo.azurecr.io');

function deny(caller: Caller, what: 'repositories' | 'tags' = 'tags') {
  const { http } = toolsAnswering(answer(401, '')).context;
  const open = { registry: REGISTRY, http, caller, requestToken: () => Promise.resolve('') };
  return explainDenied(open, what, ['HTTP 401']);
}

describe('explainDenied', () => {
  test.each([
    ['repositories', true, 'Container Registry Repository Catalog Lister'],
    ['repositories', false, 'AcrPull'],
    ['tags', true, 'Container Registry Repository Reader'],
    ['tags', false, 'AcrPull'],
  ] as const)('names the role for %s (ABAC: %j): %s', (what, isAbac, role) => {
    const { message, causes, hint } = deny({ kind: 'identity', subject: 'me@contoso.com', isAbac }, what);
    expect(message).toBe(`me@contoso.com needs the role "${role}"`);
    expect(causes).toEqual(['HTTP 401']);
    const word = role.includes(' ') ? `'${role}'` : role;
    expect(hint).toBe(
      `az role assignment create --role ${word} --assignee me@contoso.com --scope $(az acr show -n myregistry --query id -o tsv) (a new role takes up to 10 minutes to apply)`,
    );
  });

  test('leaves a placeholder for an identity that its token does not name', () => {
    const { message, hint } = deny({ kind: 'identity', subject: undefined, isAbac: false });
    expect(message).toBe('the identity needs the role "AcrPull"');
    expect(hint).toContain('--assignee ID --scope');
  });

  test('quotes the identity in the command', () => {
    const { hint = '' } = deny({ kind: 'identity', subject: "x'; touch pwned; $(pwned)", isAbac: false });
    expect(hint).toContain("--assignee 'x?; touch pwned; $(pwned)' --scope");
  });

  test('names the stored login', () => {
    const { message, hint } = deny({ kind: 'login', what: 'the stored login of ci' });
    expect(message).toBe('the stored login of ci does not allow it');
    expect(hint).toBe(`to use an identity of Azure instead: docker logout ${REGISTRY.host}`);
  });

  test('says how to sign in where nobody is', () => {
    const causes = ['skipped azure-cli: no account'];
    expect(deny({ kind: 'nobody', hint: 'run: az login', causes })).toMatchObject({
      hint: 'run: az login',
      causes: ['HTTP 401', ...causes],
    });
    expect(deny({ kind: 'nobody', hint: undefined, causes: [] }).hint).toContain('remove "anonymous"');
  });
});
