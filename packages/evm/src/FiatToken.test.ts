import { baseSepolia } from '@agentpay/primitives';
import type { Authorization } from '@agentpay/protocol';
import { encodeErrorResult, parseAbi, toHex } from 'viem';
import type { Log } from './Chain.js';
import {
  AUTHORIZATION_CANCELED,
  provesTransfer,
  revertText,
  transferCall,
  transferLogs,
} from './FiatToken.js';

const asset = baseSepolia.usdc.address;
const authorization: Authorization = {
  from: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8',
  to: '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC',
  value: 10_000n,
  validAfter: 0n,
  validBefore: 1_893_456_000n,
  nonce: `0x${'11'.repeat(32)}`,
};
const [used, moved] = transferLogs(asset, authorization) as [Log, Log];
const stranger = '0x1111111111111111111111111111111111111111';

describe('provesTransfer', () => {
  it('takes the two logs of the token, among others', () => {
    const other = transferLogs(asset, { ...authorization, nonce: `0x${'22'.repeat(32)}` });
    expect(provesTransfer([used, moved], asset, authorization)).toBe(true);
    expect(provesTransfer([...other, used, moved, ...other], asset, authorization)).toBe(true);
  });

  it.each<[string, readonly Log[]]>([
    ['nothing', []],
    ['no use of the authorization', [moved]],
    ['a use without a transfer', [used]],
    ['a transfer before the use', [moved, used]],
    ['a transfer of less', transferLogs(asset, { ...authorization, value: 9_999n })],
    ['a transfer to somebody else', transferLogs(asset, { ...authorization, to: stranger })],
    ['another nonce', transferLogs(asset, { ...authorization, nonce: `0x${'12'.repeat(32)}` })],
    ['another payer', transferLogs(asset, { ...authorization, from: stranger })],
    ['another token', transferLogs(stranger, authorization)],
    [
      'a cancelled authorization',
      [{ ...used, topics: [AUTHORIZATION_CANCELED, ...used.topics.slice(1)] }, moved],
    ],
    [
      'the transfer of another member of the batch',
      [used, { ...moved, data: toHex(1n, { size: 32 }) }, moved],
    ],
  ])('is not fooled by %s', (_, logs) => {
    expect(provesTransfer(logs, asset, authorization)).toBe(false);
  });
});

describe('transferCall', () => {
  it('uses (v, r, s) for an ECDSA signature and bytes for any other', () => {
    expect(transferCall(asset, authorization, `0x${'11'.repeat(64)}1b`).data.slice(0, 10)).toBe('0xe3ee160e');
    expect(transferCall(asset, authorization, `0x${'11'.repeat(66)}`).data.slice(0, 10)).toBe('0xcf092995');
  });
});

describe('revertText', () => {
  it('reads the sentence of a failed require, and only that', () => {
    const data = encodeErrorResult({
      abi: parseAbi(['error Error(string)']),
      errorName: 'Error',
      args: ['no'],
    });
    expect(revertText({ success: false, data })).toBe('no');
    expect(revertText({ success: true, data })).toBeUndefined();
    expect(revertText({ success: false, data: '0x' })).toBeUndefined();
    expect(revertText({ success: false, data: '0x4e487b71' })).toBeUndefined();
  });
});
