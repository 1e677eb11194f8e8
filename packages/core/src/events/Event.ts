import { z } from 'zod';

/** A kind of event: what a slice can tell the outside. */
export interface EventType<Name extends string = string, Shape extends z.ZodRawShape = z.ZodRawShape> {
  /** "payment.completed" */
  readonly name: Name;
  /** Of the object that it happened to. JSON; amounts as decimal strings. */
  readonly object: z.ZodObject<Shape>;
}

/** What an event of this type tells. */
export type ObjectOf<T extends EventType> = z.input<T['object']>;

/**
 * Declares a type of event, in the `events.ts` of the slice that emits it.
 *
 * @example
 * export const walletFunded = eventType('wallet.funded', { id: z.string(), amount: z.string() });
 */
export function eventType<Name extends string, Shape extends z.ZodRawShape>(
  name: Name,
  shape: Shape,
): EventType<Name, Shape> {
  return Object.freeze({ name, object: z.object(shape) });
}

/** Something that happened, as the outside will be told. */
export interface Event {
  readonly id: string;
  readonly type: string;
  /** Id of what it happened to. */
  readonly subject: string;
  /** Ids of the parties that may be told. */
  readonly audience: readonly string[];
  /** As the event's type declares it. */
  readonly data: Readonly<Record<string, unknown>>;
  readonly createdAt: Date;
}

/** Where a reader of all events stands. */
export interface EventPosition {
  /** Id of the transaction that wrote the event. */
  readonly transaction: string;
  readonly sequence: bigint;
}
