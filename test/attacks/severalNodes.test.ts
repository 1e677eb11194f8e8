import { eventually, rpcProxy, type RpcFault, type RpcProxy } from '@agentpay/testing';
import type { Hex } from 'viem';
import type { PrivateKeyAccount } from 'viem/accounts';
import { openAttackBed, settlePending, type AttackBed, type Target } from './attackBed.js';
import { newAccount, paymentOf, PRICE } from './payment.js';

const READS = [
  'eth_call',
  'eth_chainId',
  'eth_blockNumber',
  'eth_getBlockByNumber',
  'eth_getTransactionReceipt',
  'eth_getTransactionCount',
  'eth_getLogs',
  'eth_maxPriorityFeePerGas',
  'eth_gasPrice',
  'eth_getBalance',
];

describe('A9 two nodes, of which the first fails or lies', () => {
  let bed: AttackBed;
  let first: RpcProxy;
  let second: RpcProxy;
  let target: Target;
  let payer: PrivateKeyAccount;
  let seller: Hex;

  beforeAll(async () => {
    bed = await openAttackBed();
    [first, second] = [await rpcProxy({ target: bed.proxy.url }), await rpcProxy({ target: bed.proxy.url })];
  });
  afterAll(async () => {
    await target.stop();
    await Promise.all([first.close(), second.close()]);
    await bed.close();
  });
  beforeEach(async () => {
    payer = await bed.payer();
    seller = newAccount().address;
  });
  afterEach(async () => {
    first.heal();
    await target.stop();
  });

  const pay = () => paymentOf(payer, { payTo: seller });
  const start = async (env: Record<string, string> = {}) => {
    target = await bed.start({ RPC_URLS: `${first.url},${second.url}`, ...env });
  };
  const always = (methods: readonly string[], fault: RpcFault) =>
    methods.forEach((method) => first.fault(method, fault, Infinity));

  it('hangs: the other verifies and settles, and the money moves once', async () => {
    await start();
    always([...READS, 'eth_sendRawTransaction'], 'hang');
    const request = await pay();
    await eventually(
      async () => expect(await target.settle(request)).toMatchObject({ success: true }),
      60_000,
    );
    expect(await target.verify(await pay())).toMatchObject({ isValid: true });
    expect([await bed.usdc(seller), await bed.sent(target.signer)]).toEqual([PRICE, 1]);
  });

  const limits: readonly (readonly [string, RpcFault])[] = [
    [
      '429 with a JSON-RPC error',
      { status: 429, refusal: { code: -32_005, message: 'request limit reached' } },
    ],
    [
      '401 with a JSON-RPC error',
      { status: 401, refusal: { code: -32_000, message: 'Must be authenticated!' } },
    ],
    ['403 with a JSON-RPC error', { status: 403, refusal: { code: -32_001, message: 'not whitelisted' } }],
    ['429 without a body', { status: 429 }],
    ['over rate limit (-32016)', { error: 'over rate limit', code: -32_016 }],
    ['limit exceeded (-32005)', { error: 'limit exceeded', code: -32_005 }],
    ['internal error (-32603)', { error: 'Internal error', code: -32_603 }],
    ['method not found (-32601)', { error: 'the method does not exist', code: -32_601 }],
    ['a page', { status: 200, body: '<html>welcome</html>' }],
    ['nothing', { status: 200, body: '' }],
    ['the beginning of a response', { status: 200, body: '{"jsonrpc":"2.0","id":0,"resu' }],
  ];

  it.each(limits)(
    'says "%s" to everything: the other verifies, settles and makes ready, and the money moves once',
    async (_, fault) => {
      await start();
      always([...READS, 'eth_sendRawTransaction'], fault);
      const request = await pay();
      expect(await target.verify(request)).toMatchObject({ isValid: true });
      await eventually(
        async () => expect(await target.settle(request)).toMatchObject({ success: true }),
        60_000,
      );
      // A check that takes long on a busy machine says no.
      await eventually(async () => expect((await fetch(`${target.url}/readyz`)).status).toBe(200));
      expect([await bed.usdc(seller), await bed.sent(target.signer)]).toEqual([PRICE, 1]);
    },
  );

  it.each([
    ['verification', ['eth_call']],
    ['fees', ['eth_maxPriorityFeePerGas', 'eth_gasPrice']],
    ['the account nonce', ['eth_getTransactionCount']],
    ['the broadcast', ['eth_sendRawTransaction']],
    ['the receipt', ['eth_getTransactionReceipt', 'eth_getBlockByNumber']],
    ['the logs', ['eth_getLogs', 'eth_getTransactionReceipt']],
  ])(
    'is at its limit from %s on: the other goes on from there, and the money moves once',
    async (_, methods) => {
      await start();
      always(methods, { error: 'over rate limit', code: -32_016 });
      const request = await pay();
      await eventually(
        async () => expect(await target.settle(request)).toMatchObject({ success: true }),
        60_000,
      );
      expect([await bed.usdc(seller), await bed.sent(target.signer)]).toEqual([PRICE, 1]);
    },
  );

  it('shows no receipts and no logs, then goes away: pending until the other is asked, and no second transaction', async () => {
    await start({ SETTLE_TIMEOUT_MS: '5000' });
    always(['eth_getTransactionReceipt'], { lie: () => null });
    always(['eth_getLogs'], { lie: () => [] });
    const request = await pay();
    const pending = await settlePending(target, request);
    expect(pending).toMatchObject({
      success: false,
      errorReason: 'settlement_pending',
      transaction: expect.stringMatching(/^0x/),
    });
    first.heal();
    always(READS, 'drop');
    const { transaction } = pending;
    await eventually(
      async () => expect(await target.settle(request)).toMatchObject({ success: true, transaction }),
      60_000,
    );
    expect([await bed.usdc(seller), await bed.sent(target.signer)]).toEqual([PRICE, 1]);
  });

  it('is one that lags and one that does not, by turns: one transaction, one transfer', async () => {
    await start();
    let asked = 0;
    const byTurns = (late: (result: unknown) => unknown): RpcFault => ({
      lie: (result) => (asked++ % 2 === 0 ? late(result) : result),
    });
    always(
      ['eth_getTransactionReceipt'],
      byTurns(() => null),
    );
    always(
      ['eth_getLogs'],
      byTurns(() => []),
    );
    always(
      ['eth_getTransactionCount'],
      byTurns((count) => `0x${Math.max(0, Number(count) - 1).toString(16)}`),
    );
    const requests = await Promise.all(Array.from({ length: 3 }, pay));
    for (const request of requests) {
      await eventually(
        async () => expect(await target.settle(request)).toMatchObject({ success: true }),
        60_000,
      );
    }
    expect([await bed.usdc(seller), await bed.sent(target.signer)]).toEqual([3n * PRICE, 3]);
  });
});
