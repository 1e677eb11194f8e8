import { custody, purchases } from '@agentpay/core';
import { radiusTestnet } from '@agentpay/primitives';
import { mpp, toBase64 } from '@agentpay/protocol';
import {
  ask,
  askV2,
  authorizationIn,
  challenge,
  honestSeller,
  network,
  offerV1,
  offerV2,
  OTHER_SELLER,
  PRICE,
  proofIn,
  SELLER,
  type Handle,
} from '../flows/purchaseBed.js';
import {
  asksV2,
  attempt,
  bed,
  endAndExpectSettled,
  keeping,
  onlySeller,
  refused,
  type Proof,
  openBed,
} from './buyersBed.js';

/** How sellers have been seen to cheat agents by what they ask for, against purchases of the platform. Three ways of each kind. */

beforeAll(openBed);
afterEach(() => endAndExpectSettled());
afterAll(() => bed.close());

describe('ghost_paywall', () => {
  it('a paywall of nobody on the allow list gets nothing', () =>
    refused(asksV2(offerV2({ payTo: OTHER_SELLER })), 'not_on_allow_list', { rules: [onlySeller] }));
  it('a host that leads into our networks is not asked for its price', async () => {
    const { principal } = await bed.buyer();
    for (const url of ['http://169.254.169.254/pay', 'http://10.1.2.3/pay', 'http://[fd00:ec2::254]/pay'])
      await expect(purchases.buy(bed.core, { principal, url })).rejects.toMatchObject({
        kind: 'invalid_request',
        reason: 'address_refused',
      });
  });
  it('one that appears where the goods were free is paid by the same limits as any other', async () => {
    let free = true;
    const handle: Handle = (_, response) =>
      free ? response.end('free') : ask(response, 'x402v2', { amount: 50n * PRICE });
    await refused(handle, 'status');
    free = false;
    await refused(handle, 'per_transaction_limit');
  });
});

describe('price_bait', () => {
  const bait = { description: 'Price: $0.01' };
  it('a price above the limit is not paid, whatever is said beside it', () =>
    refused(asksV2({ ...offerV2({ amount: PRICE + 1n }), ...bait }), 'per_transaction_limit'));
  it('nor one in MPP, however it is described', () =>
    refused((_, response) => {
      const asked = challenge({ amount: PRICE + 1n }, bait);
      response.writeHead(402, { 'www-authenticate': mpp.serializeChallenge(asked) }).end();
    }, 'per_transaction_limit'));
  it('a price that is raised once the proof is there is not paid: the signature is for the first one', async () => {
    let calls = 0;
    const { refusal, proofs } = await attempt((_, response) =>
      askV2(response, [offerV2({ amount: calls++ ? 100n * PRICE : PRICE })]),
    );
    expect(refusal?.kind).toBe('payment_refused');
    expect(proofs.map((proof) => authorizationIn(proof).value)).toEqual([String(PRICE)]);
  });
});

describe('recipient_redirect', () => {
  it('a redirect to another origin that asks for money gets nothing', async () => {
    const thief = await bed.serve(asksV2(offerV2({ payTo: OTHER_SELLER })));
    await refused(
      (_, response) => response.writeHead(302, { location: thief.replace('127.0.0.1', 'localhost') }).end(),
      'redirected_elsewhere',
    );
  });
  it('a redirect of the proof is not followed', async () => {
    const thief = keeping((_, response) => response.end('thanks'));
    const elsewhere = await bed.serve(thief.handle);
    const { refusal } = await attempt((request, response) =>
      proofIn(request) ? response.writeHead(307, { location: elsewhere }).end() : ask(response, 'x402v2'),
    );
    expect([refusal?.kind, thief.proofs]).toEqual(['payment_refused', []]);
  });
  it('another recipient in the second demand gets nothing', async () => {
    let calls = 0;
    const { proofs } = await attempt((_, response) =>
      askV2(response, [offerV2({ payTo: calls++ ? OTHER_SELLER : SELLER })]),
    );
    expect(proofs.map((proof) => authorizationIn(proof).to.toLowerCase())).toEqual([SELLER.toLowerCase()]);
  });
});

