import type { Core } from '../Core.js';
import { read } from '../events/index.js';
import { newDelivery } from './operations.js';
import { wants } from './Webhook.js';
import * as store from './WebhookStore.js';

/**
 * Reads the outbox on from where it was left and makes a delivery for every webhook that wants an event of its owner. One instance does
 * it at a time; deliveries and the new position are written together, so that every event is dealt with once.
 * @returns how many events were read
 */
export function dispatch(core: Core, { limit }: { limit: number }): Promise<number> {
  return core.db.tx(async (tx) => {
    const after = await store.lockPosition(tx);
    if (!after) return 0;
    const events = await read(tx, { after, limit });
    const last = events.at(-1);
    if (!last) return 0;
    const owners = [...new Set(events.flatMap((event) => event.audience))];
    const webhooks = await store.selectOfOwners(tx, owners);
    const deliveries = events.flatMap((event) =>
      webhooks
        .filter((webhook) => event.audience.includes(webhook.ownerId) && wants(webhook, event.type))
        .map((webhook) => newDelivery(core, webhook.id, event)),
    );
    await store.deliveries.insertAll(tx, deliveries);
    await store.savePosition(tx, last);
    return events.length;
  });
}
