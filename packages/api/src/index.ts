import type { Endpoint } from './Endpoint.js';
import * as agents from './families/runtime/agents.js';
import * as services from './families/runtime/services.js';
import * as tokens from './families/runtime/tokens.js';
import * as wallets from './families/runtime/wallets.js';

export * from './Endpoint.js';
export * from './Errors.js';
export * from './request.js';
export * from './families/runtime/agents.js';
export * from './families/runtime/services.js';
export * from './families/runtime/tokens.js';
export * from './families/runtime/wallets.js';

/** Every endpoint of the API. */
export const endpoints: readonly Endpoint[] = [agents, wallets, services, tokens].flatMap(
  (noun) => Object.values(noun) as Endpoint[],
);
