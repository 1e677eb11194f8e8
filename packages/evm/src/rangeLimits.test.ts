import { baseSepolia } from '@agentpay/primitives';
import { answerEach, openHttpNode, type HttpNode, type Question } from './httpNode.fixture.js';
import { viemChain } from './viemChain.js';

const payer = `0x${'ab'.repeat(20)}` as const;
const nonce = `0x${'cd'.repeat(32)}` as const;
const transactionHash = `0x${'ee'.repeat(32)}` as const;
const HEAD = 100_000;
const hex = (value: number) => `0x${value.toString(16)}`;
/** A block every two seconds. */
const timeOf = (block: number) => 1_800_000_000 - 2 * (HEAD - block);

const receipt = {
  transactionHash,
  blockNumber: hex(HEAD - 700),
  blockHash: nonce,
  gasUsed: '0x1',
  status: '0x1',
  logs: [],
  type: '0x2',
};

/** A chain whose node looks through so many blocks at once; the authorization was used 700 blocks ago. */
function chainBehind(most: number, refusal: object) {
  const ranges: number[] = [];
  const one = ({ method, params }: Question): object => {
    const [first] = params as [Record<string, string> & string];
    if (method === 'eth_getTransactionReceipt') return { result: receipt };
    if (method === 'eth_getBlockByNumber') {
      const number = (first as string) === 'latest' ? HEAD : Number(first);
      return { result: { number: hex(number), timestamp: hex(timeOf(number)), transactions: [] } };
    }
    const [from, to] = [Number(first['fromBlock']), Number(first['toBlock'])];
    if (to - from + 1 > most) return { error: refusal };
    ranges.push(to - from + 1);
    const isIn = from <= HEAD - 700 && HEAD - 700 <= to;
    return { result: isIn ? [{ transactionHash }] : [] };
  };
  return { one, ranges };
}

describe('ranges of logs', () => {
  let node: HttpNode;
  afterEach(() => node.close());

  it.each([
    [10, { code: -32_600, message: 'you can make eth_getLogs requests with up to a 10 block range' }],
    [10, { code: -32_005, message: 'query returned more than 10000 results' }],
    [1_000, { code: -32_602, message: 'exceed maximum block range: 1000' }],
    [2_000, { code: -32_614, message: 'eth_getLogs is limited to a 2,000 range' }],
    [5_000, { code: -32_000, message: 'Log response size exceeded' }],
    [1, { code: -32_012, message: 'one block at a time' }],
  ])('shrink to the %i blocks that a node allows, and stay so', async (most, refusal) => {
    const { one, ranges } = chainBehind(most, refusal);
    node = await openHttpNode(answerEach(one));
    const chain = viemChain({ rpcUrl: node.url });
    const since = BigInt(timeOf(HEAD - 710));
    const use = () => chain.authorizationUse(baseSepolia.usdc.address, payer, nonce, since);
    expect(await use()).toMatchObject({ hash: transactionHash });
    expect(Math.max(...ranges)).toBeLessThanOrEqual(most);
    const before = node.requests.length;
    expect(await use()).toMatchObject({ hash: transactionHash });
    const refused = node.requests
      .slice(before)
      .flat()
      .filter((method) => method === 'eth_getLogs').length;
    // Nothing is refused any more: every range that is asked for is given.
    expect(ranges.length).toBe(2 * refused);
  });

  it('start at the time that is given, and reach no further back than is searched at all', async () => {
    const { one, ranges } = chainBehind(1_000_000, {});
    node = await openHttpNode(answerEach(one));
    const chain = viemChain({ rpcUrl: node.url });
    const find = (since?: bigint) => chain.authorizationUse(baseSepolia.usdc.address, payer, nonce, since);
    expect(await find(BigInt(timeOf(HEAD - 710)))).toBeDefined();
    expect(await find(BigInt(timeOf(HEAD - 5)))).toBeUndefined();
    await find();
    expect(ranges[0]).toBeLessThan(2_100);
    expect(ranges[1]).toBeLessThan(200);
    expect(ranges[2]).toBe(9_001);
  });

  it('do not shrink for a limit on the rate', async () => {
    node = await openHttpNode(
      answerEach(({ method, params }) =>
        method === 'eth_getLogs'
          ? { error: { code: -32_016, message: 'over rate limit' } }
          : chainBehind(1, {}).one({ id: 0, method, params }),
      ),
    );
    const chain = viemChain({ rpcUrl: node.url });
    await expect(chain.authorizationUse(baseSepolia.usdc.address, payer, nonce)).rejects.toMatchObject({
      kind: 'unreachable',
    });
    expect(node.requests.flat().filter((method) => method === 'eth_getLogs')).toHaveLength(1);
  });
});

