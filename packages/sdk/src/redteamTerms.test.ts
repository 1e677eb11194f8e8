import { base } from '@agentpay/primitives';
import { type Authorization } from '@agentpay/protocol';
import { agentpay, askCharge, client, clock, pays, refusesUnsigned } from './redteam.test.support.js';
import {
  BUYER,
  OTHER_PAYEE,
  PAY_TO,
  WALLET,
  askMpp,
  askToken,
  askV1,
  askV2,
  closeServers,
  failure,
  offer,
  serve,
  startLedger,
  startSeller,
} from './seller.test.support.js';

/** How sellers have been seen to cheat buying agents by what they ask for, one test or more for each way. */

afterEach(closeServers);

describe('ghost_paywall', () => {
  it('a paywall on a host that is not on the list gets nothing', () =>
    refusesUnsigned(askV2(), 'host_not_allowed', { allow: { hosts: ['api.example.com'] } }));
});

describe('price_bait', () => {
  it('a price above the limit is not paid, whatever the description says', async () => {
    const amount = '6000000';
    const description = 'Price: $0.01';
    await refusesUnsigned(
      askV2([{ ...offer, amount, description }], { resource: { url: 'x', description } }),
      'per_request',
    );
    await refusesUnsigned(askV1([{ maxAmountRequired: amount, description }]), 'per_request');
    await refusesUnsigned(askCharge({ amount }, {}, { description }), 'per_request');
    await refusesUnsigned(askV2([{ ...offer, amount: '50001' }]), 'per_request', {
      budget: { perRequest: '$0.05' },
    });
  });

  it('a price of zero is not signed', () => refusesUnsigned(askV2([{ ...offer, amount: '0' }]), 'amount'));

  it('a token is bought for no more than was offered', async () => {
    const ledger = await startLedger(clock);
    const seller = await startSeller(askToken());
    await pays(seller, { agentpay: { url: ledger.url, apiKey: 'pk_test_1', walletId: WALLET } });
    expect(ledger.calls[0]).toContain('"max_amount":0.01');
  });
});

describe('recipient_redirect', () => {
  it('a redirect to another origin that asks for payment gets nothing', async () => {
    const thief = await startSeller(askV2([{ ...offer, payTo: OTHER_PAYEE }]));
    const url = await serve((_, response) =>
      response.writeHead(302, { location: `${thief.url}/paid` }).end(),
    );
    const buyer = client();
    expect(await failure(buyer.fetch(url))).toMatchObject({
      kind: 'offer_not_acceptable',
      reason: 'redirected_elsewhere',
    });
    expect([thief.proofs.length, buyer.spent().length]).toEqual([0, 0]);
  });

  it.each(['0x0000000000000000000000000000000000000000', '0x12', 'vitalik.eth', BUYER])(
    '%s is no recipient',
    (payTo) => refusesUnsigned(askV2([{ ...offer, payTo }]), 'recipient'),
  );
});

