import { parseDecimal, type Amount } from '@agentpay/primitives';
import type { Report } from '../seller/Report.js';

/** What handlers of `upto` routes say that their requests have used. */
export interface Usage {
  /** Lets a handler say by `alias` what the request used that Node knows as `req`. */
  alias(req: object, alias: object): void;
  /** Notes what a request has used; said again, the last word counts. @throws TypeError for what is no amount */
  say(request: object, used: string | Amount): void;
  /** What is charged for a request: what was said, at most the ceiling; `unsaid` when nothing was said. In micro-dollars. */
  due(req: object, ceiling: Amount, unsaid?: Amount): Amount;
}

export function usageIn(report: Report): Usage {
  const said = new WeakMap<object, Amount>();
  const aliases = new WeakMap<object, object>();
  return {
    alias: (req, alias) => void aliases.set(alias, req),
    say(request, used) {
      said.set(
        aliases.get(request) ?? request,
        typeof used === 'bigint' && used >= 0n ? used : amountIn(String(used)),
      );
    },
    due(req, ceiling, unsaid) {
      const used = said.get(req) ?? unsaid;
      if (used === undefined) {
        report({ what: 'a handler did not say what its request used: nothing was charged' });
        return 0n;
      }
      if (used <= ceiling) return used;
      report({ what: 'a request used more than its ceiling: no more than that was charged' });
      return ceiling;
    },
  };
}

function amountIn(text: string): Amount {
  try {
    return parseDecimal(text.replace(/^\$/, ''));
  } catch (cause) {
    throw new TypeError(`used(): ${(cause as Error).message}`, { cause });
  }
}
