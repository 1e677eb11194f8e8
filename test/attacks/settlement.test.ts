import { hostileWallet } from '@agentpay/solidity';
import { eventually } from '@agentpay/testing';
import type { Abi, Hex } from 'viem';
import { encodeFunctionData } from 'viem';
import type { PrivateKeyAccount } from 'viem/accounts';
import {
  openAttackBed,
  settlePending,
  whenBroadcast,
  type AttackBed,
  type Said,
  type Target,
} from './attackBed.js';
import { newAccount, paymentOf, PRICE, transferOf, type PaymentOptions, type Request } from './payment.js';

describe('settlements under attack', () => {
  let bed: AttackBed;
  let target: Target;
  let payer: PrivateKeyAccount;
  let seller: Hex;

  beforeAll(async () => {
    bed = await openAttackBed();
    target = await bed.start();
  });
  afterAll(() => bed.close());
  beforeEach(async () => {
    payer = await bed.payer();
    seller = newAccount().address;
  });

  const pay = (options: Partial<PaymentOptions> = {}) => paymentOf(payer, { payTo: seller, ...options });

  /** Settles without blocks until `meanwhile` has happened, then with blocks. */
  async function settleWhile(
    request: Request,
    meanwhile: () => Promise<unknown>,
    at = target,
  ): Promise<Said> {
    let answer: Promise<Said> | undefined;
    await bed.withoutBlocks(async () => {
      answer = at.settle(request);
      await whenBroadcast(bed, at);
      await meanwhile();
    });
    return answer as Promise<Said>;
  }

  it('A6 many copies of one payment at once: one transfer, and one answer for all', async () => {
    const request = await pay();
    const before = await bed.sent(target.signer);
    const answers = await Promise.all(Array.from({ length: 24 }, () => target.settle(request)));
    expect(answers[0]).toMatchObject({ success: true });
    expect(new Set(answers.map((answer) => JSON.stringify({ ...answer, repeat: undefined }))).size).toBe(1);
    // Whoever ignores the mark has the same response; whoever heeds it delivers once.
    expect(answers.filter(({ repeat }) => !repeat)).toHaveLength(1);
    expect(await bed.usdc(seller)).toBe(PRICE);
    expect((await bed.sent(target.signer)) - before).toBe(1);
  });

  describe('A7 one payment for several purchases', () => {
    const success = ({ success: done }: Said) => done;

    it('of several resources, at once: one is granted', async () => {
      const first = await pay({ resource: 'https://seller.example/0' });
      const elsewhere = (i: number) => {
        const copy = structuredClone(first) as unknown as { paymentPayload: { resource: { url: string } } };
        copy.paymentPayload.resource.url = `https://seller.example/${i}`;
        return copy;
      };
      const answers = await Promise.all(Array.from({ length: 8 }, (_, i) => target.settle(elsewhere(i))));
      expect(answers.filter(success)).toHaveLength(1);
      expect(answers.filter((answer) => !success(answer)).map(({ errorReason }) => errorReason)).toEqual(
        Array.from({ length: 7 }, () => 'duplicate_settlement'),
      );
      expect(await bed.usdc(seller)).toBe(PRICE);
    });

    it('of a second seller, later: it is refused', async () => {
      const first = await pay();
      expect(await target.settle(first)).toMatchObject({ success: true });
      const other = newAccount().address;
      const copy = structuredClone(first) as unknown as { paymentRequirements: { payTo: Hex } };
      copy.paymentRequirements.payTo = other;
      expect(await target.settle(copy)).toMatchObject({ success: false, transaction: '' });
      expect([await bed.usdc(seller), await bed.usdc(other)]).toEqual([PRICE, 0n]);
    });
  });

  describe('A10 money that does not come', () => {
    it('a receipt of success without the logs of a transfer is no success', async () => {
      const patient = await bed.start({ SETTLE_TIMEOUT_MS: '600' });
      const request = await pay();
      const bare = (receipt: unknown) => receipt && { ...receipt, status: '0x1', logs: [] };
      bed.proxy.fault('eth_getTransactionReceipt', { lie: bare }, Infinity);
      bed.proxy.fault('eth_getLogs', { lie: () => [] }, Infinity);
      try {
        expect(await settlePending(patient, request)).toMatchObject({
          success: false,
          errorReason: 'settlement_pending',
        });
      } finally {
        bed.proxy.heal();
      }
      // It waits no longer than it is told: on a busy machine it is pending still.
      await eventually(async () => expect(await patient.settle(request)).toMatchObject({ success: true }));
      expect(await bed.usdc(seller)).toBe(PRICE);
    });

    it.each(['payer', 'payee'])('the %s is on the blacklist', async (who) => {
      const blocked = who === 'payer' ? payer.address : seller;
      await bed.token('blacklist', blocked);
      const before = await bed.sent(target.signer, 'pending');
      expect(await target.verify(await pay())).toMatchObject({ isValid: false });
      expect(await target.settle(await pay())).toMatchObject({ success: false, transaction: '' });
      expect(await bed.sent(target.signer, 'pending')).toBe(before);
    });

    it('the payer gets onto the blacklist between broadcast and block', async () => {
      const answer = await settleWhile(await pay(), () => bed.token('blacklist', payer.address));
      expect(answer).toMatchObject({ success: false });
      expect(answer.errorReason).not.toBe('settlement_pending');
      expect(await bed.usdc(seller)).toBe(0n);
    });

    it('the token is paused', async () => {
      const request = await pay();
      await bed.token('pause');
      try {
        expect(await target.settle(request)).toMatchObject({ success: false, transaction: '' });
      } finally {
        await bed.token('unpause');
      }
      expect(await target.settle(request)).toMatchObject({ success: true });
    });

    it.each(['between verification and settlement', 'between broadcast and block'])(
      'the payer moves the money away %s',
      async (when) => {
        const request = await pay();
        const away = await pay({
          payTo: newAccount().address,
          authorization: { value: 10n * PRICE, to: newAccount().address },
        });
        const moveAway = () => bed.act(transferOf(away));
        expect(await target.verify(request)).toMatchObject({ isValid: true });
        let answer: Said;
        if (when.includes('block')) answer = await settleWhile(request, moveAway);
        else {
          await moveAway();
          answer = await target.settle(request);
        }
        expect(answer).toMatchObject({
          success: false,
          errorReason: 'invalid_exact_evm_insufficient_balance',
        });
        expect(await bed.usdc(seller)).toBe(0n);
      },
    );
  });

  describe('A11 somebody broadcasts the authorization first', () => {
    it('while it is being settled: it is paid, by that transaction', async () => {
      const request = await pay();
      let theirs: Hex | undefined;
      const answer = await settleWhile(request, async () => (theirs = await bed.act(transferOf(request))));
      expect(answer).toMatchObject({ success: true, transaction: theirs });
      expect(await target.settle(request)).toMatchObject({ success: true, transaction: theirs });
      expect(await bed.usdc(seller)).toBe(PRICE);
    });

    it('for another purchase than the one that was claimed: it is not granted twice', async () => {
      const request = await pay();
      await settleWhile(request, () => bed.act(transferOf(request)));
      const copy = structuredClone(request) as unknown as { paymentPayload: { resource: { url: string } } };
      copy.paymentPayload.resource.url = 'https://seller.example/other';
      expect(await target.settle(copy)).toMatchObject({ success: false });
    });
  });

  describe('A12 gas for nothing', () => {
    it('payees that are not served cost none', async () => {
      const closed = await bed.start({ PAYTO: newAccount().address });
      const errorReason = expect.stringMatching(/recipient_not_allowed/);
      expect(await closed.settle(await pay())).toMatchObject({ success: false, errorReason });
      expect(await bed.sent(closed.signer, 'pending')).toBe(0);
    });

    it('an account that burns all gas once its payment is on the way burns its own share only, and stops nobody', async () => {
      const wallet = await bed.deploy(hostileWallet);
      await bed.fund(wallet, PRICE);
      const burning = encodeFunctionData({
        abi: hostileWallet.abi as Abi,
        functionName: 'setBurning',
        args: [true],
      });
      const evil = await pay({ authorization: { from: wallet } });
      const honest = await Promise.all(Array.from({ length: 5 }, () => pay()));
      let answers: Promise<Said[]> | undefined;
      const before = await bed.height();
      const answer = await settleWhile(evil, async () => {
        answers = Promise.all(honest.map((request) => target.settle(request)));
        await bed.act({ to: wallet, data: burning });
      });
      expect(answer.success).toBe(false);
      expect((await (answers as Promise<Said[]>)).map(({ success }) => success)).toEqual([
        true,
        true,
        true,
        true,
        true,
      ]);
      expect(await bed.usdc(seller)).toBe(5n * PRICE);
      expect(await bed.gasOf(target.signer, before)).toBeLessThan(1_500_000n);
    });

    describe('an account with code that takes a signature in a simulation and burns all gas in a block', () => {
      async function hostile(functionName: string, ...args: readonly unknown[]) {
        const wallet = await bed.deploy(hostileWallet);
        await bed.fund(wallet, 100n * PRICE);
        const data = encodeFunctionData({ abi: hostileWallet.abi as Abi, functionName, args });
        await bed.act({ to: wallet, data });
        return wallet;
      }
      const from = (wallet: Hex) => pay({ authorization: { from: wallet } });

      it('because it is given less gas there: it is refused before anything is sent', async () => {
        const wallet = await hostile('setLeastGas', 1_000_000n);
        const before = await bed.sent(target.signer, 'pending');
        expect(await target.verify(await from(wallet))).toMatchObject({
          isValid: false,
          invalidReason: 'invalid_exact_evm_transaction_simulation_failed',
        });
        for (let i = 0; i < 5; i++)
          expect(await target.settle(await from(wallet))).toMatchObject({ success: false, transaction: '' });
        expect(await bed.sent(target.signer, 'pending')).toBe(before);
      });

      it('because it sees that gas has a price there: it burns the gas of some payments once, and is refused for a while', async () => {
        const wallet = await hostile('setBurningInBlocks', true);
        const before = await bed.sent(target.signer);
        const requests = await Promise.all(Array.from({ length: 40 }, () => from(wallet)));
        const answers = await Promise.all(requests.map((request) => target.settle(request)));
        expect(answers.some(({ success }) => success)).toBe(false);
        const again = await Promise.all(Array.from({ length: 10 }, () => from(wallet)));
        for (const request of again)
          expect(await target.settle(request)).toMatchObject({
            success: false,
            transaction: '',
            errorReason: 'payer_failed_recently',
          });
        expect(await target.verify(await from(wallet))).toMatchObject({
          isValid: false,
          invalidReason: 'payer_failed_recently',
        });
        expect((await bed.sent(target.signer)) - before).toBeLessThanOrEqual(4);
        const honest = await pay();
        expect(await target.settle(honest)).toMatchObject({ success: true });
      });

      it('is not served at all where accounts with code may not pay', async () => {
        const strict = await bed.start({ ALLOW_CONTRACT_PAYERS: 'false' });
        const wallet = await bed.deploy(hostileWallet);
        await bed.fund(wallet, PRICE);
        expect(await strict.verify(await from(wallet))).toMatchObject({
          isValid: false,
          invalidReason: 'contract_payer_not_allowed',
        });
        expect(await strict.settle(await from(wallet))).toMatchObject({
          success: false,
          errorReason: 'contract_payer_not_allowed',
        });
        expect(await strict.settle(await pay())).toMatchObject({ success: true });
        expect(await bed.sent(strict.signer)).toBe(1);
        await strict.stop();
      });
    });

    it('many payments of one balance: those that cannot be paid fail, the others are paid', async () => {
      const poor = await bed.payer(2n * PRICE);
      const requests = await Promise.all(Array.from({ length: 6 }, () => paymentOf(poor, { payTo: seller })));
      const answers = await Promise.all(requests.map((request) => target.settle(request)));
      expect(answers.filter(({ success }) => success)).toHaveLength(2);
      expect(await bed.usdc(seller)).toBe(2n * PRICE);
    });
  });

  it('A13 slow settlements fill the queue: the rest is told to come again, and nobody is forgotten', async () => {
    const small = await bed.start({ MAX_IN_FLIGHT: '4' });
    const requests = await Promise.all(Array.from({ length: 10 }, () => pay()));
    const refused: Said[] = [];
    const settle = async (request: Request) => {
      const said = await small.settle(request);
      if (said.status === 503) refused.push(said);
      return said;
    };
    let answers: Promise<Said[]> | undefined;
    await bed.withoutBlocks(async () => {
      answers = Promise.all(requests.map(settle));
      // None that comes late may find a place that a block has made free.
      await eventually(() => expect(refused).toHaveLength(6));
    });
    const said = await (answers as Promise<Said[]>);
    expect(refused).toHaveLength(6);
    for (const { retryAfter, code } of refused)
      expect({ retryAfter, code }).toEqual({ retryAfter: '1', code: 'facilitator_overloaded' });
    expect(said.filter(({ success }) => success)).toHaveLength(4);
    for (const request of requests) expect(await small.settle(request)).toMatchObject({ success: true });
    expect(await bed.usdc(seller)).toBe(10n * PRICE);
  });
});
