export { disputeStatuses } from './Dispute.js';
export type { Dispute, DisputeStatus, Evidence } from './Dispute.js';
export { addEvidence, get, list, ofPayment, open, resolve, review, withdraw } from './operations.js';
export { openOnInvoice } from './invoices.js';
export { openOnAgreement } from './agreements.js';
