import type { Endpoint } from '../Endpoint.js';

/** The name of a call where names are flat: `wallets_balance`, `tokens_call_started`; other families first: `gateway_calls_create`. */
export function callName({ id }: Pick<Endpoint, 'id'>): string {
  const [family, ...rest] = id.split('.');
  return (family === 'runtime' ? rest : [family, ...rest])
    .join('_')
    .replace(/([a-z0-9])([A-Z])/g, (_, before: string, after: string) => `${before}_${after.toLowerCase()}`);
}