describe('rail_switch', () => {
  it('a network that is not configured is not paid on', () =>
    refused(asksV2(offerV2({ networkId: 'eip155:8453' })), 'unknown_network'));
  it('a rail that the rules do not allow is not taken', () =>
    refused((_, response) => ask(response, 'mpp'), 'rail_not_allowed', {
      rules: [{ kind: 'rail', rails: ['x402'] }],
    }));
  it('another scheme or kind of transfer is not signed', async () => {
    await refused(asksV2({ ...offerV2(), scheme: 'upto' }), 'unknown_scheme');
    const extra = { ...network.asset.eip712, assetTransferMethod: 'permit2' };
    await refused(asksV2(offerV2({ extra })), 'unknown_transfer_method');
  });
  it('SBC on Radius, which moves by Permit2 alone, is refused by either way of paying, and no wallet is made there', async () => {
    const { id: networkId, asset } = radiusTestnet;
    const extra = { ...asset.eip712, assetTransferMethod: 'permit2' };
    const sbc = offerV2({ networkId, asset: asset.address, extra });
    await refused(asksV2(sbc), 'unknown_transfer_method');
    const { principal, id: holder } = await bed.buyer();
    const url = 'http://seller/paid';
    const paymentRequired = toBase64({ x402Version: 2, resource: { url }, accepts: [sbc] });
    await expect(purchases.pay(bed.core, { principal, holder, url, paymentRequired })).rejects.toMatchObject({
      kind: 'offer_not_acceptable',
      reason: 'unknown_transfer_method',
    });
    const of = { ownerId: holder, holder, network: networkId };
    await expect(bed.core.db.tx((tx) => custody.open(bed.core, tx, of))).rejects.toMatchObject({
      kind: 'settlement_not_configured',
      reason: 'unknown_transfer_method',
    });
    // Nor is it the network of new agents where it is configured first.
    const chains = new Map([...bed.core.ports.chains].reverse());
    const chosen = custody.defaultChain({ ...bed.core, ports: { ...bed.core.ports, chains } });
    expect([[...chains.keys()][0], chosen?.network.id]).toEqual([networkId, network.id]);
  });
});

describe('asset_swap', () => {
  it('another token is not paid', () => refused(asksV2(offerV2({ asset: OTHER_SELLER })), 'unknown_asset'));
  it('nor the token of another network', () =>
    refused(asksV2(offerV2({ asset: '0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913' })), 'unknown_asset'));
  it('nor the right one under another EIP-712 domain', () =>
    refused(asksV2(offerV2({ extra: { name: 'USD Coin', version: '2' } })), 'domain_mismatch'));
});

describe('unit_confusion', () => {
  it('an amount as of a token with 18 decimals is above the limit', () =>
    refused(asksV2(offerV2({ amount: 10_000_000_000_000_000n })), 'per_transaction_limit'));
  it.each(['0.01', '1e4', '-1', '0x10', ' 10000', '010000'])('%j is no amount', (amount) =>
    refused(asksV2(offerV2({ amount })), 'payment_malformed'),
  );
  it('decimals that the asset does not have are not believed', () =>
    refused((_, response) => {
      const asked = challenge();
      const request = JSON.parse(Buffer.from(asked.request, 'base64url').toString()) as {
        methodDetails: { decimals: number };
      };
      request.methodDetails.decimals = 18;
      const changed = Buffer.from(JSON.stringify(request)).toString('base64url');
      const header = mpp.serializeChallenge(challenge({}, { request: changed }));
      response.writeHead(402, { 'www-authenticate': header }).end();
    }, 'unit_mismatch'));
});

describe('accepts_ordering', () => {
  const dear = offerV2({ amount: PRICE });
  const cheap = offerV2({ amount: 1n });
  it.each([
    ['first', [cheap, dear]],
    ['last', [dear, offerV2({ networkId: 'eip155:1' }), cheap]],
  ])('the cheapest offer is taken where it stands %s', async (_where, accepts) => {
    const seller = honestSeller(bed.facilitator, 'x402v2');
    const { bought } = await attempt((request, response) =>
      proofIn(request) ? seller.handle(request, response) : askV2(response, accepts),
    );
    expect(bought?.purchase.terms?.amount).toBe('1');
  });
  it('also across protocols', async () => {
    const seller = honestSeller(bed.facilitator, 'mpp');
    const { bought } = await attempt((request, response) => {
      if (proofIn(request)) return seller.handle(request, response);
      response.writeHead(402, {
        'www-authenticate': mpp.serializeChallenge(challenge({ amount: 2n })),
        'payment-required': toBase64({ x402Version: 2, resource: { url: 'x' }, accepts: [dear] }),
      });
      response.end(
        JSON.stringify({ x402Version: 1, accepts: [offerV1('http://seller/paid', { amount: 3n })] }),
      );
    });
    expect(bought?.purchase.terms).toMatchObject({ amount: '2', dialect: 'mpp' });
  });
});

describe('authorization_lifetime', () => {
  it.each(['x402v2', 'x402v1'] as const)(
    '%s: an authorization ends soon, however long is asked for',
    async (dialect) => {
      const seller = honestSeller(bed.facilitator, dialect, { seconds: 31_000_000 });
      await attempt(seller.handle);
      const { validBefore } = authorizationIn(seller.proofs[0] as Proof);
      expect(Number(validBefore) - bed.clock.now() / 1000).toBeLessThanOrEqual(60);
    },
  );
  it('a challenge that has ended, or is about to, is not answered', async () => {
    for (const seconds of [-1, 3])
      await refused((_, response) => ask(response, 'mpp', { seconds }), 'expired');
  });
});
