import { manualClock } from '@agentpay/primitives';
import { createContractPayers } from './contractPayers.js';

const PAYER = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8';

function payers() {
  const known = { failed: false, open: 0 };
  const store = { ofContractPayer: async () => ({ ...known }) };
  return { known, ...createContractPayers({ store, clock: manualClock(0) }) };
}
const overloaded = { kind: 'facilitator_overloaded' };

describe('payments of an account with code', () => {
  it('begin four at a time, and another one when one has ended', async () => {
    const { begin } = payers();
    const [end] = await Promise.all(Array.from({ length: 4 }, () => begin(PAYER)));
    await expect(begin(PAYER)).rejects.toMatchObject(overloaded);
    end?.();
    await expect(begin(PAYER)).resolves.toBeInstanceOf(Function);
  });

  it('do not begin when one has failed after the account was looked at', async () => {
    const { known, refusal, begin } = payers();
    expect(await refusal(PAYER)).toBeUndefined();
    known.failed = true;
    for (let n = 0; n < 5; n++) await expect(begin(PAYER)).rejects.toMatchObject(overloaded);
    known.failed = false;
    await expect(begin(PAYER)).resolves.toBeInstanceOf(Function);
  });
});