describe('rail_switch', () => {
  it('real money is not paid unless its network is named', async () => {
    const real = { ...offer, network: base.id, asset: base.usdc.address, extra: base.usdc.eip712 };
    await refusesUnsigned(askV2([real]), 'network_not_allowed');
    const seller = await startSeller(askV2([real]));
    expect((await pays(seller, { allow: { networks: ['base'] } })).payment?.accepted.network).toBe(base.id);
  });

  it.each(['eip155:1', 'eip155:84533', 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp', 'eip155:084532'])(
    'network %s is not known',
    (network) => refusesUnsigned(askV2([{ ...offer, network }]), 'unknown_network'),
  );

  it('a scheme, transfer or flow that is not known is not signed', async () => {
    await refusesUnsigned(askV2([{ ...offer, scheme: 'upto' }]), 'unknown_scheme');
    await refusesUnsigned(
      askV2([{ ...offer, extra: { ...offer.extra, assetTransferMethod: 'permit2' } }]),
      'unknown_transfer_method',
    );
    await refusesUnsigned(
      askV2([{ ...offer, extra: { ...offer.extra, paymentFlow: 'escrow' } }]),
      'unknown_payment_flow',
    );
    await refusesUnsigned(askMpp(clock, { method: 'tempo' }), 'unknown_scheme');
  });

  it('real money is not paid over cleartext but to this machine', async () => {
    const real = askV2([{ ...offer, network: base.id, asset: base.usdc.address, extra: base.usdc.eip712 }]);
    const fetch = async () => new Response('{}', { status: 402, headers: real.headers });
    const buyer = client({ allow: { networks: ['base'] }, fetch });
    expect(await failure(buyer.fetch('http://api.example.com/paid'))).toMatchObject({ reason: 'cleartext' });
    expect(buyer.spent()).toEqual([]);
  });
});

describe('asset_swap', () => {
  it('an unknown token, or that of another network, is not paid', async () => {
    for (const asset of [base.usdc.address, OTHER_PAYEE, 'USDC'])
      await refusesUnsigned(askV2([{ ...offer, asset }]), 'unknown_asset');
    await refusesUnsigned(askToken({ currency: 'EUR' }), 'unknown_asset', { agentpay });
  });

  it("the token's EIP-712 domain is that of the table, never the seller's", () =>
    refusesUnsigned(askV2([{ ...offer, extra: { name: 'USD Coin', version: '2' } }]), 'domain_mismatch'));

  it('an asset that is not on the list is not paid', () =>
    refusesUnsigned(askV2(), 'asset_not_allowed', { allow: { assets: ['USD'] } }));
});

describe('unit_confusion', () => {
  it.each(['0.01', '1e4', '-1', '0x2710', '10000.0', '١٠'])('the amount %s is not read', async (amount) => {
    const seller = await startSeller(askV2([{ ...offer, amount }]));
    const error = await failure(client().fetch(seller.url));
    expect([error?.kind, error?.reason, seller.proofs.length]).toEqual([
      'offer_not_acceptable',
      'payment_malformed',
      0,
    ]);
  });

  it('an amount as of a token with 18 decimals is above every limit', () =>
    refusesUnsigned(askV2([{ ...offer, amount: `1${'0'.repeat(16)}` }]), 'per_request'));

  it('decimals that the asset does not have are not believed', () =>
    refusesUnsigned(askCharge({}, { decimals: 18 }), 'unit_mismatch'));
});

describe('accepts_ordering', () => {
  it('the cheapest acceptable offer is taken, wherever it stands', async () => {
    const dear = { ...offer, amount: '900000', payTo: OTHER_PAYEE };
    const foreign = { ...offer, amount: '1', network: 'eip155:1' };
    const seller = await startSeller(
      askV2([dear, foreign, { nonsense: true }, offer, { ...offer, amount: '10001' }]),
    );
    expect((await pays(seller)).authorization).toMatchObject({ to: PAY_TO, value: 10_000n });
  });
});

describe('authorization_lifetime', () => {
  it('an authorization ends soon, however long the seller asks for', async () => {
    const maxTimeoutSeconds = 31_536_000;
    const mppForYears = askMpp(clock, { expires: '2036-01-01T00:00:00Z' });
    for (const ask of [
      askV2([{ ...offer, maxTimeoutSeconds }]),
      askV1([{ maxTimeoutSeconds }]),
      mppForYears,
    ]) {
      const { authorization } = await pays(await startSeller(ask));
      const { validAfter, validBefore } = authorization as Authorization;
      expect(validBefore - validAfter).toBeLessThanOrEqual(900n);
      expect(Number(validBefore)).toBeLessThanOrEqual(clock.now() / 1000 + 600);
    }
  });

  it('an expired challenge is not answered', async () => {
    await refusesUnsigned(askMpp(clock, { expires: new Date(clock.now() + 1_000).toISOString() }), 'expired');
    await refusesUnsigned(askMpp(clock, { expires: new Date(clock.now() - 1_000).toISOString() }), 'expired');
  });
});
