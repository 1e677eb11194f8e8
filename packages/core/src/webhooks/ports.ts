import type { Vault } from '../vault/index.js';
import type { Attempt } from './Webhook.js';

export interface WebhookPorts {
  readonly vault: Vault;
  /** Receivers of webhooks, out on the network. */
  readonly receivers: {
    /** @throws AgentPayError `invalid_request` (param `url`) for an address that deliveries must not go to */
    assertAllowed(url: string): void;
    /** Sends a delivery. Never rejects: what goes wrong is in the attempt. Redirects are not followed. */
    post(request: {
      readonly url: string;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: string;
      readonly timeoutMs: number;
    }): Promise<Attempt>;
  };
}
