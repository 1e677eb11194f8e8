import { AUTH_CAPTURE_ESCROW, type Address } from '@agentpay/protocol';
import { tokenStore } from '@agentpay/solidity';
import { getContractAddress, keccak256, pad } from 'viem';

/** Where the escrow of the local chain keeps the money of an operator's payments. */
export function tokenStoreOf(operator: Address): Address {
  return getContractAddress({
    opcode: 'CREATE2',
    from: AUTH_CAPTURE_ESCROW,
    salt: pad(operator, { dir: 'right', size: 32 }),
    bytecodeHash: keccak256(tokenStore.bytecode),
  });
}
