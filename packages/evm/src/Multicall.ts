import { MULTICALL3 } from '@agentpay/primitives';
import type { Hex } from '@agentpay/protocol';
import { decodeFunctionData, decodeFunctionResult, encodeFunctionData, encodeFunctionResult, parseAbi } from 'viem';
import type { Call, CallResult } from './Chain.js';

const abi = parseAbi([
  'struct Call3 { address target; bool allowFailure; bytes callData; }',
  'struct Result { bool success; bytes returnData; }',
  'function aggregate3(Call3[] calls) payable returns (Result[] results)',
]);

/** Many calls as one (Multicall3 `aggregate3`); the failure of one leaves the others standing. */
export function aggregate(calls: readonly Call[]): Call {
  const args = [calls.map(({ to, data }) => ({ target: to, allowFailure: true, callData: data }))] as const;
  return { to: MULTICALL3, data: encodeFunctionData({ abi, functionName: 'aggregate3', args }) };
}

/** The results inside the answer to {@link aggregate}. */
export function readResults(answer: Hex): CallResult[] {
  return decodeFunctionResult({ abi, functionName: 'aggregate3', data: answer }).map(({ success, returnData }) => ({
    success,
    data: returnData,
  }));
}

/** The calls inside the data made by {@link aggregate}. */
export function readCalls(data: Hex): Call[] {
  const { args } = decodeFunctionData({ abi, data });
  return args[0].map(({ target, callData }) => ({ to: target, data: callData }));
}

/** The answer that carries these results. */
export function writeResults(results: readonly CallResult[]): Hex {
  const result = results.map(({ success, data }) => ({ success, returnData: data }));
  return encodeFunctionResult({ abi, functionName: 'aggregate3', result });
}
