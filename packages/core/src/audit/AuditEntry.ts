/** Something that an operator or an owner of keys did, as it was written down in the transaction of the act. */
export interface AuditEntry {
  /** `aud_...` */
  readonly id: string;
  readonly at: Date;
  /** The credential that was used: `key_...`, or `admin` and `demoAdmin` for keys that are settings. */
  readonly credentialId: string;
  /** The party that acted. */
  readonly actorId: string;
  /** The parties that it concerns. */
  readonly tenantIds: readonly string[];
  /** "dispute.resolve" */
  readonly act: string;
  /** Id of what it was done to. */
  readonly subject: string;
  /** What of the subject the act changed, as it was; null when there was nothing. */
  readonly before: Summary | null;
  /** The same, as it is since then; null when nothing is left. */
  readonly after: Summary | null;
  /** The request that asked for it; null for what was not asked for by a request. */
  readonly requestId: string | null;
}

/** JSON; amounts as decimal strings, secrets never. */
export type Summary = Readonly<Record<string, unknown>>;
