/** One message of PostgreSQL's wire protocol. Source: PostgreSQL documentation, "Message Formats". */
export interface PgMessage {
  /** Its letter; empty for the first message of a session, which has none. */
  readonly type: string;
  readonly body: Buffer;
  readonly whole: Buffer;
}

/** Puts messages together again from the pieces in which a connection gives them. `opening`: the first one has no letter. */
export function pgMessages({ opening }: { opening: boolean }): (piece: Buffer) => PgMessage[] {
  let rest = Buffer.alloc(0);
  let letters = opening ? 0 : 1;
  return (piece) => {
    rest = Buffer.concat([rest, piece]);
    const messages: PgMessage[] = [];
    for (;;) {
      const head = letters + 4;
      if (rest.length < head) return messages;
      const end = letters + rest.readUInt32BE(letters);
      if (rest.length < end) return messages;
      messages.push({
        type: rest.toString('latin1', 0, letters),
        body: rest.subarray(head, end),
        whole: rest.subarray(0, end),
      });
      rest = rest.subarray(end);
      letters = 1;
    }
  };
}
