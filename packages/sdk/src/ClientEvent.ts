import type { PaymentMade } from './Receipt.js';

/** What happens while a request is paid for: for logs, and to show progress. It holds neither proofs nor keys. */
export type ClientEvent =
  /** A server answered 402. */
  | { readonly type: 'payment_required'; readonly url: string }
  /** An offer was taken: the amount counts as spent from now on. */
  | { readonly type: 'signed'; readonly url: string; readonly payment: PaymentMade }
  /** The proof goes out; `attempt` is counted from 1. */
  | { readonly type: 'sent'; readonly url: string; readonly attempt: number }
  /** The same proof goes out again in `waitMs`; `status` is undefined when there was no response. */
  | {
      readonly type: 'waiting';
      readonly url: string;
      readonly attempt: number;
      readonly status: number | undefined;
      readonly waitMs: number;
    }
  /** The seller's response is there; `payment` has the transaction where there is a receipt. */
  | {
      readonly type: 'answered';
      readonly url: string;
      readonly status: number;
      readonly payment: PaymentMade;
    };
