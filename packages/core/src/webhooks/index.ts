export { startDue } from './deliver.js';
export type { Attempted } from './deliver.js';
export { dispatch } from './dispatch.js';
export {
  backlog,
  create,
  deliveriesOf,
  get,
  lagMs,
  list,
  listAll,
  listDeliveries,
  remove,
  replay,
  replayDead,
  rotateSecret,
  sendTest,
} from './operations.js';
export type { NewWebhook } from './operations.js';
export type { WebhookPorts } from './ports.js';
export type { Attempt, Delivery, DeliveryState, Webhook, WebhookStatus } from './Webhook.js';
export { newSecret, signatureHeaders } from './signatures.js';