describe('batches', () => {
  let node: HttpNode;
  afterEach(() => node.close());
  const hashes = Array.from({ length: 60 }, (_, i) => `0x${i.toString(16).padStart(64, '0')}` as const);

  type Refuse = (questions: readonly Question[]) => { status: number; body: unknown };
  const error = { code: -32_600, message: 'batch too large' };
  it.each<[string, Refuse]>([
    ['in one error', () => ({ status: 200, body: { jsonrpc: '2.0', id: null, error } })],
    ['in the first of its responses', () => ({ status: 200, body: [{ jsonrpc: '2.0', id: 0, error }] })],
    [
      'in every response',
      (all) => ({ status: 200, body: all.map(({ id }) => ({ jsonrpc: '2.0', id, error })) }),
    ],
    ['with 413', () => ({ status: 413, body: 'too large' })],
    ['with 400', () => ({ status: 400, body: { error: 'Batch size limit exceeded' } })],
    [
      'with 429, by its words',
      () => ({ status: 429, body: { id: null, error: { ...error, code: -32_005 } } }),
    ],
  ])(
    'that a node refuses %s for their size are split, and larger ones are not sent any more',
    async (_, refuse) => {
      let refused = 0;
      const sizes: number[] = [];
      node = await openHttpNode((questions, res, isBatch) => {
        sizes.push(questions.length);
        if (questions.length <= 10) return answerEach(() => ({ result: receipt }))(questions, res, isBatch);
        refused += 1;
        const { status, body } = refuse(questions);
        res.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body));
      });
      const chain = viemChain({ rpcUrl: node.url });
      expect((await chain.receipts(hashes)).filter((found) => found)).toHaveLength(60);
      const [before, first] = [refused, sizes.length];
      expect((await chain.receipts(hashes)).filter((found) => found)).toHaveLength(60);
      expect(refused).toBe(before);
      expect(before).toBeLessThanOrEqual(4);
      expect(Math.max(...sizes.slice(first))).toBeGreaterThan(5);
    },
  );

  it('that are refused for the rate fail at once, and stay as large', async () => {
    let limited = true;
    node = await openHttpNode((questions, res, isBatch) => {
      const said = { error: { code: -32_016, message: 'over rate limit' } };
      if (limited) return void res.writeHead(200).end(JSON.stringify({ id: null, ...said }));
      answerEach(() => ({ result: receipt }))(questions, res, isBatch);
    });
    const chain = viemChain({ rpcUrl: node.url });
    await expect(chain.receipts(hashes)).rejects.toMatchObject({ kind: 'unreachable' });
    expect(node.requests).toHaveLength(1);
    limited = false;
    await chain.receipts(hashes);
    expect(node.requests).toHaveLength(2);
  });

  it('of which single members fail keep the other responses', async () => {
    node = await openHttpNode(
      answerEach(({ id }) =>
        id === 1 ? { error: { code: -32_000, message: 'not now' } } : { result: '0x5' },
      ),
    );
    const chain = viemChain({ rpcUrl: node.url });
    const asked = await Promise.allSettled([1, 2, 3].map(() => chain.balance(payer)));
    expect(asked.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });
});
