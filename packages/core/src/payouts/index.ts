export { cancel, create, get, list } from './operations.js';
export type { PayoutRequest } from './operations.js';
export { checkDestination } from './checkDestination.js';
export { destinationTypes, journalKeys, payoutStatuses, shownOf } from './Payout.js';
export type { Destination, DestinationType, Payout, PayoutStatus } from './Payout.js';
export type { PayoutOutcome, PayoutConnector, PayoutFate, PayoutPorts, PayoutReturns } from './ports.js';
export { work } from './work.js';
export { payoutEntries } from './payoutEntries.js';
