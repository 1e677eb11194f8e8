/**
 * Loaded before a program (`node --import`) that knows the chain by a public node only: its questions to that node go to the local chain
 * that the environment variable LOCAL_RPC_URL names, so that nothing leaves the machine.
 */
import { baseSepolia } from 'viem/chains';

const publicUrl = new URL(baseSepolia.rpcUrls.default.http[0]).href;
const localUrl = process.env['LOCAL_RPC_URL'] as string;
const original = globalThis.fetch;

globalThis.fetch = async (input, init) => {
  const request = new Request(input, init);
  if (request.url !== publicUrl) return original(request);
  return original(localUrl, { method: 'POST', headers: request.headers, body: await request.text() });
};
