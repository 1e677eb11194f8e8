import fc from 'fast-check';
import {
  decodeFunctionData,
  decodeFunctionResult,
  encodeFunctionData,
  encodeFunctionResult,
  parseAbi,
} from 'viem';
import type { Hex } from '@agentpay/protocol';
import { aggregate, readCalls, readResults, writeResults } from './Multicall.js';

const abi = parseAbi([
  'struct Call3 { address target; bool allowFailure; bytes callData; }',
  'struct Result { bool success; bytes returnData; }',
  'function aggregate3(Call3[] calls) payable returns (Result[] results)',
]);

const hex = (length: { minLength?: number; maxLength: number }) =>
  fc.uint8Array(length).map((bytes): Hex => `0x${Buffer.from(bytes).toString('hex')}`);
const calls = fc.array(
  fc.record({ to: hex({ minLength: 20, maxLength: 20 }), data: hex({ maxLength: 100 }) }),
  { maxLength: 8 },
);
const results = fc.array(fc.record({ success: fc.boolean(), data: hex({ maxLength: 100 }) }), {
  maxLength: 8,
});

describe('the coding of Multicall3', () => {
  it('of calls is what a general coder makes of them, and reads back', () => {
    fc.assert(
      fc.property(calls, (some) => {
        const { data } = aggregate(some);
        const args = [
          some.map((call) => ({ target: call.to, allowFailure: true, callData: call.data })),
        ] as const;
        expect(data).toBe(encodeFunctionData({ abi, functionName: 'aggregate3', args }));
        expect(readCalls(data)).toEqual(some);
        expect(decodeFunctionData({ abi, data }).args[0]).toHaveLength(some.length);
      }),
    );
  });

  it('of results is what a general coder makes of them, and reads back', () => {
    fc.assert(
      fc.property(results, (some) => {
        const response = writeResults(some);
        const result = some.map(({ success, data }) => ({ success, returnData: data }));
        expect(response).toBe(encodeFunctionResult({ abi, functionName: 'aggregate3', result }));
        expect(readResults(response)).toEqual(some);
        expect(decodeFunctionResult({ abi, functionName: 'aggregate3', data: response })).toEqual(result);
      }),
    );
  });

  it('refuses a response that is cut off', () => {
    const whole = writeResults([{ success: true, data: `0x${'ab'.repeat(40)}` }]);
    for (const length of [2, 66, 200, whole.length - 60])
      expect(() => readResults(whole.slice(0, length) as Hex)).toThrow('cut off');
  });
});
