import { baseSepolia } from '@agentpay/primitives';
import { hostileFactory, smartWallet } from '@agentpay/solidity';
import { concatHex, encodeAbiParameters, encodeFunctionData, numberToHex, type Abi, type Hex } from 'viem';
import type { PrivateKeyAccount } from 'viem/accounts';
import { openAttackBed, type AttackBed, type Said, type Target } from './attackBed.js';
import {
  domain,
  inSeconds,
  newAccount,
  paymentOf,
  PRICE,
  rewritten,
  transferOf,
  type PaymentOptions,
} from './payment.js';

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const OTHER_TOKEN = newAccount().address;

describe('payments that are not what they seem', () => {
  let bed: AttackBed;
  let target: Target;
  let payer: PrivateKeyAccount;
  const seller = newAccount().address;
  const thief = newAccount().address;

  beforeAll(async () => {
    bed = await openAttackBed();
    target = await bed.start();
    payer = await bed.payer(1_000n * PRICE);
  });
  afterAll(() => bed.close());

  const pay = (options: Partial<PaymentOptions> = {}) => paymentOf(payer, { payTo: seller, ...options });

  /** Neither verified nor settled, and nobody's money moved. */
  async function expectRefused(request: unknown): Promise<Said> {
    const before = [await bed.usdc(payer.address), await bed.sent(target.signer, 'pending')];
    const verified = await target.verify(request);
    const settled = await target.settle(request);
    expect({ verified: verified.isValid, settled: settled.success }).toEqual({
      verified: false,
      settled: false,
    });
    expect([200, 400]).toContain(verified.status);
    expect([await bed.usdc(payer.address), await bed.sent(target.signer, 'pending')]).toEqual(before);
    return verified;
  }

  it('an honest one is taken, in both versions', async () => {
    for (const version of [1, 2] as const) {
      expect(await target.verify(await pay({ version }))).toMatchObject({ status: 200, isValid: true });
    }
  });

  describe('A1 signatures', () => {
    it.each<[string, PaymentOptions['domain']]>([
      ['name', { name: 'USD Coin' }],
      ['version', { version: '1' }],
      ['chain', { chainId: 8453 }],
      ['contract', { verifyingContract: OTHER_TOKEN }],
    ])('for a domain with another %s', async (_, signedDomain = {}) => {
      expect((await expectRefused(await pay({ domain: signedDomain }))).invalidReason).toMatch(/signature/);
    });

    it('by another key', async () => {
      const request = await paymentOf(newAccount(), {
        payTo: seller,
        authorization: { from: payer.address },
      });
      expect((await expectRefused(request)).invalidReason).toMatch(/signature/);
    });

    it('in their second, malleable form', async () => {
      const { signature } = (await pay()).paymentPayload.payload;
      const request = await pay();
      const good = request.paymentPayload.payload.signature;
      expect(good).not.toBe(signature);
      const [r, s, v] = [
        good.slice(2, 66),
        BigInt(`0x${good.slice(66, 130)}`),
        Number.parseInt(good.slice(130), 16),
      ];
      const twin = concatHex([
        `0x${r}`,
        numberToHex(ORDER - s, { size: 32 }),
        numberToHex(v === 27 ? 28 : 27),
      ]);
      const forged = structuredClone(request);
      Object.assign(forged.paymentPayload.payload, { signature: twin });
      expect((await expectRefused(forged)).invalidReason).toMatch(/signature/);
    });

    it.each<[string, Hex]>([
      ['zeros', `0x${'00'.repeat(65)}`],
      ['nothing', '0x'],
      ['64 bytes of noise', `0x${'5a'.repeat(64)}`],
      ['a word too many', `0x${'11'.repeat(97)}`],
      ['a response of ERC-1271', '0x1626ba7e'],
    ])('made of %s', async (_, signature) => {
      await expectRefused(await pay({ signature }));
    });

    it('of an account with code by somebody else than its owner', async () => {
      const wallet = await bed.deploy(smartWallet, [newAccount().address]);
      await bed.fund(wallet, PRICE);
      const request = await pay({ authorization: { from: wallet } });
      expect((await expectRefused(request)).invalidReason).toMatch(/signature/);
    });

    it('of an account that a hostile factory shall make, which would burn the gas', async () => {
      const factory = await bed.deploy(hostileFactory);
      const burn = encodeFunctionData({ abi: hostileFactory.abi as Abi, functionName: 'burnGas' });
      const types = [{ type: 'address' }, { type: 'bytes' }, { type: 'bytes' }] as const;
      const wrapped = encodeAbiParameters(types, [factory, burn, `0x${'11'.repeat(65)}`]);
      const signature = concatHex([wrapped, `0x${'6492'.repeat(16)}`]);
      expect((await expectRefused(await pay({ signature }))).invalidReason).toMatch(/6492/);
    });
  });

  describe('A2 other terms than the seller asked for', () => {
    it.each<[string, Partial<PaymentOptions>]>([
      ['payee', { authorization: { to: thief } }],
      ['payee, said to be accepted', { authorization: { to: thief }, accepted: { payTo: thief } }],
      ['price, below', { authorization: { value: PRICE - 1n } }],
      ['price, below and said to be accepted', { authorization: { value: 1n }, accepted: { amount: '1' } }],
      ['price, above', { authorization: { value: PRICE + 1n } }],
      ['price, as if the token had 18 decimals', { authorization: { value: PRICE * 10n ** 12n } }],
      ['price of nothing', { authorization: { value: 0n }, terms: { amount: '0' } }],
      [
        'token',
        { terms: { asset: '0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913' }, accepted: { asset: OTHER_TOKEN } },
      ],
      ['network', { terms: { network: 'eip155:8453' } }],
      ['network, said to be accepted', { accepted: { network: 'eip155:8453' } }],
      ['scheme, said to be accepted', { accepted: { scheme: 'upto' } }],
    ])('%s', async (_, options) => {
      await expectRefused(await pay(options));
    });

    it('version 1 in the clothes of version 2, and the other way round', async () => {
      await expectRefused({ ...(await pay()), x402Version: 1 });
      await expectRefused({ ...(await pay({ version: 1 })), x402Version: 2 });
    });
  });

  describe('A3 times and numbers', () => {
    it.each<[string, object]>([
      ['has expired', { validBefore: inSeconds(-1) }],
      ['ends before a block can take it', { validBefore: inSeconds(2) }],
      ['begins later', { validAfter: inSeconds(600), validBefore: inSeconds(900) }],
      ['lives for years', { validBefore: inSeconds(10 * 365 * 86_400) }],
      ['lives for ever', { validBefore: 2n ** 256n - 1n }],
    ])('that %s', async (_, authorization) => {
      expect((await expectRefused(await pay({ authorization }))).invalidReason).toMatch(
        /valid_before|valid_after/,
      );
    });

    it('an authorization that begins now is none of them, though the latest block is older than it: the next one takes it', async () => {
      let settled: Promise<Said> | undefined;
      await bed.withoutBlocks(async () => {
        // The latest block is more than a second old.
        await new Promise((resolve) => setTimeout(resolve, 1_500));
        const request = await pay({ authorization: { validAfter: inSeconds(0) } });
        expect(await target.verify(request)).toMatchObject({ isValid: true });
        settled = target.settle(request);
      });
      expect(await settled).toMatchObject({ success: true });
    });

    it.each(['value', 'validAfter', 'validBefore'])(
      '%s written as no whole number of base units is',
      async (member) => {
        const request = await pay();
        const texts = ['-1', '0x2710', '1e4', '10000.0', ' 10000', '10000n', '١٠٠٠٠', '', String(2n ** 256n)];
        for (const odd of [...texts, 10_000.5, null, ['10000']]) {
          expect((await expectRefused(rewritten(request, { [member]: odd }))).status).toBe(400);
        }
      },
    );

    it('a price written so', async () => {
      for (const amount of ['-1', '0x2710', '1e4', '10000.0', '', String(2n ** 256n), 10_000.5]) {
        expect((await expectRefused(await pay({ terms: { amount } }))).status).toBe(400);
      }
    });
  });

  it('A4 an echo that differs from the offer changes nothing of what is required', async () => {
    const echo = {
      payTo: thief,
      amount: '1',
      maxTimeoutSeconds: 1,
      extra: { name: 'X', version: '9' },
      asset: OTHER_TOKEN,
    };
    const shop = newAccount().address;
    const request = await paymentOf(payer, { payTo: shop, accepted: echo });
    const answer = await target.settle(request);
    // Either it is refused for the difference, or exactly the seller's own terms are carried out.
    expect(await bed.usdc(shop)).toBe(answer.success ? PRICE : 0n);
    expect(await bed.usdc(thief)).toBe(0n);
  });

  describe('A5 nonces', () => {
    it('used on the chain before', async () => {
      const request = await pay();
      await bed.act(transferOf(request));
      expect((await expectRefused(request)).invalidReason).toBe('invalid_exact_evm_nonce_already_used');
    });

    it('used for another payment of the same payer, also in capitals', async () => {
      const first = await pay();
      expect(await target.settle(first)).toMatchObject({ success: true });
      const { nonce } = first.paymentPayload.payload.authorization;
      await expectRefused(await pay({ authorization: { nonce: nonce as Hex, validBefore: inSeconds(200) } }));
      await expectRefused(
        await pay({
          authorization: { nonce: `0x${nonce.slice(2).toUpperCase()}`, validBefore: inSeconds(200) },
        }),
      );
    });

    it('of another payer are no obstacle', async () => {
      const other = await bed.payer();
      const nonce = (await pay()).paymentPayload.payload.authorization.nonce as Hex;
      const both = await Promise.all(
        [payer, other].map((account) => paymentOf(account, { payTo: seller, authorization: { nonce } })),
      );
      const answers = await Promise.all(both.map((request) => target.settle(request)));
      expect(answers.map(({ success }) => success)).toEqual([true, true]);
    });

    it('written in another case are the same payment: the first response again, and no second transfer', async () => {
      const shop = newAccount().address;
      const request = await paymentOf(payer, { payTo: shop });
      const answer = await target.settle(request);
      const { nonce, from, to } = request.paymentPayload.payload.authorization;
      const upper = (hex: string) => `0x${hex.slice(2).toUpperCase()}`;
      const again = await target.settle(
        rewritten(request, { nonce: upper(nonce), from: from.toLowerCase(), to: upper(to) }),
      );
      expect(again).toEqual({ ...answer, repeat: true });
      expect(await bed.usdc(shop)).toBe(PRICE);
    });
  });

  it('the domain of the test chain is the one that is signed', () => {
    expect(domain).toEqual({
      name: 'USDC',
      version: '2',
      chainId: baseSepolia.chainId,
      verifyingContract: baseSepolia.usdc.address,
    });
  });
});
