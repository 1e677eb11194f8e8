import { manualClock } from '@agentpay/primitives';
import { proofsUnderWay } from './ProofsUnderWay.js';

/** Whether a promise has settled once all that is due in this turn has run. */
async function hasSettled(promise: Promise<unknown> | undefined): Promise<boolean> {
  let settled = false;
  void promise?.then(() => (settled = true));
  await new Promise((resolve) => setImmediate(resolve));
  return settled;
}

describe('proofs under way', () => {
  it('are waited for by whoever may ask for what they prove, and by nobody else', async () => {
    const proofs = proofsUnderWay(manualClock(0));
    let prove = () => {};
    let fail = (_error: Error) => {};
    proofs.add(['agent_a', 'usr_o'], new Promise<void>((resolve) => (prove = resolve)));
    proofs.add(['agent_b'], new Promise((_, reject) => (fail = reject)));
    expect(proofs.of('agent_c')).toBeUndefined();
    const waits = { agent: proofs.of('agent_a'), owner: proofs.of('usr_o'), all: proofs.of() };
    expect(await hasSettled(waits.agent)).toBe(false);
    prove();
    expect(await hasSettled(waits.agent)).toBe(true);
    expect(await hasSettled(waits.owner)).toBe(true);
    expect(proofs.of('agent_a')).toBeUndefined();
    expect(await hasSettled(waits.all)).toBe(false);
    // One that fails is over as well: `work` proves it later.
    fail(new Error('The chain is away.'));
    expect(await hasSettled(waits.all)).toBe(true);
    expect(proofs.of()).toBeUndefined();
  });

  it('are waited for no longer than a second', async () => {
    const clock = manualClock(0);
    const proofs = proofsUnderWay(clock);
    proofs.add(['agent_a'], new Promise(() => undefined));
    const waiting = proofs.of('agent_a');
    clock.advance(999);
    expect(await hasSettled(waiting)).toBe(false);
    clock.advance(1);
    expect(await hasSettled(waiting)).toBe(true);
  });

  it('have room for a thousand', () => {
    const proofs = proofsUnderWay(manualClock(0));
    for (let n = 0; n < 1_000; n++) {
      expect(proofs.hasRoom).toBe(true);
      proofs.add(['agent_a'], new Promise(() => undefined));
    }
    expect(proofs.hasRoom).toBe(false);
  });
});
