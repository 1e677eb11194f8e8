export { paymentCompleted } from './events.js';
export { get, list, recordCompleted } from './operations.js';
export { callFee } from './Payment.js';
export type { Payment } from './Payment.js';
