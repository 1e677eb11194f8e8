export type { AuditEntry } from './AuditEntry.js';
export { list, record, recorded, recordIn } from './operations.js';
export { wasDone } from './AuditStore.js';
export type { AuditedAct } from './operations.js';
