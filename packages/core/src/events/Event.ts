/** Something that happened, as the outside will be told. */
export interface Event {
  readonly id: string;
  /** "payment.completed" */
  readonly type: string;
  /** Id of what it happened to. */
  readonly subject: string;
  /** JSON; amounts as decimal strings. */
  readonly data: EventData;
  readonly createdAt: Date;
}

export interface EventData {
  readonly [key: string]: string | number | boolean | null;
}
