import {
  domainSeparator,
  hashAuthorization,
  hashPermit,
  hashReceipt,
  privateKeySigner,
} from '@agentpay/protocol';
import type { Account, SignedByPayers } from './Account.js';

/**
 * An account that pays by a private key in memory: 0x and 64 hex digits.
 * @throws RangeError, which does not show the key, for one that is none
 * @example
 * ```ts
 * import { createClient, localAccount } from '@agentpay/sdk';
 *
 * const account = localAccount('0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d');
 * const client = createClient({ account });
 * ```
 */
export function localAccount(privateKey: string): Account {
  const { address, sign } = privateKeySigner(privateKey);
  return {
    address,
    signTypedData: async (typedData) => sign(digestOf(typedData as unknown as SignedByPayers)),
  };
}

function digestOf({ domain, primaryType, message }: SignedByPayers): Uint8Array {
  switch (primaryType) {
    case 'TransferWithAuthorization':
      return hashAuthorization(domainSeparator(domain), message);
    case 'ReceiveWithAuthorization':
      return hashReceipt(domain, message);
    case 'Permit':
      return hashPermit(domain, message);
  }
}
