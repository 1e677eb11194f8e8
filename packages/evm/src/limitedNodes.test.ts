import type { ServerResponse } from 'node:http';
import { baseSepolia, manualClock } from '@agentpay/primitives';
import type { Chain } from './Chain.js';
import { failoverChain } from './failoverChain.js';
import { answerEach, openHttpNode, type HttpNode, type Question } from './httpNode.fixture.js';
import { account, signedTransaction } from './signedTransaction.fixture.js';
import { simulatedChain } from './simulatedChain.js';
import { viemChain } from './viemChain.js';

const { chainId, usdc } = baseSepolia;
const hash = `0x${'77'.repeat(32)}` as const;
const call = { to: usdc.address, data: '0x06fdde03' } as const;

const json = (status: number, error: unknown) => (questions: readonly Question[], res: ServerResponse) => {
  const responses = questions.map(({ id }) => ({ jsonrpc: '2.0', id, error }));
  res.writeHead(status, { 'content-type': 'application/json' });
  res.end(JSON.stringify(responses.length === 1 ? responses[0] : responses));
};
const text = (status: number, body: string) => (_: unknown, res: ServerResponse) =>
  void res.writeHead(status, { 'content-type': 'text/html' }).end(body);

/** What nodes at their limits, or in trouble, were seen to say. */
const responses: Readonly<Record<string, (questions: readonly Question[], res: ServerResponse) => void>> = {
  '429 with a JSON-RPC error': json(429, { code: -32_005, message: 'daily request count exceeded' }),
  '429 with an error of another kind': json(429, { code: 429, message: 'compute units per second exceeded' }),
  '429 without a body': text(429, ''),
  '401 with a JSON-RPC error': json(401, { code: -32_000, message: 'Must be authenticated!' }),
  '401 with a page': text(401, '<html>sign in</html>'),
  '403 with a JSON-RPC error': json(403, { code: -32_001, message: 'this origin is not whitelisted' }),
  '403 with a page': text(403, '<html>blocked</html>'),
  '402 with a JSON-RPC error': json(402, { code: -32_000, message: 'out of funds' }),
  'over rate limit (-32016)': json(200, { code: -32_016, message: 'over rate limit' }),
  'limit exceeded (-32005)': json(200, { code: -32_005, message: 'limit exceeded' }),
  'internal error (-32603)': json(200, { code: -32_603, message: 'Internal error' }),
  'method not found (-32601)': json(200, { code: -32_601, message: 'the method does not exist' }),
  'an error that is a text': json(200, 'slow down'),
  'an error without a code': json(200, { message: 'slow down' }),
  'a page': text(200, '<html>welcome</html>'),
  'a gateway that is down': text(502, '<html>bad gateway</html>'),
  nothing: text(200, ''),
  'the beginning of a response': text(200, '{"jsonrpc":"2.0","id":0,"resu'),
  'a response without a result': (questions, res) =>
    res.end(JSON.stringify(questions.length === 1 ? { id: 0 } : questions.map(({ id }) => ({ id })))),
};

/** Every question that a settlement asks, at the stage where it asks it. */
const stages: Readonly<Record<string, (chain: Chain) => Promise<unknown>>> = {
  'verify read': (chain) => chain.read([call]),
  simulation: (chain) => chain.simulate(call, { from: account.address }),
  gas: (chain) => chain.fees(),
  balance: (chain) => chain.balance(account.address),
  nonce: (chain) => chain.transactionCount(account.address, 'pending'),
  broadcast: async (chain) => chain.send(await signedTransaction()),
  block: (chain) => chain.block(),
  receipt: (chain) => chain.receipts([hash, `0x${'78'.repeat(32)}`]),
  'logs of an authorization': (chain) => chain.authorizationUse(usdc.address, account.address, hash),
  logs: (chain) => chain.transactionsWith({ address: usdc.address, topics: [hash] }),
};

