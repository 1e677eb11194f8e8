import { AgentPayError, newestMap, type Clock } from '@agentpay/primitives';
import type { ProvenPayment, Verified } from './Payment.js';

/** A handler at work for a payment that is not made yet. */
export interface Run {
  /** It is paid for. */
  paid(): void;
  /** It is not paid for, or that is not known yet. */
  unpaid(): void;
}

/**
 * Work of handlers that is not paid for, by payer: there is only so much of it. It is counted in this process, without asking a store.
 */
export interface UnpaidRuns {
  /**
   * A handler may begin.
   * @throws AgentPayError `rate_limited` when the payer has had too many runs for nothing, or has more pending than money
   */
  begin(payment: Runnable, verified: Verified): Run;
  /** A run that was taken for unpaid is paid for after all. */
  paidLater(payment: Runnable): void;
}

type Runnable = Pick<ProvenPayment, 'key' | 'payer' | 'expiresAtMs'>;

interface Account {
  readonly pending: Set<Verified>;
  /** Runs for nothing, each until its proof ends. */
  unpaid: readonly { readonly key: string; readonly until: number }[];
}

/** Payers that are counted; beyond that those that were not seen for longest are dropped. */
const MOST_PAYERS = 10_000;

export function unpaidRunsIn({ clock, max }: { clock: Clock; max: number }): UnpaidRuns {
  const accounts = newestMap<string, Account>(MOST_PAYERS);

  function accountOf(payer: string): Account {
    const account = accounts.get(payer) ?? { pending: new Set(), unpaid: [] };
    account.unpaid = account.unpaid.filter(({ until }) => until > clock.now());
    accounts.set(payer, account);
    return account;
  }

  function check({ pending, unpaid }: Account, { funds, isHeld }: Verified): void {
    const [oldest] = unpaid;
    if (oldest && unpaid.length >= max) {
      const message = 'Too many requests of this payer have ended without being paid for.';
      throw limited(message, Math.max(1, Math.ceil((oldest.until - clock.now()) / 1000)));
    }
    if (isHeld) return;
    if (!funds) {
      if (pending.size + unpaid.length >= max)
        throw limited('Too many requests of this payer are waiting to be paid for.', 1);
      return;
    }
    const due = [...pending].reduce(
      (sum, other) => sum + (other.funds?.token === funds.token ? other.funds.due : 0n),
      funds.due,
    );
    if (due > funds.balance)
      throw limited('What this payer has pending and this payment together exceed the balance.', 1);
  }

  return {
    begin({ key, payer, expiresAtMs }, verified) {
      const account = accountOf(payer);
      check(account, verified);
      // An object of its own, since two runs may be verified alike.
      const run = { ...verified };
      account.pending.add(run);
      const end = () => account.pending.delete(run);
      return {
        paid: () => void end(),
        unpaid() {
          if (end()) account.unpaid = [...account.unpaid, { key, until: expiresAtMs }];
        },
      };
    },
    paidLater({ key, payer }) {
      const account = accounts.get(payer);
      const at = account?.unpaid.findIndex((run) => run.key === key) ?? -1;
      if (account && at >= 0) account.unpaid = account.unpaid.filter((_, index) => index !== at);
    },
  };
}

function limited(message: string, retryAfter: number): AgentPayError {
  return new AgentPayError('rate_limited', message, { retryAfter });
}
