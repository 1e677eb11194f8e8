import type { Endpoint } from '../Endpoint.js';
import { snakeCase } from '../Errors.js';

/** The name of a call where names are flat: `wallets_balance`, `tokens_call_started`; other families first: `gateway_calls_create`. */
export function callName({ id }: Pick<Endpoint, 'id'>): string {
  const [family, ...rest] = id.split('.');
  return snakeCase((family === 'runtime' ? rest : [family, ...rest]).join('_'));
}
