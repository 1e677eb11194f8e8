export { approvalStatuses } from './Approval.js';
export type { Approval, ApprovalStatus, ApprovedTerms } from './Approval.js';
export { approvalRows } from './ApprovalStore.js';
export {
  approve,
  decideIn,
  expireDue,
  get,
  lastOf,
  list,
  reject,
  request,
  requestIn,
  useIn,
  waitsIn,
} from './operations.js';
export type { ApprovalRequest } from './operations.js';
export { withApproval } from './withApproval.js';
