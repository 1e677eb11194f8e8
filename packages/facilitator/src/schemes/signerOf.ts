import { memoize } from '@agentpay/primitives';
import { hexToBytes, type Address, type Hex } from '@agentpay/protocol';
import { recoverAuthorizer } from '@agentpay/evm';

const DIGEST_LENGTH = 66;

const recovered = memoize(2_000, (text) => {
  const [digest, signature] = [text.slice(0, DIGEST_LENGTH), text.slice(DIGEST_LENGTH)] as [Hex, Hex];
  return recoverAuthorizer(hexToBytes(digest), signature);
});

/**
 * The account whose key signed the digest of 32 bytes; undefined when none did. Nearly every payment is verified and settled a moment
 * later, and recovering a key is the dearest step of both, so the latest responses are kept.
 */
export function signerOf(digest: Hex, signature: Hex): Address | undefined {
  return recovered(`${digest}${signature}`);
}
