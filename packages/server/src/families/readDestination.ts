import type { payouts } from '@agentpay/core';
import { AgentPayError } from '@agentpay/primitives';

type Fields = { readonly [Name in string]?: string | undefined };

/** The destination of a payout from the fields that its type needs. @throws AgentPayError `invalid_request` */
export function readDestination(type: payouts.DestinationType, fields: Fields): payouts.Destination {
  const field = (name: string): string => {
    const value = fields[name];
    if (value !== undefined && value !== '') return value;
    const param = `destination.${name}`;
    throw new AgentPayError('invalid_request', `Field "${param}": is required.`, { param });
  };
  switch (type) {
    case 'bank':
      return {
        type,
        routingNumber: field('routing_number'),
        accountNumber: field('account_number'),
        accountType: field('account_type') as 'checking' | 'savings',
        accountHolder: field('account_holder'),
      };
    case 'crypto':
      return { type, address: field('address'), network: field('network') };
    case 'stripe':
      return { type, accountId: field('account_id') };
  }
}
