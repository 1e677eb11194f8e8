import { agreements, custody, ledger, payments, payouts, type Core } from '@agentpay/core';
import { formatDecimal, isAgentPayError } from '@agentpay/primitives';
import type { Called } from '@agentpay/http/commands';
import { onBooks } from './onBooks.js';

/**
 * `agentpay ledger reconcile`: compares the books with the chains and with Stripe.
 * @returns the exit code: 0 when they agree, 1 when they do not or could not be compared, 2 when the books could not be read
 */
export function reconcileCommand(called: Called): Promise<number> {
  return onBooks(called, async (core) => {
    const differences = await reconcileBooks(core);
    return { faults: differences, right: 'The books are what chains and rails say.' };
  });
}

/** What differs, a sentence each, with the journals concerned. */
export async function reconcileBooks(core: Core): Promise<string[]> {
  const rails = await Promise.all(payments.externalRails.map((name) => lookAt(core, name)));
  const looked = rails.filter((each) => each !== undefined);
  const movements = await Promise.all(looked.map((each) => movementsOf(core, each)));
  return [...(await custodyOf(core)), ...movements.flat(), ...(await escrowOf(core))];
}

/** What the escrow says of agreements otherwise than the books. */
async function escrowOf(core: Core): Promise<string[]> {
  const differences = await agreements.compareEscrow(core);
  return differences.map(({ agreementId, booked, found }) => {
    const says = found
      ? `the escrow holds ${formatDecimal(found.held)} and has paid ${formatDecimal(found.paid)}.`
      : 'the escrow could not be asked.';
    return `${agreementId}: the books have ${formatDecimal(booked.held)} held and ${formatDecimal(booked.paid)} paid, ${says}`;
  });
}

/** What a rail moved so long before the oldest entry of the books is looked at, too. */
const MARGIN_MS = 24 * 60 * 60 * 1000;

/** Payouts that leave by the same place as the payments of a rail. */
const payoutsBy = { 'base-usdc': 'crypto', stripe: 'stripe' } as const;

interface Looked {
  readonly name: payments.ExternalRail;
  readonly rail: payments.Rail;
  readonly entries: readonly ledger.BookedMovement[];
  /** Undefined when the rail could not be asked. */
  readonly said: payments.RailStatement | undefined;
}

async function lookAt(core: Core, name: payments.ExternalRail): Promise<Looked | undefined> {
  const rail = core.ports.rails[name];
  if (!rail) return undefined;
  const all = [
    ...(await payments.railEntries(core, { rail: name })),
    ...(await payouts.payoutEntries(core, { type: payoutsBy[name] })),
  ];
  // What a sandbox made up, before the rail was configured, is nowhere else.
  const entries = all.filter(({ reference }) => reference === null || rail.references.test(reference));
  const references = entries.flatMap(({ reference }) => reference ?? []);
  const oldest = entries.reduce((first, { at }) => Math.min(first, at.getTime()), core.clock.now());
  const since = new Date(oldest - MARGIN_MS);
  const said = await rail.reconcile({ references, since }).catch(() => undefined);
  return { name, rail, entries, said };
}

async function movementsOf(core: Core, { name, entries, said }: Looked): Promise<string[]> {
  if (!said?.movements)
    return entries.length === 0
      ? []
      : [
          `${name}: ${entries.length} movements of the books could not be compared; the rail could not be asked.`,
        ];
  const differences = ledger.compareMovements(entries, said.movements);
  const keys = differences.flatMap(({ journalKeys }) => journalKeys);
  const journals = await ledger.journalIds(core.db, { keys });
  return differences.map(({ reference, ids, journalKeys, booked, moved }) => {
    const what = ids.length === 0 ? 'nothing' : formatDecimal(booked);
    const of =
      ids.length === 0 ? '' : ` (${ids.join(', ')}; ${listed(journalKeys.map((key) => journals.get(key)))})`;
    return `${name}: under ${reference} the books have ${what}${of}, the rail has ${formatDecimal(moved)}.`;
  });
}

async function custodyOf(core: Core): Promise<string[]> {
  const held: ledger.Custody = {
    async balance({ network, asset }) {
      const account = ledger.custody(network, asset);
      const parts = asset.includes('@')
        ? [...(await walletsOn(core, network)), ...(await feesOn(core, account))]
        : await treasuryOn(core, { account, asset });
      if (parts.length === 0 || parts.includes(undefined)) return undefined;
      return parts.reduce<bigint>((sum, part) => sum + (part ?? 0n), 0n);
    },
  };
  const differences = await ledger.reconcile(core, { custody: held });
  return Promise.all(
    differences.map(async ({ account, asset, expected, actual }) => {
      const last = await ledger.lastJournals(core.db, { account, limit: 5 });
      const journals = last.length === 0 ? '' : ` Its last journals: ${listed(last)}.`;
      const found = actual === null ? '; its chain could not be asked.' : `, its chain has ${actual}.`;
      return `${account}: the books have ${expected} ${asset}${found}${journals}`;
    }),
  );
}

/** What the account that collects fees has, where its fees are booked on this account of the ledger. */
async function feesOn(
  { ports: { feeWallet, chains } }: Core,
  account: string,
): Promise<(bigint | undefined)[]> {
  const network = feeWallet && chains.get(feeWallet.network)?.network;
  if (!network || ledger.custody(network.name, network.asset.symbol) !== account) return [];
  return [await feeWallet.balance()];
}

/** What the treasury has, where it is booked on this account of the ledger. */
async function treasuryOn(
  { ports: { treasury } }: Core,
  booked: { account: string; asset: string },
): Promise<(bigint | undefined)[]> {
  const isIt = treasury?.account === booked.account && treasury.asset === booked.asset;
  return isIt ? [await treasury.balance()] : [];
}

/** What the wallets of a network have on it; nothing where none pay there. */
async function walletsOn(core: Core, network: string): Promise<(bigint | undefined)[]> {
  try {
    return [await custody.totalOnChain(core, { network })];
  } catch (error) {
    if (isAgentPayError(error, 'settlement_not_configured')) return [];
    return [undefined];
  }
}

function listed(journals: readonly (string | undefined)[]): string {
  return journals.map((id) => id ?? 'no journal').join(', ');
}
