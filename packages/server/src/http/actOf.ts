import type { Endpoint } from '@agentpay/api';
import type { audit } from '@agentpay/core';
import { idPrefixes, isId, type IdKind } from '@agentpay/primitives';
import type { EndpointCall } from './implement.js';

const kinds = Object.keys(idPrefixes) as IdKind[];
const tenantKinds: readonly IdKind[] = ['agent', 'developer', 'gateway', 'org', 'user'];

/**
 * How the audit log tells of a call by the operator of the platform, by what it gave on the wire; undefined for what needs no entry. The
 * subject is what the path names, or what was made; what was asked for is its `after`, but not the response, which may show a secret.
 */
export function actOf(
  { id, method, tool, audited }: Endpoint,
  call: Pick<EndpointCall<Endpoint>, 'principal' | 'params' | 'body'>,
): ((response: Record<string, unknown>) => audit.AuditedAct) | undefined {
  const { principal, params, body } = call;
  const writes = method !== 'GET' && tool?.readOnly !== true;
  if (principal?.party.kind !== 'platform' || !writes || audited === 'itself') return undefined;
  return (response) => {
    const named = Object.values(params as Record<string, string>);
    const ids = [...named, ...textsOf(response), ...textsOf(body)].filter(isAnyId);
    return {
      principal,
      act: snakeCase(id.split('.').slice(1).join('.')),
      subject: named.at(-1) ?? ids[0] ?? id,
      tenants: [...new Set(ids.filter((text) => tenantKinds.some((kind) => isId(kind, text))))],
      after: body as object,
    };
  };
}

function textsOf(record: object): string[] {
  return Object.values(record).filter((value) => typeof value === 'string');
}

function isAnyId(text: string): boolean {
  return kinds.some((kind) => isId(kind, text));
}

function snakeCase(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
