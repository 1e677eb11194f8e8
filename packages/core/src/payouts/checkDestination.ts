import { AgentPayError } from '@agentpay/primitives';
import { checkText } from '../text.js';
import type { Destination } from './Payout.js';

/** @throws AgentPayError `invalid_request` with the field at fault */
export function checkDestination(destination: Destination): void {
  switch (destination.type) {
    case 'bank': {
      if (!isRoutingNumber(destination.routingNumber))
        throw refuse('routingNumber', 'is no ABA routing number');
      if (!/^\d{4,17}$/.test(destination.accountNumber))
        throw refuse('accountNumber', 'is not 4 to 17 digits');
      checkText('accountHolder', destination.accountHolder);
      return;
    }
    case 'crypto': {
      if (!/^0x[0-9a-fA-F]{40}$/.test(destination.address) || /^0x0{40}$/.test(destination.address))
        throw refuse('address', 'is no address of an account');
      if (!/^[a-z0-9-]{1,32}$/.test(destination.network)) throw refuse('network', 'is no name of a network');
      return;
    }
    case 'stripe': {
      if (!/^acct_\w{1,64}$/.test(destination.accountId))
        throw refuse('accountId', 'is no connected account');
    }
  }
}

/** Nine digits whose weighted sum is a multiple of ten (ABA). */
function isRoutingNumber(text: string): boolean {
  if (!/^\d{9}$/.test(text)) return false;
  const weights = [3, 7, 1];
  const sum = [...text].reduce((total, digit, i) => total + Number(digit) * (weights[i % 3] as number), 0);
  return sum % 10 === 0;
}

function refuse(field: string, why: string): AgentPayError {
  return new AgentPayError('invalid_request', `The ${field} of the destination ${why}.`, {
    param: `destination.${field}`,
  });
}
