/**
 * Why a call gave no response. `forbidden_address`: it must not be called; `no_connection`: nothing was sent; `timeout`, `broken`: it may
 * have arrived; `too_large`: the response is longer than it may be; `redirects`: it leads on and on.
 */
export type OutboundFault =
  | 'forbidden_address'
  | 'no_connection'
  | 'timeout'
  | 'broken'
  | 'too_large'
  | 'redirects';

export class OutboundError extends Error {
  override readonly name = 'OutboundError';
  constructor(
    readonly fault: OutboundFault,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }

  /** The other side certainly did nothing. */
  get wasNotSent(): boolean {
    return this.fault === 'forbidden_address' || this.fault === 'no_connection';
  }
}