describe('an RPC node at its limit', () => {
  let node: HttpNode;
  afterEach(() => node.close());

  const matrix = Object.keys(responses).flatMap((said) => Object.keys(stages).map((stage) => [said, stage]));

  it.each(matrix)(
    'that says "%s" at the stage "%s" is no response: the next node is asked',
    async (said, stage) => {
      node = await openHttpNode((questions, res, isBatch) => {
        const own = questions.every(({ method }) => method === 'eth_chainId');
        if (own) answerEach(() => ({ result: `0x${chainId.toString(16)}` }))(questions, res, isBatch);
        else responses[said]?.(questions, res);
      });
      const clock = manualClock(1_800_000_000_000);
      const second = simulatedChain(clock);
      const limited = viemChain({ rpcUrl: node.url, timeoutMs: 100_000 });
      const chain = failoverChain([limited, second], { clock, chainId });
      const ask = stages[stage] as (chain: Chain) => Promise<unknown>;
      const expected = await ask(simulatedChain(clock));
      expect(await ask(chain)).toEqual(expected);
      expect(node.requests.flat()).not.toEqual(['eth_chainId']);
      const asked = node.requests.length;
      await ask(chain);
      expect(node.requests.length).toBe(asked);
      if (stage === 'broadcast') {
        await second.mine();
        expect(await second.transactionCount(account.address, 'latest')).toBe(1);
      }
    },
  );
});

describe('what an RPC node says of the matter itself', () => {
  let node: HttpNode;
  afterEach(() => node.close());

  async function setUp(error: object) {
    node = await openHttpNode(
      answerEach(({ method }) =>
        method === 'eth_chainId' ? { result: `0x${chainId.toString(16)}` } : { error },
      ),
    );
    const clock = manualClock(1_800_000_000_000);
    const second = simulatedChain(clock);
    const chain = failoverChain([viemChain({ rpcUrl: node.url }), second], { clock, chainId });
    return { chain, second };
  }

  it.each([
    [{ code: 3, message: 'execution reverted: no', data: '0x1234' }, '0x1234'],
    [{ code: -32_000, message: 'execution reverted' }, '0x'],
    [{ code: -32_015, message: 'VM execution error.', data: '0x12' }, '0x12'],
    [{ code: -32_603, message: 'EVM error OutOfGas' }, '0x'],
    [{ code: 3, message: 'execution reverted: daily limit of the account exceeded' }, '0x'],
  ])('a revert (%j) is a response', async (error, data) => {
    const { chain, second } = await setUp(error);
    expect(await chain.simulate(call, { from: account.address })).toEqual({ success: false, data });
    expect(second.calls.simulate).toBeUndefined();
  });

  it.each([
    ['nonce too low: next nonce 7, tx nonce 6', 'nonce_too_low'],
    ['replacement transaction underpriced', 'underpriced'],
    ['max fee per gas less than block base fee', 'underpriced'],
    ['insufficient funds for gas * price + value', 'refused'],
    ['intrinsic gas too low', 'refused'],
    ['invalid sender', 'refused'],
  ])('of a transaction "%s" is a response', async (message, kind) => {
    const { chain, second } = await setUp({ code: -32_000, message });
    await expect(chain.send(await signedTransaction())).rejects.toMatchObject({ kind });
    expect(second.calls.send).toBeUndefined();
  });

  it('a full pool is none: the transaction goes to the next node', async () => {
    const { chain, second } = await setUp({ code: -32_000, message: 'txpool is full' });
    await chain.send(await signedTransaction());
    await second.mine();
    expect(await second.transactionCount(account.address, 'latest')).toBe(1);
  });

  it('a method that one node does not know goes to the next one, the others still go to the first', async () => {
    const { chain, second } = await setUp({ code: -32_601, message: 'the method does not exist' });
    await chain.fees();
    await chain.chainId();
    expect([second.calls.fees, second.calls.chainId]).toEqual([1, 1]);
  });
});
