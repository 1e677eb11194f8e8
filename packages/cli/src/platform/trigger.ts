import { CommandFault, usageFault, type Called } from '@agentpay/server/commands';
import { jsonText } from '../print.js';
import { apiPlace, clientWith, type ApiPlace } from './apiPlace.js';

/** Cents are enough to make something happen. */
const AMOUNT = '0.01';

type Recipe = (place: ApiPlace) => Promise<unknown>;

const walletOf = ({ ids }: ApiPlace, name: 'wallet' | 'sellerWallet'): string => {
  const id = ids[name];
  if (typeof id === 'string') return id;
  throw new CommandFault(
    'no_local_stack',
    'Events are made to happen on a local stack: start "agentpay dev" in this folder.',
  );
};

/** The buyer of the stack pays its seller. */
async function pay(place: ApiPlace): Promise<{ readonly id: string }> {
  return clientWith(place, 'runtime').payments.create({
    from_wallet_id: walletOf(place, 'wallet'),
    to_wallet_id: walletOf(place, 'sellerWallet'),
    amount: AMOUNT,
    description: 'agentpay trigger',
  });
}

async function openDispute(place: ApiPlace): Promise<{ readonly id: string }> {
  const { id } = await pay(place);
  return clientWith(place, 'runtime').disputes.create({
    payment_id: id,
    reason: 'service_not_delivered',
    description: 'agentpay trigger',
  });
}

async function resolveDispute(place: ApiPlace, resolution: 'refund' | 'deny'): Promise<unknown> {
  const { id } = await openDispute(place);
  const { disputes } = clientWith(place, 'admin');
  await disputes.review({ dispute_id: id });
  return disputes.resolve({ dispute_id: id, resolution, note: 'agentpay trigger' });
}

/** What has to be done so that an event happens; nothing is made up. */
const recipes: Readonly<Record<string, Recipe>> = {
  'payment.initiated': pay,
  'payment.completed': pay,
  async 'payment.refunded'(place) {
    const { id } = await pay(place);
    return clientWith(place, 'seller').payments.refund({
      payment_id: id,
      amount: AMOUNT,
      reason: 'agentpay trigger',
    });
  },
  'dispute.opened': openDispute,
  async 'dispute.evidence_added'(place) {
    const { id } = await openDispute(place);
    const evidence = { dispute_id: id, type: 'log_excerpt' as const, content: 'agentpay trigger' };
    return clientWith(place, 'runtime').disputes.addEvidence(evidence);
  },
  async 'dispute.withdrawn'(place) {
    const { id } = await openDispute(place);
    return clientWith(place, 'runtime').disputes.withdraw({ dispute_id: id });
  },
  async 'dispute.under_review'(place) {
    const { id } = await openDispute(place);
    return clientWith(place, 'admin').disputes.review({ dispute_id: id });
  },
  'dispute.resolved_refunded': (place) => resolveDispute(place, 'refund'),
  'dispute.resolved_denied': (place) => resolveDispute(place, 'deny'),
};

export const triggers = Object.keys(recipes);

/** `agentpay trigger`: makes an event happen on the local stack. @returns the exit code. @throws CommandFault */
export async function trigger({ args: [name = ''], flags, around }: Called): Promise<number> {
  const recipe = Object.hasOwn(recipes, name) ? recipes[name] : undefined;
  if (!recipe) throw usageFault(`There is no way to trigger "${name}"; there is ${triggers.join(', ')}.`);
  const made = (await recipe(apiPlace(flags, around))) as { readonly id?: string };
  if (flags['json']) around.print(jsonText({ ok: true, event: name, id: made.id }));
  else around.print(`${name} has happened${made.id === undefined ? '' : ` to ${made.id}`}.`);
  return 0;
}
