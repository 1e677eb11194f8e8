import { AgentPayError } from '@agentpay/primitives';
import type { Amount } from '@agentpay/primitives';

/** An agent that a developer offers on the marketplace: it is called through gateways and paid by the call. */
export interface AgentListing {
  readonly id: string;
  readonly developerId: string;
  readonly name: string;
  readonly category: string;
  readonly description: string | null;
  readonly status: AgentListingStatus;
  /** A private one is found by its developer, and by members of the organizations that have it in a private marketplace. */
  readonly visibility: 'public' | 'private';
  /** Where it is called; null: where its service is. */
  readonly endpointUrl: string | null;
  /** The service of the runtime API that it stands for. */
  readonly serviceId: string | null;
  readonly regions: readonly string[];
  readonly methods: readonly ListedMethod[];
  /** What is promised; seconds are also how long a call may take. */
  readonly sla: SlaPromise | null;
  /** Grows with every change. */
  readonly revision: bigint;
  readonly createdAt: Date;
}

/** What can be asked of a listing, and for how much. */
export interface ListedMethod {
  /** `tool_...` */
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  readonly price: Amount;
}

/** What a developer promises of a listing. */
export interface SlaPromise {
  /** Percent of calls that it answers, as text: "99.9". */
  readonly uptimePct?: string | undefined;
  readonly p95Ms?: number | undefined;
  /** A call that takes longer has failed. */
  readonly maxCompletionSeconds?: number | undefined;
}

const table = {
  pending: { approve: 'active', suspend: 'suspended', moved: 'pending' },
  active: { approve: 'active', suspend: 'suspended', moved: 'pending' },
  suspended: { approve: 'active', suspend: 'suspended', moved: 'suspended' },
} as const;

export type AgentListingStatus = keyof typeof table;
/** `moved`: it is called elsewhere than what the operator has seen. */
export type ListingStep = 'approve' | 'suspend' | 'moved';

export function stepOf(status: AgentListingStatus, step: ListingStep): AgentListingStatus {
  return table[status][step];
}

/**
 * The method that a call means: the one that is named, else the one that the input names as `method` or `task`, else the only one.
 * @throws AgentPayError `invalid_request` when that is none or could be several
 */
export function methodFor(
  { methods }: Pick<AgentListing, 'methods'>,
  {
    method,
    input,
  }: { readonly method?: string | undefined; readonly input: Readonly<Record<string, unknown>> },
): ListedMethod {
  const named = (name: unknown) => methods.find((each) => each.name === name);
  const meant = method === undefined ? (named(input['method']) ?? named(input['task'])) : named(method);
  if (meant) return meant;
  if (method === undefined && methods.length === 1) return methods[0] as ListedMethod;
  const names = methods.map(({ name }) => name).join(', ');
  throw new AgentPayError('invalid_request', `Name one of the methods of this agent: ${names}.`, {
    param: 'method',
    reason: 'method_unknown',
  });
}
