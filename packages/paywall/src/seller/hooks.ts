/** What hooks are told. */
export interface PaymentEvent {
  /** Pattern of the route in the table of prices, else of the Express route, else "*". */
  readonly route: string;
  readonly method: string;
  /** With query. */
  readonly target: string;
  /** Id that the response names in `X-Request-Id`. */
  readonly requestId: string;
  /** Price in dollars, such as "0.01"; of a price up to a ceiling the ceiling, and once it is settled what was used. */
  readonly amount: string;
}

/** A payment that fits the offer. */
export interface PayerEvent extends PaymentEvent {
  /** Who pays: "eip155:8453:0x…" or, by payment token, the wallet at AgentPay. */
  readonly payer: string;
}

/** Called as payments go their way. What they throw is reported and changes nothing; nothing waits for them. */
export interface Hooks {
  /** A 402 went out to a request without proof. */
  onChallenge?(event: PaymentEvent): unknown;
  /** The payment can be made; the handler runs next. */
  onVerified?(event: PayerEvent): unknown;
  /** The money was taken. `receipt`: the headers that tell of it. */
  onSettled?(event: PayerEvent & { readonly receipt: Readonly<Record<string, string>> }): unknown;
  /** A handler has run for a payment that was verified, and is not paid for: `left`, `timeout`, `status_404`, a facilitator's reason. */
  onUnpaid?(event: PayerEvent & { readonly reason: string }): unknown;
  /** A request was refused: for its proof, for a payment that was verified and not made, or for any other reason. */
  onRefused?(event: Omit<PaymentEvent, 'amount'> & { readonly reason: string }): unknown;
}

/** Their names. */
export const HOOKS = [
  'onChallenge',
  'onVerified',
  'onSettled',
  'onUnpaid',
  'onRefused',
] as const satisfies readonly (keyof Hooks)[];

/** The hooks among the options, and nothing else of them: some options are secrets. */
export function hooksOf(options: Hooks): Hooks {
  return Object.fromEntries(HOOKS.map((name) => [name, options[name]]));
}

/** What a route has earned in this process. */
export interface Earnings {
  readonly payments: number;
  /** In micro-dollars. */
  readonly amount: bigint;
}

/** Counts what is settled, route by route. Routes come from the seller's own program: there are only so many. */
export function ledgerOfEarnings() {
  const earned = new Map<string, Earnings>();
  return {
    add(route: string, amount: bigint): void {
      const before = earned.get(route) ?? { payments: 0, amount: 0n };
      earned.set(route, { payments: before.payments + 1, amount: before.amount + amount });
    },
    all: (): ReadonlyMap<string, Earnings> => new Map(earned),
  };
}
